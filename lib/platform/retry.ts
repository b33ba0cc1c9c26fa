/** Tries again what passes by itself: exponential back-off with full jitter (Brooker, "Exponential Backoff And Jitter", AWS 2015), bounds in limits.ts. */
import { isTorikiError } from '../errors.ts'
import { RETRY_AFTER_MS_MAX, RETRY_FIRST_MS, RETRY_LAST_MS, RETRY_TRIES_MAX } from '../limits.ts'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

export interface RetryOptions {
  readonly clock: Clock
  readonly random: Random
  readonly signal?: AbortSignal
  /** Absent: RETRY_TRIES_MAX. */
  readonly triesMax?: number
  /** Told before each pause, for counting and logs. */
  readonly onRetry?: (error: unknown, tries: number, pauseMs: number) => void
}

/**
 * The result of `operation`, tried up to `triesMax` times while it fails with retry class `now`. A pause that the source asks for is kept to the
 * full; one longer than RETRY_AFTER_MS_MAX is not waited for. `tries` begins at 1.
 * @throws the last error, unchanged; the signal's reason when aborted during a pause.
 */
export async function retrying<T>(operation: (tries: number) => Promise<T>, options: RetryOptions): Promise<T> {
  const { triesMax = RETRY_TRIES_MAX } = options
  for (let tries = 1; ; tries++) {
    try {
      return await operation(tries)
    } catch (error) {
      if (!isTorikiError(error) || error.retry !== 'now' || tries >= triesMax) throw error
      const askedMs = error.retryAfterMs ?? 0
      if (askedMs > RETRY_AFTER_MS_MAX) throw error
      const pauseMs = askedMs + options.random.fraction() * Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** (tries - 1))
      options.onRetry?.(error, tries, pauseMs)
      await options.clock.sleep(pauseMs, options.signal)
    }
  }
}
