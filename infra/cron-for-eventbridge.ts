/**
 * Five fields of cron, as `schedule.cron` has them → the six of EventBridge's Scheduler, which fire at the same minutes. Every field becomes a plain list of numbers, so
 * nothing depends on how EventBridge reads a step or a name; what it cannot say is refused with the reason, never bent.
 */
import { Cron } from 'croner'
import { TorikiError } from '../lib/errors.ts'

interface Field {
  readonly name: string
  readonly least: number
  readonly most: number
  /** The last one where no end is written, when that is not `most`. */
  readonly open?: number
  /** Names for numbers, from `least` on. */
  readonly names: readonly string[]
}

const FIELDS: readonly Field[] = [
  { name: 'minute', least: 0, most: 59, names: [] },
  { name: 'hour', least: 0, most: 23, names: [] },
  { name: 'day of the month', least: 1, most: 31, names: [] },
  {
    name: 'month',
    least: 1,
    most: 12,
    names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
  },
  // 7 is Sunday too.
  { name: 'day of the week', least: 0, most: 7, open: 6, names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'] },
]
/** EventBridge's bound on an expression. */
const EXPRESSION_CHARACTERS_MAX = 256

/** `cron(m h dom mon dow *)`. @throws TorikiError `settings-invalid` with the reason. */
export function cronForEventBridge(cron: string): string {
  const texts = cron.trim().split(/\s+/)
  if (texts.length !== FIELDS.length) throw refused(cron, 'it must have five fields')
  const [minutes, hours, days, months, weekdays] = FIELDS.map((field, index) => {
    try {
      return numbersOf(texts[index] ?? '', field)
    } catch (cause) {
      throw refused(cron, `its ${field.name} ${texts[index]} ${(cause as Error).message}`)
    }
  }) as [Numbers, Numbers, Numbers, Numbers, Numbers]
  // Cron fires when one of the two matches; EventBridge knows only one of them at a time.
  if (days.restricted && weekdays.restricted)
    throw refused(cron, 'EventBridge takes a day of the month or a day of the week, not both')
  if (new Cron(cron, { paused: true, timezone: 'UTC' }).nextRun() === null) throw refused(cron, 'it never comes')
  const sundayIsOne = [...new Set(weekdays.values.map((day) => (day % 7) + 1))].toSorted((a, b) => a - b)
  const expression = `cron(${[
    written(minutes),
    written(hours),
    weekdays.restricted ? '?' : written(days),
    written(months),
    weekdays.restricted ? ranges(sundayIsOne) : '?',
    '*',
  ].join(' ')})`
  if (expression.length > EXPRESSION_CHARACTERS_MAX) throw refused(cron, 'it is too long for EventBridge')
  return expression
}

interface Numbers {
  readonly values: readonly number[]
  /** Is it anything but a star? Cron then counts it as said, also where it names every day. */
  readonly restricted: boolean
}

/** @throws Error with a sentence's end. */
function numbersOf(text: string, field: Field): Numbers {
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const [, range, from, to, step] =
      /^(\*|([0-9]+|[A-Za-z]{3})(?:-([0-9]+|[A-Za-z]{3}))?)(?:\/([0-9]+))?$/.exec(part) ?? []
    if (range === undefined) throw new Error('is more than numbers, names, ranges and steps')
    const first = from === undefined ? field.least : numberOf(from, field)
    // Without an end: all there are, and with a step from the number on.
    const open = from === undefined || step !== undefined ? (field.open ?? field.most) : first
    const last = to === undefined ? open : numberOf(to, field)
    if (first > last) throw new Error('is a range that goes backwards')
    const by = step === undefined ? 1 : Number(step)
    if (by < 1) throw new Error('has a step of nothing')
    for (let value = first; value <= last; value += by) values.add(value)
  }
  return { values: [...values].toSorted((a, b) => a - b), restricted: text !== '*' }
}

function numberOf(text: string, { least, most, names }: Field): number {
  const place = names.indexOf(text.toUpperCase())
  const value = place >= 0 ? least + place : Number(text)
  if (!Number.isInteger(value) || value < least || value > most) throw new Error(`is not from ${least} to ${most}`)
  return value
}

function written({ values, restricted }: Numbers): string {
  return restricted ? ranges(values) : '*'
}

/** `1-3,5,7-8` for 1, 2, 3, 5, 7, 8. */
function ranges(values: readonly number[]): string {
  const runs: [number, number][] = []
  for (const value of values) {
    const run = runs.at(-1)
    if (run !== undefined && run[1] === value - 1) run[1] = value
    else runs.push([value, value])
  }
  return runs.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(',')
}

function refused(cron: string, reason: string): TorikiError {
  return new TorikiError('settings-invalid', {
    message: `schedule.cron: "${cron}" cannot be scheduled by EventBridge: ${reason}.`,
    remedy:
      'Write five fields of numbers, names, ranges and steps, with a star for the day of the month or of the week.',
  })
}
