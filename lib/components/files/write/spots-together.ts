/**
 * The spots of changes that are made together: most lie beside each other, and the way to them is opened once. Whoever comes next along it looks again whether it still
 * leads there; where it does not, the way is opened anew as for a change by itself. Nothing is held longer than the batch, so that no volume is kept from being unmounted.
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

  /** As `atSpot`. What the action gets stays open until `close`. */
  async at<T>(
    way: Way,
    slice: Slice,
    names: readonly string[],
    action: (spot: Spot | undefined, nearest: Directory) => T | Promise<T>,
  ): Promise<T> {
    const spot = this.#find(way, slice, names)
    return spot === undefined ? await atSpot(way, slice, names, action) : await action(spot, spot.parent)
  }

  /** When the last of them has ended. */
  close(): void {
    for (const one of this.#opened.splice(0).reverse()) one.close()
    this.#isLost = true
  }

  /** `undefined`: nothing is known to lead there. */
  #find(way: Way, slice: Slice, names: readonly string[]): Spot | undefined {
    const name = names.at(-1)
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
