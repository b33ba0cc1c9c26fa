/** Creations as a person reads them: a directory that is made, with how much is beneath it, instead of a line for each of a thousand files. */
import type { ResourceKey } from '../../resources/key.ts'
import { isAtOrBeneath } from '../../restore/reach.ts'

export interface FoldedCreate {
  readonly slice: string
  readonly component: string
  readonly key: ResourceKey
  /** Creations beneath it that have no line of their own. */
  beneath: number
  /** Of it and of those. */
  bytes: number
}

/** Takes creations in the order of applying, parents before what is in them. */
export class FoldedCreates {
  readonly lines: FoldedCreate[] = []
  /** Lines that found no room. */
  more = 0
  readonly #linesMax: number
  readonly #depth: number
  /** Of the line that what comes next may be beneath: by depth, counted from what was made at the top. */
  #open: FoldedCreate[] = []

  /** `depth`: levels below what is made at the top that have lines of their own. */
  constructor(linesMax: number, depth: number) {
    this.#linesMax = linesMax
    this.#depth = depth
  }

  add(slice: string, component: string, key: ResourceKey, bytes: number): void {
    while (this.#open.length > 0 && !this.#isBeneath(slice, component, key)) this.#open.pop()
    const above = this.#open.at(-1)
    if (above !== undefined && this.#open.length > this.#depth) {
      above.beneath++
      above.bytes += bytes
      return
    }
    const line: FoldedCreate = { slice, component, key, beneath: 0, bytes }
    this.#open.push(line)
    if (this.lines.length < this.#linesMax) this.lines.push(line)
    else this.more++
  }

  #isBeneath(slice: string, component: string, key: ResourceKey): boolean {
    const above = this.#open.at(-1)
    if (above === undefined || above.slice !== slice || above.component !== component) return false
    return key.length > above.key.length && isAtOrBeneath(key, above.key)
  }
}
