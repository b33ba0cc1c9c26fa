/** How many bytes lie in what is left out by rule: for people to see what a rule costs. Nothing is opened but directories, and counting has an end. */
import type { Directory } from './directory.ts'
import type { Pace } from './pace.ts'
import { classOf } from './system-failure.ts'
import { walk } from './walk.ts'
import type { Visit } from './walk.ts'

/** Entries looked at in one read. */
const COUNTED_MAX = 200_000

export class LeftOut {
  readonly #pace: Pace
  #counted = 0

  constructor(pace: Pace) {
    this.#pace = pace
  }

  /** `isAll`: false where it was not counted to the end. @throws SystemFailure when this machine is exhausted; what the pace throws. */
  async bytesOf({ stat, parent, name }: Visit): Promise<{ readonly bytes: number; readonly isAll: boolean }> {
    if (stat?.type !== 'directory') return { bytes: stat?.type === 'file' ? stat.sizeBytes : 0, isAll: true }
    let bytes = 0
    let directory: Directory | undefined
    try {
      directory = parent.enter(name, stat)
      for (const inside of walk(directory)) {
        if (this.#pace.isDue()) await this.#pace.breathe()
        if (++this.#counted > COUNTED_MAX) return { bytes, isAll: false }
        if (inside.finding === 'entry' && inside.stat?.type === 'file') bytes += inside.stat.sizeBytes
      }
      return { bytes, isAll: true }
    } catch (error) {
      // It is left out anyway: a failure only ends the counting.
      if (classOf(error) === 'exhausted') throw error
      return { bytes, isAll: false }
    } finally {
      directory?.close()
    }
  }
}
