/** The queue of a deployment, beside whoever else uses it: what a person with the queue's console could do. */
import { TorikiError } from '../../../lib/errors.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import { openLocalQueues } from '../../../lib/platform/queue/local.ts'
import type { Queues } from '../../../lib/platform/queue/port.ts'
import { systemRandom } from '../../../lib/platform/random.ts'
import { waitUntil } from '../servers/wait-until.ts'
import type { Nebari } from './nebari.ts'

export async function withQueues<T>(nebari: Nebari, action: (queues: Queues) => Promise<T>): Promise<T> {
  const queues = openLocalQueues({ folder: nebari.queue, clock: systemClock, random: systemRandom, receivesMax: 5 })
  try {
    return await action(queues)
  } finally {
    await queues.close()
  }
}

/** Takes every visible message off `backup-slice` and gives their bodies. */
export async function takeSliceMessages(queues: Queues): Promise<readonly string[]> {
  const queue = queues.queue('backup-slice')
  const bodies: string[] = []
  for (;;) {
    const messages = await queue.receive({ max: 10, waitMs: 0, visibilityMs: 60_000 })
    if (messages.length === 0) return bodies
    for (const { receipt, body } of messages) {
      bodies.push(body)
      await queue.delete(receipt)
    }
  }
}

/** A worker in this process, until no message about a slice is left, neither to do nor given up. */
export async function workUntilDrained(nebari: Nebari): Promise<void> {
  const stop = new AbortController()
  const working = nebari.toriki(['work'], { signal: stop.signal })
  await withQueues(nebari, (queues) =>
    waitUntil(
      'the queues are empty',
      async () => {
        const depths = await Promise.all([
          queues.queue('backup-slice').depth(),
          queues.deadLetter('backup-slice').depth(),
        ])
        return depths.every(({ visible, hidden, delayed }) => visible + hidden + delayed === 0) || undefined
      },
      { timeoutMs: 120_000 },
    ),
  )
  stop.abort(new TorikiError('interrupted'))
  await working
}
