/** System calls here are synchronous: now and then everybody else gets a turn, and the wish to stop is heard. */
import { setImmediate } from 'node:timers/promises'
import { TorikiError } from '../../errors.ts'
import type { Clock } from '../../platform/clock.ts'

/** Longest time without giving others a turn, as long as a single call does not take longer. */
const TURN_MS = 20
/** And most steps, where the clock stands still. */
const TURN_STEPS = 512
const SIGNAL_STEPS = 16

export class Pace {
  readonly #clock: Clock
  readonly signal: AbortSignal
  #since: number
  #steps = 0

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.signal = signal
    this.#since = clock.monotonicMs()
  }

  /** Is it time for `breathe`? @throws the signal’s reason, as `deadline` or `interrupted`, within a few steps of its abort. */
  isDue(): boolean {
    // Nobody aborts while this thread is busy here.
    if (++this.#steps % SIGNAL_STEPS === 0) stopIfAborted(this.signal)
    return this.#steps >= TURN_STEPS || this.#clock.monotonicMs() - this.#since >= TURN_MS
  }

  async breathe(): Promise<void> {
    await setImmediate()
    this.#steps = 0
    this.#since = this.#clock.monotonicMs()
    stopIfAborted(this.signal)
  }
}

/** @throws the reason of the abort when it is a coded error, else `interrupted`. */
export function stopIfAborted(signal: AbortSignal): void {
  if (!signal.aborted) return
  const reason: unknown = signal.reason
  throw reason instanceof TorikiError ? reason : new TorikiError('interrupted', { cause: reason })
}
