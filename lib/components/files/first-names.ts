/** Under which name a file with several has its content: the first one in key order, whichever entries of the home are read. */
import { compareKeys } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { Directory } from './directory.ts'
import type { EntryStat } from './entry-stat.ts'
import type { Exclusions } from './exclude.ts'
import { HardLinks } from './hard-links.ts'
import { LinksBefore } from './links-before.ts'
import type { Pace } from './pace.ts'
import { walk } from './walk.ts'

export class FirstNames {
  readonly #home: Directory
  readonly #exclusions: Exclusions
  readonly #pace: Pace
  readonly #after: ResourceKey | undefined
  readonly #links = new HardLinks()
  /** Where single entries are asked about, in no walk that met the others. */
  readonly #before: LinksBefore | undefined
  #isLearned: boolean

  constructor(
    home: Directory,
    options: {
      readonly exclusions: Exclusions
      readonly pace: Pace
      /** The walk begins behind this key. */
      readonly after: ResourceKey | undefined
      /** Is the whole home walked? */
      readonly isWhole: boolean
    },
  ) {
    const { exclusions, pace, after, isWhole } = options
    this.#home = home
    this.#exclusions = exclusions
    this.#pace = pace
    this.#after = after
    this.#isLearned = after === undefined
    this.#before = isWhole ? undefined : new LinksBefore(home, exclusions, pace)
  }

  /** Some file was not kept in mind for want of memory. */
  get isFull(): boolean {
    return this.#links.isFull
  }

  /** Written path of the first name of this file, where that is another one. Once per name, in key order. */
  async first(stat: EntryStat, key: ResourceKey): Promise<string | undefined> {
    if (this.#before !== undefined) return await this.#before.first(stat, key)
    await this.#learn()
    const first = this.#links.first(stat)
    this.#links.met(stat, key)
    return first
  }

  close(): void {
    this.#before?.close()
  }

  /** A continuation has not met the names before it: they are looked at, not read, once, and only when a file has several names. */
  async #learn(): Promise<void> {
    if (this.#isLearned || this.#after === undefined) return
    this.#isLearned = true
    for (const visit of walk(this.#home, {
      leavesOut: (path, type, target) => this.#exclusions.leavesOut(path, type, target),
    })) {
      if (this.#pace.isDue()) await this.#pace.breathe()
      if (compareKeys(visit.key, this.#after) > 0) return
      if (visit.finding === 'entry' && visit.stat?.type === 'file') this.#links.met(visit.stat, visit.key)
    }
  }
}
