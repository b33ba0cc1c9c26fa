/**
 * `doctor`: every connection and right of a function, tried from where it runs. Invoked by hand with exactly `{}`; answers `[{"check","ok","remedy"?}]`. A check that
 * fails is an answer, never an error, also when the settings are wrong or the service cannot be put together. Changes nothing.
 */
import type { Check } from '../lib/components/component.ts'
import { diagnose } from '../lib/doctor/diagnose.ts'
import type { DiagnoseOptions } from '../lib/doctor/diagnose.ts'
import { TorikiError } from '../lib/errors.ts'
import { loadSettings } from '../lib/load-settings.ts'
import { jsonLog } from '../lib/log.ts'
import { systemClock } from '../lib/platform/clock.ts'

/** What is asked of the host. */
interface Invocation {
  getRemainingTimeInMillis(): number
}

/** Left for the answer when the time runs out. */
const RESERVE_MS = 3_000

/** @throws TorikiError `message-invalid` when the input is not `{}`. */
export async function handle(
  options: DiagnoseOptions,
  input: unknown,
  invocation: Invocation,
): Promise<readonly Check[]> {
  refuseInput(input)
  const checks: Check[] = []
  const found = diagnose(options)
  const ended = new AbortController()
  const late = systemClock
    .sleep(Math.max(0, invocation.getRemainingTimeInMillis() - RESERVE_MS), ended.signal)
    .then(() => 'late' as const)
  late.catch(() => {}) // ended before: nobody waits any more
  try {
    for (;;) {
      const next = await Promise.race([found.next(), late])
      if (next === 'late') return [...checks, outOfTime]
      if (next.done === true) return checks
      checks.push(next.value)
    }
  } finally {
    ended.abort()
  }
}

export async function handler(input: unknown, invocation: Invocation): Promise<readonly Check[]> {
  const log = jsonLog(
    (line) => void process.stdout.write(line),
    () => systemClock.now(),
  )
  return await handle({ settings: (resolve) => loadSettings({ resolve }), log, asFunction: true }, input, invocation)
}

const outOfTime: Check = {
  check: 'doctor: ended in time',
  ok: false,
  remedy:
    'What stands after the last line did not answer before the function’s time ran out: check the network between the function and it, and give the function more time.',
}

function refuseInput(input: unknown): void {
  const isMap = typeof input === 'object' && input !== null && !Array.isArray(input)
  const [field] = isMap ? Object.keys(input) : []
  if (isMap && field === undefined) return
  throw new TorikiError('message-invalid', {
    message: isMap
      ? `The input has a field that is not known: ${JSON.stringify(field)}.`
      : 'The input is not a JSON object.',
    remedy: 'Give exactly {}.',
  })
}
