/** `dead-letter`: what the queues gave up on, recorded with its cause. Answers with the messages that come back, when the store does not answer. */
import { invoked } from '../lib/assemble-service.ts'
import { logFailure } from '../lib/backup/cause.ts'
import { deadLetter } from '../lib/backup/dead-letter.ts'
import type { Invocation } from '../lib/backup/deadline.ts'
import { parseQueueEvent } from '../lib/backup/receive-batch.ts'
import type { BatchResponse } from '../lib/backup/receive-batch.ts'
import type { Service } from '../lib/backup/service.ts'

export async function handle(service: Service, event: unknown): Promise<BatchResponse> {
  const batchItemFailures: { readonly itemIdentifier: string }[] = []
  // One after another: a broken server fills this queue with the same cause, which is told once.
  for (const { messageId, body } of parseQueueEvent(event).Records) {
    try {
      // A program that backs up gives up nothing else, and waits for no more than it needs.
      await deadLetter(service, { body }, async (message) => {
        if (message.kind === 'prune-slice' || message.kind === 'compact-slice')
          await (await import('../lib/maintenance/give-up.ts')).giveUpMaintenance(service, message)
        else await (await import('../lib/restore/give-up-restore.ts')).giveUpRestore(service, message)
      })
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
