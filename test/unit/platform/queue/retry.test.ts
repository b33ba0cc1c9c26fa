import { describe, expect, test } from '@jest/globals'
import { FaultInjector } from '../../../../lib/platform/fault.ts'
import { faultyQueues } from '../../../../lib/platform/queue/fault.ts'
import { MemoryQueues } from '../../../../lib/platform/queue/memory.ts'
import { retryQueues } from '../../../../lib/platform/queue/retry.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'
import { seededRandom } from '../../../kit/seeded-random.ts'

describe('queues with retries', () => {
  test('every call is tried again; a send whose answer was lost may put in twice', async () => {
    const clock = new FakeClock({ auto: true })
    const faults = new FaultInjector({
      clock,
      plan: ({ number }) => (number % 2 === 1 ? { kind: 'fail-after' } : undefined),
    })
    const queue = retryQueues(
      faultyQueues(new MemoryQueues({ clock, random: seededRandom(1), receivesMax: 5 }), faults),
      { clock, random: seededRandom(2) },
    ).queue('backup-slice')
    await queue.send([{ body: 'x' }])
    expect(await queue.depth()).toMatchObject({ visible: 2 })
    const [message] = await queue.receive({ max: 1, waitMs: 0, visibilityMs: 60_000 })
    await queue.changeVisibility(message!.receipt, 1000)
    await queue.delete(message!.receipt)
    expect(faults.calls).toBe(10)
  })

  test('aborted in a pause, a receive answers with none', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const faults = new FaultInjector({ clock, plan: () => ({ kind: 'fail-before' }) })
    const queues = retryQueues(
      faultyQueues(new MemoryQueues({ clock, random: seededRandom(1), receivesMax: 5 }), faults),
      { clock, random: seededRandom(2) },
    )
    const waiting = queues.queue('backup-slice').receive({ max: 1, waitMs: 0, visibilityMs: 0, signal: stop.signal })
    await clock.untilSleeping()
    stop.abort()
    expect(await waiting).toEqual([])
  })
})
