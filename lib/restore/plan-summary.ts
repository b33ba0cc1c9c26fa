/** What a slice's plan says in sum, gathered while its items are written: a report reads this and no items. */
import type { ComponentName } from '../resources/component-name.ts'
import { NOTHING, sumOf } from './plan-counts.ts'
import type { PlanAction, PlanCounts } from './plan-counts.ts'

export interface ComponentSummary extends PlanCounts {
  /** Of those made: their `kept` part is compared too when they are read again. */
  readonly kept: number
}

/** A field that is not kept here: the same reason for the same field once. */
export interface LostSummary {
  readonly component: ComponentName
  /** Without what stands behind the first dot, which may be a name of the person's own. */
  readonly field: string
  readonly reason: string
  readonly count: number
}

export interface NeedsPerson {
  readonly sentence: string
  readonly count: number
}

/** What counts of an item. */
interface Summed {
  readonly component: ComponentName
  readonly action: PlanAction
  readonly after?: { readonly kept?: object }
  readonly lost?: readonly { readonly field: string; readonly reason: string }[]
  readonly needsPerson?: readonly string[]
}

/** Of each list; what is beyond is in the items. */
const ENTRIES_MAX = 100

export class PlanSummary {
  readonly #components = new Map<ComponentName, Record<keyof ComponentSummary, number>>()
  readonly #lost = new Map<string, { component: ComponentName; field: string; reason: string; count: number }>()
  readonly #needs = new Map<string, number>()

  add({ component, action, after, lost = [], needsPerson = [] }: Summed): void {
    const counts = this.#of(component)
    counts[action]++
    if (after?.kept !== undefined && (action === 'create' || action === 'update')) counts.kept++
    for (const { field, reason } of lost) {
      const [first = field] = field.split('.')
      const known = this.#lost.get(`${component} ${first} ${reason}`)
      if (known !== undefined) known.count++
      else if (this.#lost.size < ENTRIES_MAX)
        this.#lost.set(`${component} ${first} ${reason}`, { component, field: first, reason, count: 1 })
    }
    for (const sentence of needsPerson)
      if (this.#needs.has(sentence) || this.#needs.size < ENTRIES_MAX)
        this.#needs.set(sentence, (this.#needs.get(sentence) ?? 0) + 1)
  }

  keep(component: ComponentName, count: number): void {
    this.#of(component).keep += count
  }

  get counts(): PlanCounts {
    return sumOf([...this.#components.values()])
  }

  get components(): Readonly<Partial<Record<ComponentName, ComponentSummary>>> {
    return Object.fromEntries([...this.#components].map(([name, counts]) => [name, { ...counts }]))
  }

  get lost(): readonly LostSummary[] {
    return [...this.#lost.values()].map((one) => ({ ...one }))
  }

  get needsPerson(): readonly NeedsPerson[] {
    return [...this.#needs].map(([sentence, count]) => ({ sentence, count }))
  }

  #of(component: ComponentName): Record<keyof ComponentSummary, number> {
    let counts = this.#components.get(component)
    if (counts === undefined) {
      counts = { ...NOTHING, kept: 0 }
      this.#components.set(component, counts)
    }
    return counts
  }
}
