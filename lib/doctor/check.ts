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

/** Starts now and goes on by itself; gives its lines as they are there, and what it opened, to whoever asks. So what does not answer holds up nothing else. */
export function startNow<T>(checks: AsyncGenerator<Check, T, void>): () => AsyncGenerator<Check, T, void> {
  const lines: Check[] = []
  let arrived = Promise.withResolvers<void>()
  const goOn = async (): Promise<T> => {
    for (;;) {
      const next = await checks.next()
      if (next.done === true) return next.value
      lines.push(next.value)
      arrived.resolve()
      arrived = Promise.withResolvers<void>()
    }
  }
  let isEnded = false
  const ended = goOn().finally(() => {
    isEnded = true
    arrived.resolve()
  })
  ended.catch(() => {}) // whoever asks is told
  return async function* give() {
    for (let given = 0; given < lines.length || !isEnded;) {
      const line = lines[given]
      if (line === undefined) {
        await arrived.promise
        continue
      }
      given++
      yield line
    }
    return await ended
  }
}
