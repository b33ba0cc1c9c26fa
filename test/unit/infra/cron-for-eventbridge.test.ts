import { expect, test } from '@jest/globals'
import { Cron } from 'croner'
import fc from 'fast-check'
import { cronForEventBridge } from '../../../infra/cron-for-eventbridge.ts'
import { isTorikiError } from '../../../lib/errors.ts'

/** EventBridge's six fields, read as its documentation says and by nothing of ours: numbers and ranges, 1 is Sunday, `?` for a day that is not asked. */
function fires(expression: string, at: Date): boolean {
  const fields = /^cron\((.*)\)$/.exec(expression)?.[1]?.split(' ') ?? []
  const values = [
    at.getUTCMinutes(),
    at.getUTCHours(),
    at.getUTCDate(),
    at.getUTCMonth() + 1,
    at.getUTCDay() + 1,
    at.getUTCFullYear(),
  ]
  expect(fields).toHaveLength(6)
  return fields.every((field, index) =>
    field.split(',').some((part) => {
      if (part === '*' || part === '?') return true
      const [from, to] = part.split('-').map(Number)
      return values[index]! >= from! && values[index]! <= (to ?? from!)
    }),
  )
}

function part(least: number, most: number): fc.Arbitrary<string> {
  const number = fc.integer({ min: least, max: most })
  const range = fc.tuple(number, number).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  const step = fc.integer({ min: 1, max: most - least })
  return fc.oneof(
    number.map(String),
    range,
    fc.tuple(range, step).map(([r, s]) => `${r}/${s}`),
    step.map((s) => `*/${s}`),
  )
}
const field = (least: number, most: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 1, arbitrary: fc.constant('*') },
    {
      weight: 2,
      arbitrary: fc.array(part(least, most), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(',')),
    },
  )
const month = fc.oneof(field(1, 12), fc.constantFrom('JAN', 'feb-APR', 'OCT,DEC'))
const weekday = fc.oneof(field(0, 7), fc.constantFrom('SUN', 'mon-FRI', 'TUE,SAT', '5-7'))

test('fires at the same minutes as the cron it came from', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.tuple(field(0, 59), field(0, 23), field(1, 28), month, fc.constant('*')),
        fc.tuple(field(0, 59), field(0, 23), fc.constant('*'), month, weekday),
      ),
      fc.array(fc.integer({ min: 0, max: 2 * 366 * 24 * 60 }), { minLength: 20, maxLength: 40 }),
      (fields, minutes) => {
        const cron = fields.join(' ')
        const job = new Cron(cron, { paused: true, timezone: 'UTC' })
        const expression = cronForEventBridge(cron)
        const begin = Date.UTC(2027, 0, 1)
        // Any minutes, most of which are wrong ones, and the right ones with the minutes beside them.
        const right = job
          .nextRuns(5, new Date(begin))
          .flatMap((run) => [run.getTime(), run.getTime() + 60_000, run.getTime() - 86_400_000])
        for (const at of [...minutes.map((minute) => begin + minute * 60_000), ...right]) {
          const date = new Date(at)
          expect({ cron, expression, date, fires: fires(expression, date) }).toEqual({
            cron,
            expression,
            date,
            fires: job.match(date),
          })
        }
      },
    ),
  )
})

test.each([
  ['0 2 * * *', 'cron(0 2 * * ? *)'],
  ['*/15 22-23,0-5 * * *', 'cron(0,15,30,45 0-5,22-23 * * ? *)'],
  ['30 1 * * sun', 'cron(30 1 ? * 1 *)'],
  ['30 1 * * 1-5', 'cron(30 1 ? * 2-6 *)'],
  ['0 0 1 jan,jul *', 'cron(0 0 1 1,7 ? *)'],
])('%s is %s', (cron, expected) => {
  expect(cronForEventBridge(cron)).toBe(expected)
})

test.each([
  ['0 2 1 * 1', 'not both'],
  ['0 2 L * *', 'its day of the month L is more than numbers'],
  ['0 2 * * 5#2', 'its day of the week 5#2 is more than numbers'],
  ['0 0 30 2 *', 'it never comes'],
  ['0 25 * * *', 'its hour 25 is not from 0 to 23'],
  ['0 0 0 2 * *', 'five fields'],
  ['0 2 * * 5-1', 'goes backwards'],
])('%s is refused: %s', (cron, reason) => {
  const refusal = (() => {
    try {
      return cronForEventBridge(cron)
    } catch (error) {
      return isTorikiError(error, 'settings-invalid') ? error.message : error
    }
  })()
  expect(refusal).toContain(reason)
})
