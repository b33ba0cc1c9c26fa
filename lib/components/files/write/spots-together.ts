/**
 * The spots of changes that are made together: most lie beside each other, and the way to them is opened once. Whoever comes next along it looks again whether it still
 * leads there, once in a turn of the event loop for those that lie beside each other; where it does not, the way is opened anew as for a change by itself. Nothing is held longer than the batch, so that no volume is kept from being unmounted.
 */
import type { Slice } from '../../../resources/slice.ts'
import type { Directory } from '../directory.ts'
import { sameEntry } from '../entry-stat.ts'
import { look } from '../root.ts'
import { failureOf } from '../system-failure.ts'
import { atSpot, openHome } from './spot.ts'
import type { OpenHome, Spot, Way } from './spot.ts'

/** Deeper ways are opened for each change: every directory on them costs a handle. */
const DEPTH_MAX = 16

/** A directory on the way, and what was found in it. */
interface Step {
  readonly directory: Directory
  readonly inside: Map<string, Step>
}

export class SpotsTogether {
  readonly #opened: { close(): void }[] = []
  #home: OpenHome | undefined
  #top: Step | undefined
  /** Somebody moves what we go through. */
  #isLost = false
  /** Where the last change was made, and when. */
  #last:
    | { readonly turn: number; readonly names: readonly string[]; readonly step: Step; readonly home: Directory }
    | undefined
  readonly #turns = new Turns()

  /** As `atSpot`. What the action gets stays open until `close`. */
  async at<T>(
    way: Way,
    slice: Slice,
    names: readonly string[],
    action: (spot: Spot | undefined, nearest: Directory) => T | Promise<T>,
  ): Promise<T> {
    const spot = this.find(way, slice, names)
    return spot === undefined ? await atSpot(way, slice, names, action) : await action(spot, spot.parent)
  }

  /** So many directories. */
  get held(): number {
    return this.#opened.length
  }

  /** When the last of them has ended. */
  close(): void {
    for (const one of this.#opened.splice(0).reverse()) one.close()
    this.#isLost = true
  }

  /** `undefined`: nothing is known to lead there. It stays open until `close`. */
  find(way: Way, slice: Slice, names: readonly string[]): Spot | undefined {
    const name = names.at(-1)
    const turn = this.#turns.now
    const last = this.#last
    if (!this.#isLost && name !== undefined && last?.turn === turn && isBeside(last.names, names))
      return { parent: last.step.directory, name, home: last.home }
    if (this.#isLost || name === undefined || names.length > DEPTH_MAX) return undefined
    if (this.#top === undefined) {
      this.#home = openHome(way, slice)
      if (this.#home === undefined) return undefined
      this.#opened.push(this.#home)
      this.#top = { directory: this.#home.directory, inside: new Map() }
    } else if (this.#home?.isStillThere() !== true) {
      this.#isLost = true
      return undefined
    }
    const home = this.#top.directory
    let step = this.#top
    for (const segment of names.slice(0, -1)) {
      const next = this.#enter(step, segment, home)
      if (next === undefined) return undefined
      step = next
    }
    this.#last = { turn, names, step, home }
    return { parent: step.directory, name, home }
  }

  #enter(above: Step, segment: string, home: Directory): Step | undefined {
    const known = above.inside.get(segment)
    if (known !== undefined) {
      const stat = look(above.directory, segment)
      if (stat !== undefined && sameEntry(stat, known.directory.stat)) return known
      this.#isLost = true
      return undefined
    }
    try {
      const directory = above.directory.enter(segment, undefined)
      this.#opened.push(directory)
      if (directory.stat.device !== home.stat.device || directory.stat.mountPoint) return undefined
      const step = { directory, inside: new Map<string, Step>() }
      above.inside.set(segment, step)
      return step
    } catch (error) {
      // What that means is for `atSpot` to say.
      if (failureOf(error) === undefined) throw error
      return undefined
    }
  }
}

function isBeside(one: readonly string[], other: readonly string[]): boolean {
  if (one.length !== other.length) return false
  // The last names differ; the ones before them most likely at the end.
  for (let at = one.length - 2; at >= 0; at--) if (one[at] !== other[at]) return false
  return true
}

/** Numbers the turns of the event loop in which somebody asks. */
class Turns {
  #now = 0
  #isCounted = false

  get now(): number {
    if (!this.#isCounted) {
      this.#isCounted = true
      setImmediate(() => {
        this.#isCounted = false
        this.#now++
      })
    }
    return this.#now
  }
}
