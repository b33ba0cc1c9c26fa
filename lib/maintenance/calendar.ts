/** Which day, week, month and year a moment lies in, as a clock on the wall of a time zone shows it. Pure. */

export interface CalendarBuckets {
  /** `2026-11-21` */
  readonly daily: string
  /** The ISO 8601 week, which begins on Monday: `2026-W47`. Around New Year its year may be another than the day's. */
  readonly weekly: string
  /** `2026-11` */
  readonly monthly: string
  /** `2026` */
  readonly yearly: string
}

const DAY_MS = 24 * 60 * 60 * 1000

/** `timezone`: an IANA name. @throws RangeError for a zone that is not known (settings check it). */
export function calendarIn(timezone: string): (at: Date) => CalendarBuckets {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    era: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
  })
  return (at) => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
    return bucketsOf(parts.get('year') ?? Number.NaN, parts.get('month') ?? Number.NaN, parts.get('day') ?? Number.NaN)
  }
}

/** Of a day in the Gregorian calendar; `month` and `day` count from 1. */
export function bucketsOf(year: number, month: number, day: number): CalendarBuckets {
  const monthly = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`
  return {
    daily: `${monthly}-${String(day).padStart(2, '0')}`,
    weekly: isoWeek(year, month, day),
    monthly,
    yearly: monthly.slice(0, 4),
  }
}

/** A week belongs to the year that its Thursday lies in (ISO 8601-1:2019, 3.1.1.23). */
function isoWeek(year: number, month: number, day: number): string {
  const midnight = utc(year, month, day)
  const weekday = (new Date(midnight).getUTCDay() + 6) % 7
  const thursday = new Date(midnight + (3 - weekday) * DAY_MS)
  const thursdayYear = thursday.getUTCFullYear()
  const week = Math.floor((thursday.getTime() - utc(thursdayYear, 1, 1)) / DAY_MS / 7) + 1
  return `${String(thursdayYear).padStart(4, '0')}-W${String(week).padStart(2, '0')}`
}

function utc(year: number, month: number, day: number): number {
  const date = new Date(0)
  // `Date.UTC` takes a year below 100 for one of the twentieth century.
  date.setUTCFullYear(year, month - 1, day)
  return date.getTime()
}
