import { describe, expect, test } from '@jest/globals'
import { ByteRate } from '../../../../lib/components/files/rate.ts'
import { Pace } from '../../../../lib/components/files/pace.ts'
import { TorikiError } from '../../../../lib/errors.ts'
import type { Clock } from '../../../../lib/platform/clock.ts'

function turnedClock(): Clock & { nowMs: number; slept: number[] } {
  const clock = {
    nowMs: 0,
    slept: [] as number[],
    now: () => new Date(clock.nowMs),
    monotonicMs: () => clock.nowMs,
    sleep(ms: number) {
      clock.slept.push(ms)
      clock.nowMs += ms
      return Promise.resolve()
    },
  }
  return clock
}
const signal = new AbortController().signal

describe('bytes per second', () => {
  test('are never exceeded, and the first are free', async () => {
    const clock = turnedClock()
    const rate = new ByteRate(1000)
    for (let turn = 0; turn < 5; turn++) await rate.take(500, clock, signal)
    expect(clock.nowMs).toBe(2000)
    expect(clock.slept).toEqual([500, 500, 500, 500])
  })

  test('are not saved up while nobody reads', async () => {
    const clock = turnedClock()
    const rate = new ByteRate(1000)
    clock.nowMs = 60_000
    await rate.take(1000, clock, signal)
    await rate.take(1000, clock, signal)
    expect(clock.nowMs).toBe(61_000)
  })

  test('are shared by all who read at once', async () => {
    const clock = turnedClock()
    const rate = new ByteRate(1000)
    await Promise.all([rate.take(1000, clock, signal), rate.take(1000, clock, signal), rate.take(1000, clock, signal)])
    expect(clock.slept.length).toBe(2)
  })
})

describe('the pace of synchronous work', () => {
  test('asks for a turn of the others after some time, or after some steps while the clock stands', async () => {
    const clock = turnedClock()
    const pace = new Pace(clock, signal)
    expect(pace.isDue()).toBe(false)
    clock.nowMs = 20
    expect(pace.isDue()).toBe(true)
    await pace.breathe()
    let steps = 0
    while (!pace.isDue()) steps++
    expect(steps).toBeLessThan(1000)
  })

  test('stops after a few steps, and whenever others had a turn, with the reason of whoever stops it', async () => {
    const stopped = new TorikiError('deadline')
    const go = (signal: AbortSignal): void => {
      const pace = new Pace(turnedClock(), signal)
      for (let step = 0; step < 16; step++) pace.isDue()
    }
    expect(() => go(AbortSignal.abort(stopped))).toThrow(stopped)
    expect(() => go(AbortSignal.abort())).toThrow(expect.objectContaining({ code: 'interrupted' }))
    await expect(new Pace(turnedClock(), AbortSignal.abort(stopped)).breathe()).rejects.toBe(stopped)
  })
})
