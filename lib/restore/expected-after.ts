/**
 * What the items of a plan are to read back as: what they say themselves, or what the snapshots hold. Where a whole component was restored, its live map is compared with the stored one, and
 * whatever lies in equal parts of both is proven without a look at any item.
 */
import type { ResourceFinder, SliceRepository } from '../repository/repository.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { Look } from './live-look.ts'
import { printOf } from './resource-print.ts'
import type { Expected } from './slice-differences.ts'
import type { PlanItem } from './planned-item.ts'
import { keyOf } from './slice-work.ts'
import type { SliceWork } from './slice-work.ts'
import { isDamage } from './stored-damage.ts'

/** More of them are no whole restore: then each item is compared. */
const DIFFERENCES_MAX = 10_000

export class ExpectedAfter {
  readonly #plan: SliceWork['plan']
  readonly #repository: SliceRepository
  readonly #finders = new Map<ComponentName, ResourceFinder>()

  /** `repository`: sees the snapshots of the plan. */
  constructor({ plan }: SliceWork, repository: SliceRepository) {
    this.#plan = plan
    this.#repository = repository
  }

  /** Asked in the order of the plan, forwards or backwards. */
  of(item: PlanItem): Expected | Promise<Expected> {
    return item.asStored === true ? this.#stored(item) : item.after
  }

  /** Which items are as they should be, for all that both maps say; others may be, too. */
  async provenBy(look: Look): Promise<(item: PlanItem) => boolean> {
    const differing = new Map<ComponentName, ReadonlySet<string>>()
    for (const [name, { create }] of Object.entries(this.#plan.components)) {
      const found = await this.#differing(name as ComponentName, create, look)
      if (found !== undefined) differing.set(name as ComponentName, found)
    }
    return ({ component, key, asStored }) => asStored === true && differing.get(component)?.has(key) === false
  }

  /** Keys under which both maps do not say the same; `undefined` where that is not to be known, or too much. */
  async #differing(name: ComponentName, creates: number, look: Look): Promise<ReadonlySet<string> | undefined> {
    const id = this.#plan.snapshots[name]
    if (id === undefined || creates === 0) return undefined
    try {
      const snapshot = await look.repository.snapshot(id)
      if ((snapshot.components[name]?.resources ?? Infinity) - creates > DIFFERENCES_MAX) return undefined
      const keys = new Set<string>()
      let isWhole = true
      const onLost = (): void => void (isWhole = false)
      for await (const some of look.repository.diff(name, look.snapshot, snapshot, { onLost })) {
        for (const { key } of some) keys.add(key.toString('base64url'))
        if (keys.size > DIFFERENCES_MAX) return undefined
      }
      return isWhole ? keys : undefined
    } catch (error) {
      if (isDamage(error)) return undefined
      throw error
    }
  }

  async #stored(item: PlanItem): Promise<Expected> {
    try {
      const stored = await (await this.#finder(item.component))?.find(keyOf(item))
      if (stored === undefined) return 'unreadable'
      // Of what is kept nothing is expected.
      return await printOf(this.#repository, stored)
    } catch (error) {
      if (isDamage(error)) return 'unreadable'
      throw error
    }
  }

  async #finder(name: ComponentName): Promise<ResourceFinder | undefined> {
    const known = this.#finders.get(name)
    const id = this.#plan.snapshots[name]
    if (known !== undefined || id === undefined) return known
    const finder = this.#repository.finder(await this.#repository.snapshot(id), name)
    this.#finders.set(name, finder)
    return finder
  }
}
