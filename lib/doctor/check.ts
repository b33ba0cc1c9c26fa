/** One thing that was tried, as a line of `doctor`. */
import type { Check } from '../components/component.ts'
import { toTorikiError } from '../errors.ts'

/** Tells of what is opened, and gives it; nothing when it cannot be. Never throws. */
export async function* opening<T>(
  check: string,
  open: () => T | Promise<T>,
): AsyncGenerator<Check, T | undefined, void> {
  let opened: T
  try {
    opened = await open()
  } catch (error) {
    yield failing(check, error)
    return undefined
  }
  yield { check, ok: true }
  return opened
}

export function failing(check: string, error: unknown): Check {
  const { message, remedy } = toTorikiError(error)
  return { check, ok: false, remedy: `${message} ${remedy}` }
}
