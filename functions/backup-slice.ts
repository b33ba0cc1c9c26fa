/**
 * `backup-slice`: messages of the queue of that name, each one slice of a run. Answers with the messages that come back.
 */
import { serviceOfThisProcess } from '../lib/assemble-service.ts'
import { backupSlice } from '../lib/backup/backup-slice.ts'
import { receiveBatch } from '../lib/backup/receive-batch.ts'
import type { BatchResponse, Invocation, QueueRecord } from '../lib/backup/receive-batch.ts'
import type { Service } from '../lib/backup/service.ts'

interface QueueEvent {
  readonly Records: readonly QueueRecord[]
}

export async function handle(service: Service, event: QueueEvent, invocation: Invocation): Promise<BatchResponse> {
  return await receiveBatch(service, 'backup-slice', event, invocation, async (message, { attempt, signal }) => {
    const delivered = await backupSlice(service, message, { attempt, signal })
    return delivered.done ? undefined : delivered.visibilityMs
  })
}

export async function handler(event: QueueEvent, invocation: Invocation): Promise<BatchResponse> {
  return await handle(await serviceOfThisProcess(), event, invocation)
}
