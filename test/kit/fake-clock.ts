/**
 * A clock that a test turns. Its time stands still until `advance`; sleepers wake in the order of their times. With `auto`, whenever the process has
 * nothing else to do it goes on to the next sleeper by itself, so pauses cost nothing; work that waits for real input and output does not hold it.
 */
import type { Clock } from '../../lib/platform/clock.ts'

interface Sleeper {
  readonly atMs: number
  readonly wake: () => void
}

export class FakeClock implements Clock {
  #nowMs: number
  readonly #startMs: number
  readonly #auto: boolean
  /** In the order of going to sleep. */
  readonly #sleepers = new Set<Sleeper>()
  #turning = false

  constructor(options: { readonly start?: string; readonly auto?: boolean } = {}) {
    this.#nowMs = Date.parse(options.start ?? '2026-03-01T02:00:00Z')
    this.#startMs = this.#nowMs
    this.#auto = options.auto ?? false
  }

  now(): Date {
    return new Date(this.#nowMs)
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason as Error)
      if (ms <= 0) return void settle().then(resolve)
      const sleeper: Sleeper = {
        atMs: this.#nowMs + Math.max(0, ms),
        wake: () => {
          this.#sleepers.delete(sleeper)
          signal?.removeEventListener('abort', onAbort)
          resolve()
        },
      }
      const onAbort = (): void => {
        this.#sleepers.delete(sleeper)
        reject(signal?.reason as Error)
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#sleepers.add(sleeper)
      if (this.#auto) this.#turnByItself()
    })
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  /** Goes on by `ms`; everybody who slept until then has run as far as it can without the clock. */
  async advance(ms: number): Promise<void> {
    const until = this.#nowMs + ms
    await settle()
    for (let next = this.#first(); next !== undefined && next.atMs <= until; next = this.#first()) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.wake()
      await settle()
    }
    this.#nowMs = Math.max(this.#nowMs, until)
  }

  /** Resolves when somebody sleeps: for tests that must not advance too early. */
  async untilSleeping(count = 1): Promise<void> {
    while (this.#sleepers.size < count) await settle()
  }

  #first(): Sleeper | undefined {
    let first: Sleeper | undefined
    for (const sleeper of this.#sleepers) if (first === undefined || sleeper.atMs < first.atMs) first = sleeper
    return first
  }

  #turnByItself(): void {
    if (this.#turning) return
    this.#turning = true
    void settle().then(() => {
      this.#turning = false
      const next = this.#first()
      if (next === undefined) return
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.wake()
      if (this.#sleepers.size > 0) this.#turnByItself()
    })
  }
}

/** Lets everything that waits only for promises run. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
