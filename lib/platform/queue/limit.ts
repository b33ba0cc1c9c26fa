/** Queues that are asked no more often than allowed, all together. A receive waits long for its answer, so it takes no slot of `callsAtOnce`. */
import { Limit } from '../limit.ts'
import type { LimitOptions } from '../limit.ts'
import { eachQueue } from './each-queue.ts'
import type { Queues } from './port.ts'

export function limitQueues(queues: Queues, options: LimitOptions): Queues {
  const limit = new Limit(options)
  return eachQueue(queues, (queue) => ({
    send: (messages) => limit.call(() => queue.send(messages)),
    receive: async (receiveOptions) => {
      await limit.admit()
      return queue.receive(receiveOptions)
    },
    delete: (receipt) => limit.call(() => queue.delete(receipt)),
    changeVisibility: (receipt, visibilityMs) => limit.call(() => queue.changeVisibility(receipt, visibilityMs)),
    depth: () => limit.call(() => queue.depth()),
  }))
}
