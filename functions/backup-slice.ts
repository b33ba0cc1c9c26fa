/**
 * `backup-slice`: messages of the queue of that name, each one slice of a run. Answers with the messages that come back.
 */
import { invoked } from '../lib/assemble-service.ts'
import { backupSlice } from '../lib/backup/backup-slice.ts'
import type { Invocation } from '../lib/backup/deadline.ts'
import { parseQueueEvent, receiveBatch } from '../lib/backup/receive-batch.ts'
import type { BatchResponse } from '../lib/backup/receive-batch.ts'
import type { Service } from '../lib/backup/service.ts'

export async function handle(service: Service, event: unknown, invocation: Invocation): Promise<BatchResponse> {
  const batch = parseQueueEvent(event)
  return await receiveBatch(service, 'backup-slice', batch, invocation, async (message, { attempt, signal }) => {
    const remainingMs = invocation.getRemainingTimeInMillis()
    const delivered = await backupSlice(service, message, { attempt, signal, remainingMs })
    return delivered.done ? undefined : delivered.visibilityMs
  })
}

export async function handler(event: unknown, invocation: Invocation): Promise<BatchResponse> {
  return await invoked(invocation, 'sources', (service) => handle(service, event, invocation))
}
