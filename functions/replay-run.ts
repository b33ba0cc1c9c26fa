/**
 * `replay-run`: a run's failed slices again, in that run. Takes messages of its queue, or by hand `{"run":"…","users":["ann"]}` and then answers
 * `{"run","replayed":[slice,…]}`; anything else is refused.
 */
import * as z from 'zod'
import { serviceOfThisProcess } from '../lib/assemble-service.ts'
import { receiveBatch } from '../lib/backup/receive-batch.ts'
import type { BatchResponse, Invocation, QueueRecord } from '../lib/backup/receive-batch.ts'
import { replayRun } from '../lib/backup/replay-run.ts'
import type { Replayed } from '../lib/backup/replay-run.ts'
import type { Service } from '../lib/backup/service.ts'
import { TorikiError } from '../lib/errors.ts'

interface QueueEvent {
  readonly Records: readonly QueueRecord[]
}

const byHand = z.strictObject({
  run: z.string().min(1).max(80),
  users: z.exactOptional(z.array(z.string().min(1).max(1024))),
})

export async function handle(
  service: Service,
  event: unknown,
  invocation: Invocation,
): Promise<BatchResponse | Replayed> {
  if (isQueueEvent(event)) {
    return await receiveBatch(service, 'replay-run', event, invocation, async ({ run, users }) => {
      await replayRun(service, { run, ...(users === undefined ? {} : { users }) })
      return undefined
    })
  }
  const request = byHand.safeParse(event)
  if (!request.success) {
    throw new TorikiError('message-invalid', {
      message: 'The input is not a request for a replay.',
      remedy: 'Give {"run":"…"}, and "users":["…"] for some of them.',
      cause: request.error,
    })
  }
  return await replayRun(service, request.data)
}

export async function handler(event: unknown, invocation: Invocation): Promise<BatchResponse | Replayed> {
  return await handle(await serviceOfThisProcess(), event, invocation)
}

function isQueueEvent(event: unknown): event is QueueEvent {
  return typeof event === 'object' && event !== null && 'Records' in event && Array.isArray(event.Records)
}
