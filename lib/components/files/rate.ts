/** At most so many bytes per second, over everything that asks: a file system that lives on burst credits is not drained. */
import type { Clock } from '../../platform/clock.ts'

export class ByteRate {
  readonly #bytesPerSecond: number
  #freeAtMs = 0

  constructor(bytesPerSecond: number) {
    this.#bytesPerSecond = bytesPerSecond
  }

  /** Resolves when `bytes` more may be read; those waiting are served in the order they asked. Rejects when the signal is aborted meanwhile. */
  async take(bytes: number, clock: Clock, signal: AbortSignal): Promise<void> {
    const nowMs = clock.monotonicMs()
    const startMs = Math.max(nowMs, this.#freeAtMs)
    this.#freeAtMs = startMs + (bytes / this.#bytesPerSecond) * 1000
    if (startMs > nowMs) await clock.sleep(startMs - nowMs, signal)
  }
}
