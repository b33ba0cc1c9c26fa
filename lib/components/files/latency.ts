/** How long a call takes on this file system, told from a few calls: one that was slow says nothing, for anything may have come between. */

/** So many calls are looked at together. */
const CALLS = 16
/** More than that is the way to another machine, or a disk's arm. A local file system, also one that others use, answers in a tenth of it. */
const SLOW_MS = 0.25
/** At this many milliseconds a call, as many as may be are under way. */
const FULL_MS = 1

export class Latency {
  readonly #lastMs: number[] = []
  #at = 0
  #ms = 0

  add(ms: number): void {
    this.#lastMs[this.#at] = ms
    this.#at = (this.#at + 1) % CALLS
    if (this.#at === 0 || this.isSlow) this.#ms = this.#lastMs.length < CALLS ? 0 : median(this.#lastMs)
  }

  get isSlow(): boolean {
    return this.#ms >= SLOW_MS
  }

  get ms(): number {
    return this.#ms
  }

  /** What somebody else measured on this file system counts as if it was measured here, until enough is. */
  expect(ms: number): void {
    for (let call = 0; call < CALLS; call++) this.add(ms)
  }

  /** How many calls shall be under way, of `most`. */
  atOnce(most: number): number {
    return Math.max(4, Math.min(most, Math.ceil((this.#ms / FULL_MS) * most)))
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
}
