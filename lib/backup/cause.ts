/** An error as the cause that is recorded: code, sentence and remedy, with what the retry needs. Names and stacks stay out of it. */
import { toTorikiError } from '../errors.ts'
import type { RetryClass } from '../errors.ts'
import type { Log } from '../log.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { Cause } from '../runs/run.ts'

export interface Failed {
  readonly cause: Cause
  readonly retry: RetryClass
  readonly retryAfterMs: number | undefined
}

export function failedBy(error: unknown, component?: ComponentName): Failed {
  const { code, message, remedy, retry, retryAfterMs } = toTorikiError(error)
  return { cause: { ...(component === undefined ? {} : { component }), code, message, remedy }, retry, retryAfterMs }
}

/** One line for operators. Of an unforeseen error also its kind and where it arose, without its text, which may hold names. */
export function logFailure(
  log: Log,
  event: string,
  error: unknown,
  fields: Readonly<Record<string, string | number | undefined>>,
): void {
  const { code, cause } = toTorikiError(error)
  const origin = code === 'internal' && cause instanceof Error ? { kind: cause.name, at: framesOf(cause) } : {}
  log.write(code === 'internal' ? 'error' : 'warn', event, { ...fields, code, ...origin })
}

const FRAMES_MAX = 5

function framesOf(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line))
  return frames
    .slice(0, FRAMES_MAX)
    .map((line) => line.trim())
    .join(' < ')
}
