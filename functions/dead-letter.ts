/** `dead-letter`: what the queues gave up on, recorded with its cause. Answers with the messages that come back, when the store does not answer. */
import { invoked } from '../lib/assemble-service.ts'
import { logFailure } from '../lib/backup/cause.ts'
import { deadLetter } from '../lib/backup/dead-letter.ts'
import type { Invocation } from '../lib/backup/deadline.ts'
import { parseQueueEvent } from '../lib/backup/receive-batch.ts'
import type { BatchResponse } from '../lib/backup/receive-batch.ts'
import type { Service } from '../lib/backup/service.ts'
import { giveUpMaintenance } from '../lib/maintenance/give-up.ts'
import { giveUpRestore } from '../lib/restore/give-up-restore.ts'

export async function handle(service: Service, event: unknown): Promise<BatchResponse> {
  const batchItemFailures: { readonly itemIdentifier: string }[] = []
  // One after another: a broken server fills this queue with the same cause, which is told once.
  for (const { messageId, body } of parseQueueEvent(event).Records) {
    try {
      await deadLetter(service, { body }, (message) =>
        message.kind === 'prune-slice' || message.kind === 'compact-slice'
          ? giveUpMaintenance(service, message)
          : giveUpRestore(service, message),
      )
    } catch (error) {
      logFailure(service.platform.log, 'dead-letter-failed', error, { message: messageId })
      batchItemFailures.push({ itemIdentifier: messageId })
    }
  }
  return { batchItemFailures }
}

export async function handler(event: unknown, invocation: Invocation): Promise<BatchResponse> {
  return await invoked(invocation, 'records', (service) => handle(service, event))
}
