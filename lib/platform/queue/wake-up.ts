/** Lets receivers sleep until somebody in this process may have a message for them. */
import type { Clock } from '../clock.ts'

export class WakeUp {
  readonly #sleepers = new Set<() => void>()

  /** Ends every sleep that has begun. */
  wake(): void {
    for (const end of this.#sleepers) end()
  }

  /** Resolves after `ms`, or when woken, or when aborted; never rejects for these. */
  async sleep(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
    const woken = new AbortController()
    const end = (): void => woken.abort()
    this.#sleepers.add(end)
    const either = signal === undefined ? woken.signal : AbortSignal.any([woken.signal, signal])
    try {
      await clock.sleep(ms, either)
    } catch (error) {
      if (!either.aborted) throw error
    } finally {
      this.#sleepers.delete(end)
    }
  }
}
