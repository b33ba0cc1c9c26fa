/** Queues that fail on purpose, as the injector's plan wants it. */
import type { FaultInjector } from '../fault.ts'
import { eachQueue } from './each-queue.ts'
import type { Queues } from './port.ts'

/** The same queues with faults. A duplicated receive delivers its messages twice in one answer; a duplicated send puts them in twice. */
export function faultyQueues(queues: Queues, faults: FaultInjector): Queues {
  const port = 'queue'
  return eachQueue(queues, (queue, subject) => ({
    send: (messages) => faults.run({ port, operation: 'send', subject }, () => queue.send(messages)),
    receive: (options) =>
      faults.run(
        { port, operation: 'receive', subject },
        () => queue.receive(options),
        async (first) => [...first, ...first],
      ),
    delete: (receipt) => faults.run({ port, operation: 'delete', subject }, () => queue.delete(receipt)),
    changeVisibility: (receipt, visibilityMs) =>
      faults.run({ port, operation: 'changeVisibility', subject }, () => queue.changeVisibility(receipt, visibilityMs)),
    depth: () => faults.run({ port, operation: 'depth', subject }, () => queue.depth()),
  }))
}
