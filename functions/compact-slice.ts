/** `compact-slice`: messages of the queue of that name, each one slice whose mostly dead packs are packed anew. Opens content, and deletes nothing. Answers with the messages that come back. */
import { invoked } from '../lib/assemble-service.ts'
import type { Invocation } from '../lib/backup/deadline.ts'
import { parseQueueEvent, receiveBatch } from '../lib/backup/receive-batch.ts'
import type { BatchResponse } from '../lib/backup/receive-batch.ts'
import { deliverCompact } from '../lib/maintenance/deliver-compact.ts'
import type { QueuedMaintenance } from '../lib/maintenance/queued-service.ts'

export async function handle(
  service: QueuedMaintenance,
  event: unknown,
  invocation: Invocation,
): Promise<BatchResponse> {
  const batch = parseQueueEvent(event)
  return await receiveBatch(service, 'compact-slice', batch, invocation, (message, delivery) =>
    deliverCompact(service, message, delivery),
  )
}

export async function handler(event: unknown, invocation: Invocation): Promise<BatchResponse> {
  return await invoked(invocation, 'records', (service) => handle(service, event, invocation))
}
