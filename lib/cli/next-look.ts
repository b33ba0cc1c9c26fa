/**
 * When a command that watches a run looks at it again: after a while, or as soon as this process has ended as many slices as the last look had left. So the last one is seen
 * at once, and ten thousand before it cost no look each.
 */
import type { Clock } from '../platform/clock.ts'

export class NextLook {
  readonly #clock: Clock
  /** Since the look that began last. */
  #ended = 0
  /** Ends the wait when so many have ended. */
  #waiting: { readonly pending: number; readonly enough: AbortController } | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** A slice ended, and its event is in the store. */
  ended(): void {
    this.#ended++
    if (this.#waiting !== undefined && this.#isEnough(this.#waiting.pending)) this.#waiting.enough.abort()
  }

  /** A look begins: it may or may not see what ends from here on. */
  begins(): void {
    this.#ended = 0
  }

  /** Resolves when the next look is due, or the signal is aborted. `pending`: so many slices had not ended at the last one. */
  async due(pending: number, ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isEnough(pending)) return
    const enough = new AbortController()
    this.#waiting = { pending, enough }
    const either = AbortSignal.any([signal, enough.signal])
    try {
      await this.#clock.sleep(ms, either)
    } catch (error) {
      if (!either.aborted) throw error
    } finally {
      this.#waiting = undefined
    }
  }

  /** With none left something else is waited for, and no end of a slice tells when. */
  #isEnough(pending: number): boolean {
    return pending > 0 && this.#ended >= pending
  }
}
