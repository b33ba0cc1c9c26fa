/** `restore-slice`: messages of the queue of that name, each one slice of a planned restore. The only function that writes to what is backed up. Answers with the messages that come back. */
import { invokedRestore } from '../lib/assemble-queued-restore.ts'
import type { Invocation } from '../lib/backup/deadline.ts'
import { parseQueueEvent, receiveBatch } from '../lib/backup/receive-batch.ts'
import type { BatchResponse } from '../lib/backup/receive-batch.ts'
import { deliverSlice } from '../lib/restore/deliver-slice.ts'
import type { QueuedRestoreService } from '../lib/restore/queued-service.ts'

export async function handle(
  service: QueuedRestoreService,
  event: unknown,
  invocation: Invocation,
): Promise<BatchResponse> {
  const batch = parseQueueEvent(event)
  return await receiveBatch(service, 'restore-slice', batch, invocation, (message, delivery) =>
    deliverSlice(service, message, delivery),
  )
}

export async function handler(event: unknown, invocation: Invocation): Promise<BatchResponse> {
  return await invokedRestore(invocation, (service) => handle(service, event, invocation))
}
