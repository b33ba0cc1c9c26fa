/** Queues whose passing failures are tried again. A send whose answer was lost may put its messages in twice; every consumer is idempotent. */
import { retrying } from '../retry.ts'
import type { RetryOptions } from '../retry.ts'
import { eachQueue } from './each-queue.ts'
import type { Queues } from './port.ts'

export function retryQueues(queues: Queues, options: RetryOptions): Queues {
  const { check } = queues
  const retried = eachQueue(queues, (queue) => ({
    send: (messages) => retrying(() => queue.send(messages), options),
    async receive(receiveOptions) {
      const { signal } = receiveOptions
      try {
        return await retrying(
          () => queue.receive(receiveOptions),
          signal === undefined ? options : { ...options, signal },
        )
      } catch (error) {
        if (signal?.aborted === true && error === signal.reason) return [] // aborted in a pause, as in a wait: none was taken
        throw error
      }
    },
    delete: (receipt) => retrying(() => queue.delete(receipt), options),
    changeVisibility: (receipt, visibilityMs) => retrying(() => queue.changeVisibility(receipt, visibilityMs), options),
    depth: () => retrying(() => queue.depth(), options),
  }))
  if (check === undefined) return retried
  return {
    ...retried,
    // What is passed over anyhow is not waited for.
    check: (name, look) =>
      look.tolerant ? check.call(queues, name, look) : retrying(() => check.call(queues, name, look), options),
  }
}
