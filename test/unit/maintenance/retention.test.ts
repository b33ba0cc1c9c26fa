import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TorikiError } from '../../../lib/errors.ts'
import { calendarIn } from '../../../lib/maintenance/calendar.ts'
import { decideRetention } from '../../../lib/maintenance/retention.ts'
import type { RetentionCandidate, RetentionPolicy } from '../../../lib/maintenance/retention.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const NOW = new Date('2026-11-28T12:00:00Z')
const UTC = { timezone: 'UTC' }

function snapshot(
  time: Date | string,
  components: RetentionCandidate['components'] = { files: 'trusted' },
  more: Partial<RetentionCandidate> = {},
): RetentionCandidate {
  const at = new Date(time)
  return { id: `${at.toISOString().replace(/[-:.]/g, '')}-full-0123456789.1`, time: at, components, ...more }
}

/** One a day at two in the morning, newest last. */
function nights(count: number, until = NOW): RetentionCandidate[] {
  return Array.from({ length: count }, (_, n) => snapshot(new Date(until.getTime() - (count - n) * DAY_MS)))
}

const kept = (
  candidates: readonly RetentionCandidate[],
  policy: Partial<RetentionPolicy>,
  goneSince?: Date,
): readonly RetentionCandidate[] => {
  const decisions = decideRetention(candidates, { ...UTC, ...policy }, NOW, goneSince)
  return candidates.filter(({ id }) => decisions.get(id)?.keep === true)
}

describe('retention', () => {
  test('keeps the newest of each day, week, month and year that has any, as many as asked', () => {
    const days = kept(nights(1000), { daily: 7, weekly: 4, monthly: 12, yearly: 2 }).map(({ time }) =>
      time.toISOString().slice(0, 10),
    )
    expect(days).toEqual([
      ...['2025-12-31', '2026-01-31', '2026-02-28', '2026-03-31', '2026-04-30', '2026-05-31', '2026-06-30'],
      ...['2026-07-31', '2026-08-31', '2026-09-30', '2026-10-31', '2026-11-08', '2026-11-15'],
      ...['2026-11-21', '2026-11-22', '2026-11-23', '2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27'],
    ])
  })

  test('every snapshot that is kept lists its reasons, and what goes says that no rule keeps it', () => {
    const all = nights(3)
    const decisions = decideRetention(all, { ...UTC, last: 1, daily: 2 }, NOW)
    expect(all.map(({ id }) => decisions.get(id))).toEqual([
      { keep: false, reasons: ['no rule keeps it'] },
      { keep: true, reasons: ['files: daily 2026-11-26'] },
      { keep: true, reasons: ['files: last 1', 'files: daily 2026-11-27'] },
    ])
  })

  test.each([{}, { last: 0, daily: 0 }, { leftMs: 400 * DAY_MS }])(
    'refuses a policy that keeps nothing: %j',
    (policy) => {
      expect(() => decideRetention(nights(2), { ...UTC, ...policy }, NOW)).toThrow(TorikiError)
    },
  )

  test('counts per component: a night without one source pushes out nothing of it', () => {
    const whole = snapshot('2026-11-01T02:00:00Z', { files: 'trusted', keycloak: 'trusted' })
    const without = ['2026-11-02', '2026-11-03'].map((day) => snapshot(`${day}T02:00:00Z`, { files: 'trusted' }))
    expect(kept([whole, ...without], { last: 2 })).toEqual([whole, ...without])
  })

  test('the newest of a component is kept, however old and whatever the policy counts', () => {
    const old = snapshot('1999-01-01T02:00:00Z', { keycloak: 'trusted' })
    expect(kept([old, ...nights(3)], { keepWithinMs: DAY_MS })).toContain(old)
  })

  test('a suspect snapshot pushes out no other', () => {
    const trusted = nights(2, new Date('2026-11-20T12:00:00Z'))
    const suspect = ['2026-11-25', '2026-11-26'].map((day) => snapshot(`${day}T02:00:00Z`, { files: 'suspect' }))
    expect(kept([...trusted, ...suspect], { last: 2 })).toEqual([...trusted, ...suspect])
  })

  test('a suspect snapshot goes once something newer is to be believed', () => {
    const suspect = snapshot('2026-11-25T02:00:00Z', { files: 'suspect' })
    const newer = snapshot('2026-11-26T02:00:00Z')
    expect(kept([suspect, newer], { last: 5 })).toEqual([newer])
  })

  test('everything goes once somebody has been gone for longer than the time for that, also the newest', () => {
    const policy = { last: 3, leftMs: 400 * DAY_MS }
    expect(kept(nights(3), policy, new Date(NOW.getTime() - 401 * DAY_MS))).toEqual([])
    expect(kept(nights(3), policy, new Date(NOW.getTime() - 399 * DAY_MS))).toHaveLength(3)
  })

  test('without a time for those who left, they stay', () => {
    expect(kept(nights(3), { last: 3 }, new Date(0))).toHaveLength(3)
  })

  test('what a restore was about to overwrite stays while that restore is open, also of somebody who left, and counts for nothing', () => {
    const open = snapshot('2026-11-01T02:00:00Z', { files: 'trusted' }, { id: 'r.1', safetyOf: 'open' })
    const closed = snapshot('2026-11-27T02:00:00Z', { files: 'trusted' }, { id: 's.1', safetyOf: 'closed' })
    const [older, newer] = nights(2, new Date('2026-11-20T12:00:00Z'))
    expect(kept([open, closed, older!, newer!], { last: 1 })).toEqual([open, newer])
    expect(kept([open, newer!], { last: 1, leftMs: DAY_MS }, new Date(0))).toEqual([open])
  })
})

const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Apia', 'Australia/Lord_Howe')
const count = fc.integer({ min: 0, max: 6 })
const policies = fc
  .record({ last: count, daily: count, weekly: count, monthly: count, yearly: count, timezone: zone })
  .filter(({ last, daily, weekly, monthly, yearly }) => last + daily + weekly + monthly + yearly > 0)
const histories = fc.uniqueArray(
  fc.integer({ min: Date.parse('1995-01-01T00:00:00Z') / 60_000, max: NOW.getTime() / 60_000 }),
  { maxLength: 60 },
)

describe('retention of any history', () => {
  test('keeps no more and no fewer buckets than asked, and of each the newest', () => {
    fc.assert(
      fc.property(policies, histories, (policy, minutes) => {
        const candidates = minutes.map((minute) => snapshot(new Date(minute * 60_000)))
        const decisions = decideRetention(candidates, policy, NOW)
        const at = calendarIn(policy.timezone)
        for (const rule of ['daily', 'weekly', 'monthly', 'yearly'] as const) {
          const newest = new Map<string, RetentionCandidate>()
          for (const one of [...candidates].sort((a, b) => a.time.getTime() - b.time.getTime()))
            newest.set(at(one.time)[rule], one)
          const expected = [...newest.values()]
            .sort((a, b) => b.time.getTime() - a.time.getTime())
            .slice(0, policy[rule])
          const by = candidates.filter(({ id }) =>
            decisions.get(id)?.reasons.some((why) => why.startsWith(`files: ${rule}`)),
          )
          expect(new Set(by.map(({ id }) => id))).toEqual(new Set(expected.map(({ id }) => id)))
        }
      }),
    )
  })

  test('the order in which snapshots are listed changes nothing', () => {
    fc.assert(
      fc.property(policies, histories, (policy, minutes) => {
        const candidates = minutes.map((minute) => snapshot(new Date(minute * 60_000)))
        const one = decideRetention(candidates, policy, NOW)
        const other = decideRetention([...candidates].reverse(), policy, NOW)
        for (const { id } of candidates) expect(one.get(id)).toEqual(other.get(id))
      }),
    )
  })

  test('forgetting night after night keeps what forgetting once at the end keeps', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 900 }), (policy, days) => {
        let held: RetentionCandidate[] = []
        const all = nights(days)
        for (const night of all) {
          held.push(night)
          const decisions = decideRetention(held, policy, night.time)
          held = held.filter(({ id }) => decisions.get(id)?.keep)
        }
        const atOnce = decideRetention(all, policy, all.at(-1)?.time ?? NOW)
        expect(held.map(({ id }) => id)).toEqual(all.filter(({ id }) => atOnce.get(id)?.keep).map(({ id }) => id))
      }),
      { numRuns: 15 },
    )
  })
})
