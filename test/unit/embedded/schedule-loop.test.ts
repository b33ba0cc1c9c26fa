import { describe, expect, test } from '@jest/globals'
import { nextFire, scheduleLoop } from '../../../lib/embedded/schedule-loop.ts'
import type { Clock } from '../../../lib/platform/clock.ts'

const berlin = { cron: '30 2 * * *', timezone: 'Europe/Berlin' }

/** A clock that jumps to wherever a sleeper wants to be. */
function jumpingClock(start: string): Clock & { jump(to: string): void } {
  let now = Date.parse(start)
  return {
    now: () => new Date(now),
    monotonicMs: () => now,
    sleep: (ms) => {
      now += ms
      return Promise.resolve()
    },
    jump: (to) => void (now = Date.parse(to)),
  }
}

describe('the schedule', () => {
  test('fires at local time, summer and winter', () => {
    expect(nextFire(berlin, new Date('2026-07-01T12:00:00Z'))?.toISOString()).toBe('2026-07-02T00:30:00.000Z')
    expect(nextFire(berlin, new Date('2026-12-01T12:00:00Z'))?.toISOString()).toBe('2026-12-02T01:30:00.000Z')
  })

  test('fires on the night on which 02:30 does not exist', () => {
    // 2026-03-29: clocks go from 02:00 to 03:00.
    const fired = nextFire(berlin, new Date('2026-03-28T12:00:00Z'))
    expect(fired?.toISOString().slice(0, 10)).toBe('2026-03-29')
    expect(nextFire(berlin, fired as Date)?.toISOString()).toBe('2026-03-30T00:30:00.000Z')
  })

  test('fires once on the night on which 02:30 comes twice', () => {
    // 2026-10-25: clocks go from 03:00 back to 02:00.
    const fired = nextFire(berlin, new Date('2026-10-24T12:00:00Z')) as Date
    expect(fired.toISOString().slice(0, 10)).toBe('2026-10-25')
    expect(nextFire(berlin, fired)?.toISOString()).toBe('2026-10-26T01:30:00.000Z')
  })

  test('calls with the intended time, one after another', async () => {
    const clock = jumpingClock('2026-11-21T00:00:00Z')
    const stop = new AbortController()
    const fired: string[] = []
    await scheduleLoop(
      { cron: '0 2 * * *', timezone: 'UTC' },
      clock,
      {
        scheduled: () => undefined,
        fire: async (intended) => {
          fired.push(intended.toISOString())
          if (fired.length === 3) stop.abort()
        },
      },
      stop.signal,
    )
    expect(fired).toEqual(['2026-11-21T02:00:00.000Z', '2026-11-22T02:00:00.000Z', '2026-11-23T02:00:00.000Z'])
  })

  test('makes up times that passed in a long sleep by one call, the newest', async () => {
    const clock = jumpingClock('2026-11-21T00:00:00Z')
    const stop = new AbortController()
    const fired: string[] = []
    await scheduleLoop(
      { cron: '0 * * * *', timezone: 'UTC' },
      { ...clock, sleep: async () => clock.jump('2026-11-21T05:30:00Z') },
      {
        scheduled: () => undefined,
        fire: async (intended) => {
          fired.push(intended.toISOString())
          stop.abort()
        },
      },
      stop.signal,
    )
    expect(fired).toEqual(['2026-11-21T05:00:00.000Z'])
  })
})
