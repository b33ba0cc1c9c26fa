/** Answers that many messages share: asked for once, kept for a bounded time. One who stops waiting ends nobody else's answer; what failed is not kept. */
import type { Clock } from '../../platform/clock.ts'
import { waitFor } from './stop.ts'

interface Kept {
  readonly answer: Promise<unknown>
  readonly untilMs: number
}

export class KeptAnswers<Name extends string> {
  readonly #clock: Clock
  readonly #keepMs: number
  readonly #life: AbortSignal
  readonly #kept = new Map<Name, Kept>()

  /** `life`: aborted when the component is closed; asking goes on until then. */
  constructor(clock: Clock, keepMs: number, life: AbortSignal) {
    this.#clock = clock
    this.#keepMs = keepMs
    this.#life = life
  }

  get<T>(name: Name, signal: AbortSignal, ask: (life: AbortSignal) => Promise<T>): Promise<T> {
    const known = this.#kept.get(name)
    if (known !== undefined && this.#clock.monotonicMs() < known.untilMs)
      return waitFor(known.answer as Promise<T>, signal)
    const answer = ask(this.#life)
    const kept = { answer, untilMs: this.#clock.monotonicMs() + this.#keepMs }
    this.#kept.set(name, kept)
    answer.catch(() => {
      if (this.#kept.get(name) === kept) this.#kept.delete(name)
    })
    return waitFor(answer, signal)
  }

  forget(name: Name): void {
    this.#kept.delete(name)
  }
}
