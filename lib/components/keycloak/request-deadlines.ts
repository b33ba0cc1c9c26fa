/**
 * Signals that end requests which take too long. Requests begun within the same few seconds share one: a signal with a time-out lives, timer and all, as long as the
 * time-out, and not as long as the request, so one for each kept tens of thousands of them for requests that had taken a millisecond.
 */
import type { Clock } from '../../platform/clock.ts'

export interface RequestDeadlinesOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>
  readonly timeoutMs: number
  /** A request may take up to this much longer than its time-out. */
  readonly sharedMs: number
}

export class RequestDeadlines {
  readonly #options: RequestDeadlinesOptions
  #shared: { readonly signal: AbortSignal; readonly untilMs: number } | undefined

  constructor(options: RequestDeadlinesOptions) {
    this.#options = options
  }

  /** For a request that begins now. Its timer keeps no process alive. */
  next(): AbortSignal {
    const { clock, timeoutMs, sharedMs } = this.#options
    const nowMs = clock.monotonicMs()
    if (this.#shared === undefined || nowMs >= this.#shared.untilMs)
      this.#shared = { signal: AbortSignal.timeout(timeoutMs + sharedMs), untilMs: nowMs + sharedMs }
    return this.#shared.signal
  }
}
