import { describe, expect, test } from '@jest/globals'
import { systemClock } from '../../../lib/platform/clock.ts'
import { FakeClock } from '../../kit/fake-clock.ts'

describe("the machine's clock", () => {
  test('a sleep ends at once when it is aborted, before or during', async () => {
    const stop = new AbortController()
    const sleeping = systemClock.sleep(3_600_000, stop.signal)
    stop.abort(new Error('stopped'))
    await expect(sleeping).rejects.toThrow('stopped')
    await expect(systemClock.sleep(3_600_000, stop.signal)).rejects.toThrow('stopped')
  })

  test('does not go back', async () => {
    const before = systemClock.monotonicMs()
    await systemClock.sleep(1)
    expect(systemClock.monotonicMs()).toBeGreaterThanOrEqual(before)
  })
})

describe('the fake clock', () => {
  test('stands still until it is advanced, and wakes sleepers in the order of their times, each at its time', async () => {
    const clock = new FakeClock({ start: '2026-01-01T00:00:00Z' })
    const woken: [string, number][] = []
    const sleep = (name: string, ms: number): void =>
      void clock.sleep(ms).then(() => woken.push([name, clock.monotonicMs()]))
    sleep('late', 300)
    sleep('early', 100)
    sleep('never', 1001)
    await clock.advance(50)
    expect(woken).toEqual([])
    await clock.advance(950)
    expect(woken).toEqual([
      ['early', 100],
      ['late', 300],
    ])
    expect(clock.now().toISOString()).toBe('2026-01-01T00:00:01.000Z')
    expect(clock.sleeping).toBe(1)
  })

  test('turns by itself when asked to, in the same order', async () => {
    const clock = new FakeClock({ auto: true })
    const woken: number[] = []
    await Promise.all([300, 100, 200].map((ms) => clock.sleep(ms).then(() => woken.push(clock.monotonicMs()))))
    expect(woken).toEqual([100, 200, 300])
  })
})
