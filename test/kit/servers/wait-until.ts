import { setTimeout as pause } from 'node:timers/promises'

/**
 * Polls `state` until it returns something other than undefined, and returns that. Throws after `timeoutMs`, naming `what`.
 * A state that throws counts as "not yet"; `giveUp` (a reason, or undefined) ends the wait early.
 */
export async function waitUntil<T>(
  what: string,
  state: () => Promise<T | undefined> | T | undefined,
  options: {
    readonly timeoutMs: number
    readonly everyMs?: number
    readonly giveUp?: () => string | undefined
  },
): Promise<T> {
  const deadline = Date.now() + options.timeoutMs
  let last: unknown
  while (Date.now() < deadline) {
    const reason = options.giveUp?.()
    if (reason !== undefined) throw new Error(`${what}: ${reason}`)
    try {
      const value = await state()
      if (value !== undefined) return value
    } catch (error) {
      last = error
    }
    await pause(options.everyMs ?? 100)
  }
  throw new Error(`${what}: not within ${options.timeoutMs} ms`, { cause: last })
}
