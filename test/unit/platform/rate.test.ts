import { describe, expect, test } from '@jest/globals'
import { Rate } from '../../../lib/platform/rate.ts'
import { FakeClock } from '../../kit/fake-clock.ts'

describe('a rate', () => {
  test('lets a burst through at once and the rest evenly, first come first served', async () => {
    const clock = new FakeClock({ auto: true })
    const rate = new Rate(clock, { perSecond: 10, burst: 2 })
    const passed: [number, number][] = []
    await Promise.all(
      [0, 1, 2, 3, 4].map((number) => rate.take(1).then(() => passed.push([number, clock.monotonicMs()]))),
    )
    expect(passed).toEqual([
      [0, 0],
      [1, 0],
      [2, 100],
      [3, 200],
      [4, 300],
    ])
  })

  test('never lets more than a burst and the time since then through, whatever the sizes', async () => {
    const clock = new FakeClock({ auto: true })
    const rate = new Rate(clock, { perSecond: 1000, burst: 500 })
    let passed = 0
    for (const units of [1, 400, 3000, 7, 500, 2500, 1]) {
      await rate.take(units)
      passed += units
      expect(passed).toBeLessThanOrEqual(500 + clock.monotonicMs() + 1e-6)
    }
  })

  test('saves no more than one burst over a long rest', async () => {
    const clock = new FakeClock({ auto: true })
    const rate = new Rate(clock, { perSecond: 10, burst: 2 })
    await rate.take(1)
    await clock.advance(3_600_000)
    const start = clock.monotonicMs()
    for (let count = 0; count < 4; count++) await rate.take(1)
    expect(clock.monotonicMs() - start).toBe(200)
  })

  test('what has passed already is paid for by those who come next', async () => {
    const clock = new FakeClock({ auto: true })
    const rate = new Rate(clock, { perSecond: 100, burst: 100 })
    rate.spend(300)
    await rate.take(0)
    expect(clock.monotonicMs()).toBe(2000)
  })

  test('an abort ends the wait', async () => {
    const clock = new FakeClock()
    const rate = new Rate(clock, { perSecond: 1, burst: 1 })
    await rate.take(1)
    const stop = new AbortController()
    const waiting = rate.take(1, stop.signal)
    stop.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
    await expect(rate.take(1, stop.signal)).rejects.toThrow('stopped')
  })
})
