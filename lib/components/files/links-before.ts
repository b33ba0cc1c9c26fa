/**
 * For who looks at a few names only: the first name of a file that has several, as a read of the whole home would say it. Names before it are walked over, not opened,
 * and only as far as it takes; nothing is walked where no file has a second name.
 */
import { compareKeys, decodeKey } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { Directory } from './directory.ts'
import type { EntryStat } from './entry-stat.ts'
import { isRestored } from './exclude.ts'
import type { Exclusions } from './exclude.ts'
import { HardLinks } from './hard-links.ts'
import type { Pace } from './pace.ts'
import { walk } from './walk.ts'
import type { Visit, WalkOptions } from './walk.ts'

/** Names met so far, of one part of the home. */
interface Met {
  readonly links: HardLinks
  readonly visits: Generator<Visit, void, void>
  /** Walked to, not met yet. */
  next: Visit | undefined
}

export class LinksBefore {
  readonly #home: Directory
  readonly #exclusions: Exclusions
  readonly #pace: Pace
  /** By the restored folder that a name lies in; `''`: what a read reads. */
  readonly #met = new Map<string, Met>()

  constructor(home: Directory, exclusions: Exclusions, pace: Pace) {
    this.#home = home
    this.#exclusions = exclusions
    this.#pace = pace
  }

  /** Keys ascend from call to call. @returns `undefined` when the name itself is the first. @throws SystemFailure. */
  async first(stat: EntryStat, key: ResourceKey): Promise<string | undefined> {
    const top = decodeKey(key).segments[0]?.toString('latin1') ?? ''
    const part = isRestored(top) ? top : ''
    let met = this.#met.get(part)
    if (met === undefined) {
      met = { links: new HardLinks(), visits: walk(this.#home, this.#optionsOf(part)), next: undefined }
      this.#met.set(part, met)
    }
    for (;;) {
      if (this.#pace.isDue()) await this.#pace.breathe()
      if (met.next === undefined) {
        const step = met.visits.next()
        if (step.done !== true) met.next = step.value
      }
      if (met.next === undefined || compareKeys(met.next.key, key) >= 0) break
      const { finding, stat: found, key: name } = met.next
      if (finding === 'entry' && found?.type === 'file') met.links.met(found, name)
      met.next = undefined
    }
    return met.links.first(stat)
  }

  close(): void {
    for (const { visits } of this.#met.values()) visits.return()
  }

  #optionsOf(part: string): WalkOptions {
    if (part === '') return { leavesOut: (path, type, target) => this.#exclusions.leavesOut(path, type, target) }
    return { leavesOut: (path) => path !== part && !path.startsWith(`${part}/`) }
  }
}
