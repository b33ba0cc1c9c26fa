/** A rate: so many units a second, with a small burst. Virtual scheduling (the "leaky bucket as a meter" of ATM's GCRA): one number of state, first come first served. */
import assert from 'node:assert/strict'
import type { Clock } from './clock.ts'

export interface RateOptions {
  readonly perSecond: number
  /** Units that may pass at once after a rest; by default those of one second. */
  readonly burst?: number
}

export class Rate {
  readonly #clock: Clock
  readonly #msPerUnit: number
  readonly #burstMs: number
  /** When everything admitted so far is paid for. */
  #paidAtMs = Number.NEGATIVE_INFINITY

  constructor(clock: Clock, options: RateOptions) {
    assert(options.perSecond > 0 && (options.burst ?? 1) > 0, 'a rate is more than nothing')
    this.#clock = clock
    this.#msPerUnit = 1000 / options.perSecond
    this.#burstMs = (options.burst ?? options.perSecond) * this.#msPerUnit
  }

  /**
   * Resolves when `units` may pass. More than a burst at once waits until it is paid.
   * @throws the signal's reason; the units are spent all the same.
   */
  async take(units: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    const waitMs = this.spend(units)
    if (waitMs > 0) await this.#clock.sleep(waitMs, signal)
  }

  /** Counts units that have passed already. Answers how long they should have waited. */
  spend(units: number): number {
    const now = this.#clock.monotonicMs()
    const fullAgain = now - this.#burstMs
    const before = Math.max(this.#paidAtMs, fullAgain)
    this.#paidAtMs = before + units * this.#msPerUnit
    return Math.max(0, this.#paidAtMs - now)
  }
}
