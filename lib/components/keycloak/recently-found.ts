/** People whom `identify` found a moment ago, so that `read`, which comes next in the same message, need not search for them again. */
import type { Clock } from '../../platform/clock.ts'
import type { UserAnswer } from './answers.ts'

const KEPT_MS = 60_000
/** More messages are not under way at once. */
const KEPT_MAX = 256

export class RecentlyFound {
  readonly #clock: Clock
  readonly #found = new Map<string, { readonly user: UserAnswer; readonly untilMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  keep(user: UserAnswer): void {
    // The oldest goes first: a map keeps the order of insertion.
    this.#found.delete(user.username)
    if (this.#found.size >= KEPT_MAX) this.#found.delete(this.#found.keys().next().value ?? '')
    this.#found.set(user.username, { user, untilMs: this.#clock.monotonicMs() + KEPT_MS })
  }

  /** Once. */
  take(username: string): UserAnswer | undefined {
    const kept = this.#found.get(username)
    this.#found.delete(username)
    return kept !== undefined && this.#clock.monotonicMs() < kept.untilMs ? kept.user : undefined
  }
}
