/** What of a slice was not brought because it is damaged in the store: for the step that ends it. */
import { formatKey } from '../resources/key.ts'
import { FindingList } from './finding-list.ts'
import type { DamagedPart } from './slice-log.ts'
import type { PlanItem } from './planned-item.ts'
import { keyOf } from './slice-work.ts'

const WHAT = 'was not restored, for it is damaged in the store; it is as it was before'

export class DamagedList {
  readonly #findings = new FindingList()
  readonly #counts: Record<string, { create: number; update: number }> = {}

  add(item: PlanItem): void {
    const { component, action } = item
    const counts = (this.#counts[component] ??= { create: 0, update: 0 })
    if (action === 'create') counts.create++
    else counts.update++
    this.#findings.add({ component, key: formatKey(keyOf(item)), what: WHAT })
  }

  get said(): { readonly damaged?: DamagedPart } {
    return this.#findings.total === 0 ? {} : { damaged: { ...this.#findings.said, counts: this.#counts } }
  }
}
