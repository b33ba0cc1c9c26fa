/** Wraps every queue of a bundle alike, each once. */
import type { Queue, QueueName, Queues } from './port.ts'

/** `subject` is the queue's name, `….dead` for its dead-letter queue. */
export function eachQueue(queues: Queues, wrap: (queue: Queue, subject: string) => Queue): Queues {
  const wrapped = new Map<string, Queue>()
  const once = (queue: Queue, subject: string): Queue => {
    const known = wrapped.get(subject) ?? wrap(queue, subject)
    wrapped.set(subject, known)
    return known
  }
  const check = queues.check?.bind(queues)
  return {
    queue: (name: QueueName) => once(queues.queue(name), name),
    deadLetter: (name: QueueName) => once(queues.deadLetter(name), `${name}.dead`),
    ...(check === undefined ? {} : { check }),
    close: () => queues.close(),
  }
}
