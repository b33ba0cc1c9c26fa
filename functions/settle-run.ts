/** `settle-run`: numbered ticks of a run; the last one writes its summary and tells what went wrong. Answers with the messages that come back. */
import { invoked } from '../lib/assemble-service.ts'
import type { Invocation } from '../lib/backup/deadline.ts'
import { parseQueueEvent, receiveBatch } from '../lib/backup/receive-batch.ts'
import type { BatchResponse } from '../lib/backup/receive-batch.ts'
import type { Service } from '../lib/backup/service.ts'
import { settleRun } from '../lib/backup/settle-run.ts'

export async function handle(service: Service, event: unknown, invocation: Invocation): Promise<BatchResponse> {
  const batch = parseQueueEvent(event)
  return await receiveBatch(service, 'settle-run', batch, invocation, async ({ run, tick }, { messageId }) => {
    await settleRun(service, { run, tick: { number: tick, messageId } })
    return undefined
  })
}

export async function handler(event: unknown, invocation: Invocation): Promise<BatchResponse> {
  return await invoked(invocation, 'records', (service) => handle(service, event, invocation))
}
