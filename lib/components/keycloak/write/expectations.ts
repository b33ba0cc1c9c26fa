/** What a plan makes and removes: what is asked about in it may count on that. Bounded: a plan that was forgotten is refused what it would have known. */
import { encodeKey, formatKey } from '../../../resources/key.ts'
import type { Forecast } from '../../writer.ts'

const PLANS_MAX = 64
const NOTHING: ReadonlySet<string> = new Set()

/** One plan's, by written keys. */
export class Expected {
  readonly #made = new Set<string>()
  readonly #gone = new Set<string>()
  readonly #refused = new Set<string>()
  /** Everything it will ask about that is to be there afterwards; told with each question. */
  planned: ReadonlySet<string> = NOTHING
  /** What the same restore makes and changes before this plan is applied. */
  before: ReadonlySet<string> = NOTHING

  note(written: string, forecast: Forecast['kind'], isDelete: boolean): void {
    const answers = forecast !== 'will' ? this.#refused : isDelete ? this.#gone : this.#made
    answers.add(written)
  }

  /** Will it be there, made by this plan, before or after the change that is asked about, or by one that is applied before? */
  comes(kind: string, segments: readonly string[]): boolean {
    const written = formatKey(encodeKey(kind, segments))
    return (
      this.before.has(written) || this.#made.has(written) || (this.planned.has(written) && !this.#refused.has(written))
    )
  }

  /** Is it made or changed by the same restore, before this plan is applied? */
  changes(kind: string, segments: readonly string[] = []): boolean {
    return this.before.has(formatKey(encodeKey(kind, segments)))
  }

  /** Does this plan remove it, as far as it was asked? */
  goes(kind: string, segments: readonly string[]): boolean {
    return this.#gone.has(formatKey(encodeKey(kind, segments)))
  }
}

export class Expectations {
  readonly #plans = new Map<string, Expected>()

  of(restore: string, slice: string): Expected {
    const name = `${restore} ${slice}`
    const expected = this.#plans.get(name) ?? new Expected()
    // The one used last stands last.
    this.#plans.delete(name)
    this.#plans.set(name, expected)
    for (const oldest of this.#plans.keys()) {
      if (this.#plans.size <= PLANS_MAX) break
      this.#plans.delete(oldest)
    }
    return expected
  }
}
