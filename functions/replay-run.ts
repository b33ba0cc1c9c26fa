/**
 * `replay-run`: a run's failed slices again, in that run. Takes messages of its queue, or by hand `{"run":"…","users":["ann"]}` and then answers
 * `{"run","replayed":[slice,…]}`; anything else is refused.
 */
import * as z from 'zod'
import { invoked } from '../lib/assemble-service.ts'
import type { Invocation } from '../lib/backup/deadline.ts'
import { parseQueueEvent, receiveBatch } from '../lib/backup/receive-batch.ts'
import type { BatchResponse } from '../lib/backup/receive-batch.ts'
import { replayRun } from '../lib/backup/replay-run.ts'
import type { Replayed } from '../lib/backup/replay-run.ts'
import type { Service } from '../lib/backup/service.ts'
import { TorikiError } from '../lib/errors.ts'

const byHand = z.strictObject({
  run: z.string().min(1).max(80),
  users: z.exactOptional(z.array(z.string().min(1).max(1024))),
})

export async function handle(
  service: Service,
  event: unknown,
  invocation: Invocation,
): Promise<BatchResponse | Replayed> {
  if (typeof event === 'object' && event !== null && 'Records' in event) {
    const batch = parseQueueEvent(event)
    return await receiveBatch(service, 'replay-run', batch, invocation, async ({ run, users }) => {
      await replayRun(service, { run, ...(users === undefined ? {} : { users }) })
      return undefined
    })
  }
  const request = byHand.safeParse(event)
  if (!request.success) {
    throw new TorikiError('message-invalid', {
      message: refusal(
        request.error.issues.find(({ code }) => code === 'unrecognized_keys') ?? request.error.issues[0],
      ),
      remedy: 'Give {"run":"…"}, and "users":["…"] for some of them.',
      cause: request.error,
    })
  }
  return await replayRun(service, request.data)
}

export async function handler(event: unknown, invocation: Invocation): Promise<BatchResponse | Replayed> {
  return await invoked(invocation, 'records', (service) => handle(service, event, invocation))
}

function refusal(issue: z.core.$ZodIssue | undefined): string {
  const field = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path.join('.')
  const wrong =
    issue?.code === 'unrecognized_keys' ? 'it has a field that is not known' : 'it lacks, or has a wrong, field'
  return `The input is not a request for a replay${field === undefined || field === '' ? '' : `: ${wrong}: ${JSON.stringify(field)}`}.`
}
