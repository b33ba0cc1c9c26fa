/** The machine's own clock, which a test can turn forward: whoever sleeps until then wakes. Other than under a fake clock, nothing hangs that waits for a while. */
import type { Clock } from '../../lib/platform/clock.ts'

export class TurnedClock implements Clock {
  #aheadMs = 0
  readonly #turned: (now: Date) => void
  readonly #sleepers = new Set<() => void>()

  /** `turned` is told every new time, for a server whose clock stands. */
  constructor(turned: (now: Date) => void = () => undefined) {
    this.#turned = turned
  }

  now(): Date {
    return new Date(Date.now() + this.#aheadMs)
  }

  monotonicMs(): number {
    return performance.now() + this.#aheadMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error)
      const untilMs = this.monotonicMs() + ms
      let timer: NodeJS.Timeout | undefined
      const end = (): void => {
        clearTimeout(timer)
        this.#sleepers.delete(look)
        signal?.removeEventListener('abort', onAbort)
      }
      const look = (): void => {
        const leftMs = untilMs - this.monotonicMs()
        clearTimeout(timer)
        if (leftMs > 0) return void (timer = setTimeout(look, Math.min(leftMs, 2 ** 31 - 1)))
        end()
        resolve()
      }
      const onAbort = (): void => {
        end()
        reject(signal?.reason as Error)
      }
      this.#sleepers.add(look)
      signal?.addEventListener('abort', onAbort, { once: true })
      look()
    })
  }

  /** Whoever slept until then has run on as far as it can at once. */
  async turn(ms: number): Promise<void> {
    this.#aheadMs += ms
    this.#turned(this.now())
    for (const look of [...this.#sleepers]) look()
    await new Promise((resolve) => setImmediate(resolve))
  }
}
