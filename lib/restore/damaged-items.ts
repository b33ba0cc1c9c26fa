/** Items that cannot be brought because what is stored of them is damaged, and those that stand on such a one. */
import { isTorikiError } from '../errors.ts'
import type { ComponentWriter } from '../components/writer.ts'
import type { Change } from '../resources/change.ts'
import type { Look } from './live-look.ts'
import { SliceChanges } from './slice-changes.ts'
import type { PlanItem } from './planned-item.ts'
import { keyOf, writerOf } from './slice-work.ts'
import type { SliceWork } from './slice-work.ts'
import { proveContent } from './wanted.ts'

export class DamagedItems {
  readonly #keys = new Set<string>()

  add({ component, key }: PlanItem): void {
    this.#keys.add(`${component} ${key}`)
  }

  /** Does it stand on one that was added? Then it counts as one, too. */
  bears(writer: ComponentWriter, item: PlanItem, { after }: Change): boolean {
    const key = keyOf(item)
    const base = after && writer.standsOn?.({ key, state: after.state, kept: after.kept })
    if (base === undefined || !this.#keys.has(`${item.component} ${base.toString('base64url')}`)) return false
    this.add(item)
    return true
  }
}

/** Asks again of single items, after all was made: nothing is remembered between deliveries. */
export class DamageProof {
  readonly #work: SliceWork
  readonly #changes: SliceChanges
  readonly #damaged = new DamagedItems()

  constructor(work: SliceWork, safety: Look) {
    this.#work = work
    this.#changes = new SliceChanges(work, safety)
  }

  /** Asked in the order of applying: what others stand on comes first. */
  async isDamaged(item: PlanItem): Promise<boolean> {
    try {
      const change = await this.#changes.forwards(item)
      if (this.#damaged.bears(writerOf(this.#work, item.component), item, change)) return true
      if (change.after !== undefined) await proveContent(change.after)
      return false
    } catch (error) {
      if (!isTorikiError(error, 'restore-damaged')) throw error
      this.#damaged.add(item)
      return true
    }
  }
}
