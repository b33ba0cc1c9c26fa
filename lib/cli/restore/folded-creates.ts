/** Creations as a person reads them: a directory that is made, with how much is beneath it, instead of a line for each of a thousand files. */
import { decodeKey } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'

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
  #open: { readonly line: FoldedCreate; readonly segments: readonly Buffer[] }[] = []

  /** `depth`: levels below what is made at the top that have lines of their own. */
  constructor(linesMax: number, depth: number) {
    this.#linesMax = linesMax
    this.#depth = depth
  }

  add(slice: string, component: string, key: ResourceKey, bytes: number): void {
    const { kind, segments } = decodeKey(key)
    while (this.#open.length > 0 && !this.#isBeneath(slice, component, kind, segments)) this.#open.pop()
    const above = this.#open.at(-1)
    if (above !== undefined && this.#open.length > this.#depth) {
      above.line.beneath++
      above.line.bytes += bytes
      return
    }
    const line: FoldedCreate = { slice, component, key, beneath: 0, bytes }
    this.#open.push({ line, segments })
    if (this.lines.length < this.#linesMax) this.lines.push(line)
    else this.more++
  }

  #isBeneath(slice: string, component: string, kind: string, segments: readonly Buffer[]): boolean {
    const above = this.#open.at(-1)
    if (above === undefined || above.line.slice !== slice || above.line.component !== component) return false
    if (decodeKey(above.line.key).kind !== kind || segments.length <= above.segments.length) return false
    return above.segments.every((segment, index) => segments[index]?.equals(segment) === true)
  }
}
