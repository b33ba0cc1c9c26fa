/** `plan-restore`: messages of the queue of that name, each one slice of a restore that was asked for. Reads everything, changes nothing live. Answers with the messages that come back. */
import { invokedRestore } from '../lib/assemble-queued-restore.ts'
import type { Invocation } from '../lib/backup/deadline.ts'
import { parseQueueEvent, receiveBatch } from '../lib/backup/receive-batch.ts'
import type { BatchResponse } from '../lib/backup/receive-batch.ts'
import { deliverPlan } from '../lib/restore/deliver-plan.ts'
import type { QueuedRestoreService } from '../lib/restore/queued-service.ts'

export async function handle(
  service: QueuedRestoreService,
  event: unknown,
  invocation: Invocation,
): Promise<BatchResponse> {
  const batch = parseQueueEvent(event)
  return await receiveBatch(service, 'plan-restore', batch, invocation, (message, delivery) =>
    deliverPlan(service, message, delivery),
  )
}

export async function handler(event: unknown, invocation: Invocation): Promise<BatchResponse> {
  return await invokedRestore(invocation, (service) => handle(service, event, invocation))
}
