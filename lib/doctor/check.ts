/** One thing that was tried, as a line of `doctor`. */
import type { Check } from '../components/component.ts'
import { toTorikiError } from '../errors.ts'

/** Never throws: what the action throws becomes the line's remedy. */
export async function tryOne(check: string, action: () => unknown): Promise<Check> {
  try {
    await action()
    return { check, ok: true }
  } catch (error) {
    return failing(check, error)
  }
}

export function failing(check: string, error: unknown): Check {
  const { message, remedy } = toTorikiError(error)
  return { check, ok: false, remedy: `${message} ${remedy}` }
}
