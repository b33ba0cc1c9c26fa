/** How many bytes lie in what is left out by rule: for people to see what a rule costs. Nothing is opened but directories, and counting has an end. */
import type { Clock } from '../../platform/clock.ts'
import type { Directory } from './directory.ts'
import type { Pace } from './pace.ts'
import { classOf } from './system-failure.ts'
import { walkSoon } from './walk.ts'
import type { Visit } from './walk.ts'

/** Entries looked at in one read, and time that may be spent on it: a network file system may need long for either. */
const COUNTED_MAX = 200_000
const COUNTED_MS_MAX = 10_000

export class LeftOut {
  readonly #pace: Pace
  readonly #clock: Clock
  #counted = 0
  #spentMs = 0

  constructor(pace: Pace, clock: Clock) {
    this.#pace = pace
    this.#clock = clock
  }

  /** `isAll`: false where it was not counted to the end. @throws SystemFailure when this machine is exhausted; what the pace throws. */
  async bytesOf({ stat, parent, name }: Visit): Promise<{ readonly bytes: number; readonly isAll: boolean }> {
    if (stat?.type !== 'directory') return { bytes: stat?.type === 'file' ? stat.sizeBytes : 0, isAll: true }
    if (this.#spentMs > COUNTED_MS_MAX) return { bytes: 0, isAll: false }
    let bytes = 0
    const began = this.#clock.monotonicMs()
    let directory: Directory | undefined
    try {
      directory = parent.enter(name, stat)
      for (const inside of walkSoon(directory)) {
        if (inside instanceof Promise) {
          await inside
          continue
        }
        if (this.#pace.isDue()) await this.#pace.breathe()
        const isLong = this.#spentMs + this.#clock.monotonicMs() - began > COUNTED_MS_MAX
        if (++this.#counted > COUNTED_MAX || isLong) return { bytes, isAll: false }
        if (inside.finding === 'entry' && inside.stat?.type === 'file') bytes += inside.stat.sizeBytes
      }
      return { bytes, isAll: true }
    } catch (error) {
      // It is left out anyway: a failure only ends the counting.
      if (classOf(error) === 'exhausted') throw error
      return { bytes, isAll: false }
    } finally {
      this.#spentMs += this.#clock.monotonicMs() - began
      directory?.close()
    }
  }
}
