/** What each plan has been told it will make, so that what is asked about later in it may refer to that. Bounded: a plan that was forgotten is refused what it would have known. */
const PLANS_MAX = 64

export class Expectations {
  readonly #plans = new Map<string, Set<string>>()

  of(restore: string, slice: string): Set<string> {
    const name = `${restore} ${slice}`
    const expected = this.#plans.get(name) ?? new Set<string>()
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
