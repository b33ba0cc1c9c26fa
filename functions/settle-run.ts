/** `settle-run`: numbered ticks of a run; the last one writes its summary and tells what went wrong. Answers with the messages that come back. */
import { serviceOfThisProcess } from '../lib/assemble-service.ts'
import { receiveBatch } from '../lib/backup/receive-batch.ts'
import type { BatchResponse, Invocation, QueueRecord } from '../lib/backup/receive-batch.ts'
import type { Service } from '../lib/backup/service.ts'
import { settleRun } from '../lib/backup/settle-run.ts'

interface QueueEvent {
  readonly Records: readonly QueueRecord[]
}

export async function handle(service: Service, event: QueueEvent, invocation: Invocation): Promise<BatchResponse> {
  return await receiveBatch(service, 'settle-run', event, invocation, async ({ run, tick }, { messageId }) => {
    await settleRun(service, { run, tick: { number: tick, messageId } })
    return undefined
  })
}

export async function handler(event: QueueEvent, invocation: Invocation): Promise<BatchResponse> {
  return await handle(await serviceOfThisProcess(), event, invocation)
}
