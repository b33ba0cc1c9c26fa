/** `prune-slice`: messages of the queue of that name, each one slice in which the policy forgets, and which is pruned then; or records whose time is over. The only function that deletes. Answers with the messages that come back. */
import { invoked } from '../lib/assemble-service.ts'
import type { Invocation } from '../lib/backup/deadline.ts'
import { parseQueueEvent, receiveBatch } from '../lib/backup/receive-batch.ts'
import type { BatchResponse } from '../lib/backup/receive-batch.ts'
import { deliverPrune } from '../lib/maintenance/deliver-prune.ts'
import type { QueuedMaintenance } from '../lib/maintenance/queued-service.ts'

export async function handle(
  service: QueuedMaintenance,
  event: unknown,
  invocation: Invocation,
): Promise<BatchResponse> {
  const batch = parseQueueEvent(event)
  return await receiveBatch(service, 'prune-slice', batch, invocation, (message, delivery) =>
    deliverPrune(service, message, delivery),
  )
}

export async function handler(event: unknown, invocation: Invocation): Promise<BatchResponse> {
  return await invoked(invocation, 'records', (service) => handle(service, event, invocation))
}
