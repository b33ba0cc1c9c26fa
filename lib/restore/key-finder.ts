/**
 * Finds resources of one component of a snapshot by key. Where keys are asked for in ascending order the map is walked along, so that a million questions do not cost a million ways from
 * its root, and most of them no waiting; where they are far apart, nothing of what lies between is read.
 */
import { compareKeys } from '../resources/key.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { ResourceFinder, SliceRepository, StoredResource } from '../repository/repository.ts'
import type { Snapshot } from '../repository/snapshot.ts'

export class KeyFinder {
  readonly #repository: SliceRepository
  readonly #snapshot: Snapshot
  readonly #component: string
  #finder: ResourceFinder | undefined
  /** The last key asked for. */
  #behind: ResourceKey | undefined

  constructor(repository: SliceRepository, snapshot: Snapshot, component: string) {
    this.#repository = repository
    this.#snapshot = snapshot
    this.#component = component
  }

  /** `undefined` also when the snapshot does not hold the component. Not for use by two at once. */
  find(key: ResourceKey): StoredResource | undefined | Promise<StoredResource | undefined> {
    if (this.#snapshot.components[this.#component] === undefined) return undefined
    const isAscending = this.#behind !== undefined && compareKeys(key, this.#behind) > 0
    if (!isAscending || this.#finder === undefined)
      this.#finder = this.#repository.finder(this.#snapshot, this.#component)
    this.#behind = key
    try {
      const found = this.#finder.find(key)
      return found instanceof Promise ? this.#orAnew(found) : found
    } catch (error) {
      this.#finder = undefined
      throw error
    }
  }

  /** What is damaged says nothing of the next key, which is asked for from the root. */
  async #orAnew(finding: Promise<StoredResource | undefined>): Promise<StoredResource | undefined> {
    try {
      return await finding
    } catch (error) {
      this.#finder = undefined
      throw error
    }
  }
}
