import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { bucketsOf, calendarIn } from '../../../lib/maintenance/calendar.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const moments = fc.date({
  min: new Date('1990-01-01T00:00:00Z'),
  max: new Date('2120-12-31T23:59:59Z'),
  noInvalidDate: true,
})
const zones = fc.constantFrom(
  ...['UTC', 'Europe/Berlin', 'America/St_Johns', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe'],
  ...['Pacific/Kiritimati', 'Pacific/Apia', 'Africa/Casablanca', 'Pacific/Chatham'],
)

/** Day after day from the first Monday of 1990, counted and never calculated. */
function countedDays(): Map<string, { readonly week: number; readonly day: Date }> {
  const days = new Map<string, { week: number; day: Date }>()
  let day = new Date('1990-01-01T00:00:00Z')
  for (let n = 0; day.getUTCFullYear() < 2121; n++) {
    days.set(day.toISOString().slice(0, 10), { week: Math.floor(n / 7), day })
    day = new Date(day.getTime() + DAY_MS)
  }
  return days
}
const counted = countedDays()

describe('the calendar of retention', () => {
  test.each([
    // ISO 8601-1:2019 and the table of the weeks around New Year
    ['2026-01-01', '2026-W01'],
    ['2027-01-01', '2026-W53'],
    ['2024-12-30', '2025-W01'],
    ['2021-01-03', '2020-W53'],
    ['2016-01-03', '2015-W53'],
    ['2024-02-29', '2024-W09'],
    ['2000-02-29', '2000-W09'],
  ])('%s lies in week %s', (day, week) => {
    expect(calendarIn('UTC')(new Date(`${day}T12:00:00Z`)).weekly).toBe(week)
  })

  test.each([
    ['Europe/Berlin', '2026-03-28T23:30:00Z', '2026-03-29'],
    ['Europe/Berlin', '2026-10-25T22:59:59Z', '2026-10-25'],
    ['Europe/Berlin', '2026-10-25T23:00:00Z', '2026-10-26'],
    ['Pacific/Kiritimati', '2026-12-31T10:00:00Z', '2027-01-01'],
    ['America/New_York', '2027-01-01T04:59:59Z', '2026-12-31'],
    ['Asia/Kolkata', '2024-02-28T18:30:00Z', '2024-02-29'],
    // Samoa left this day out.
    ['Pacific/Apia', '2011-12-30T10:00:00Z', '2011-12-31'],
  ])('in %s, %s is on %s', (zone, at, day) => {
    expect(calendarIn(zone)(new Date(at)).daily).toBe(day)
  })

  test('two days share a week just when no Monday lies between them', () => {
    const day = fc.constantFrom(...counted.values())
    fc.assert(
      fc.property(day, fc.integer({ min: -10, max: 10 }), (one, apart) => {
        const other = counted.get(new Date(one.day.getTime() + apart * DAY_MS).toISOString().slice(0, 10))
        if (other === undefined) return
        const week = ({ day: date }: typeof one): string =>
          bucketsOf(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()).weekly
        expect(week(one) === week(other)).toBe(one.week === other.week)
      }),
    )
  })

  test('a week is named by the year of most of its days, and a year has 52 or 53', () => {
    const weeks = new Map<string, number[]>()
    for (const { day } of counted.values()) {
      const { weekly } = bucketsOf(day.getUTCFullYear(), day.getUTCMonth() + 1, day.getUTCDate())
      weeks.set(weekly, [...(weeks.get(weekly) ?? []), day.getUTCFullYear()])
    }
    for (const [week, years] of [...weeks].slice(0, -1)) {
      expect(years).toHaveLength(7)
      expect(years.filter((year) => year === Number(week.slice(0, 4))).length).toBeGreaterThanOrEqual(4)
    }
    const inYear = (year: number): number => [...weeks.keys()].filter((week) => week.startsWith(`${year}-`)).length
    for (let year = 1990; year < 2120; year++) expect([52, 53]).toContain(inYear(year))
  })

  test('every moment lies on the day that the zone’s clocks show', () => {
    fc.assert(
      fc.property(moments, zones, (at, zone) => {
        const shown = at.toLocaleDateString('sv-SE', { timeZone: zone })
        const { daily, monthly, yearly } = calendarIn(zone)(at)
        expect([daily, monthly, yearly]).toEqual([shown, shown.slice(0, 7), shown.slice(0, 4)])
      }),
    )
  })
})
