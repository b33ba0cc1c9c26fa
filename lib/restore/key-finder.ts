/**
 * Finds resources of one component of a snapshot by key. Where keys are asked for in ascending order the map is walked along, so that a million questions do not cost a million ways from
 * its root; where they are far apart, nothing of what lies between is read.
 */
import { compareKeys } from '../resources/key.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { SliceRepository, StoredResource } from '../repository/repository.ts'
import type { Snapshot } from '../repository/snapshot.ts'

/** So many resources are passed by before a way from the root is shorter. */
const STEPS_MAX = 32

export class KeyFinder {
  readonly #repository: SliceRepository
  readonly #snapshot: Snapshot
  readonly #component: string
  #walk: AsyncIterator<StoredResource> | undefined
  /** What the walk has behind it: all keys up to this one. */
  #behind: ResourceKey = Buffer.alloc(0)
  /** The next one, when it was taken from the walk. */
  #next: StoredResource | undefined

  constructor(repository: SliceRepository, snapshot: Snapshot, component: string) {
    this.#repository = repository
    this.#snapshot = snapshot
    this.#component = component
  }

  /** `undefined` also when the snapshot does not hold the component. Not for use by two at once. */
  async find(key: ResourceKey): Promise<StoredResource | undefined> {
    if (this.#snapshot.components[this.#component] === undefined) return undefined
    if (this.#walk !== undefined && compareKeys(key, this.#behind) > 0) {
      for (let steps = 0; steps < STEPS_MAX; steps++) {
        try {
          this.#next ??= await nextOf(this.#walk)
        } catch {
          // What lies between is damaged: that says nothing of this key, which is asked for from the root.
          break
        }
        if (this.#next === undefined) return undefined
        const order = compareKeys(key, this.#next.key)
        if (order <= 0) return order === 0 ? this.#next : undefined
        this.#behind = this.#next.key
        this.#next = undefined
      }
    }
    this.#behind = key
    this.#next = undefined
    this.#walk = this.#repository.resources(this.#snapshot, this.#component, { after: key })[Symbol.asyncIterator]()
    return await this.#repository.resource(this.#snapshot, this.#component, key)
  }
}

async function nextOf(walk: AsyncIterator<StoredResource>): Promise<StoredResource | undefined> {
  const { done, value } = await walk.next()
  return done === true ? undefined : value
}
