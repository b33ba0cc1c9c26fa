/**
 * How the plainest items of a plan are written: many creates of which nothing is to be said but their names and sizes stand as two lists. A home may have a million, and each as an object of its
 * own costs more than all that is decided about it.
 */
import * as z from 'zod'
import { componentNames } from '../resources/component-name.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { PlanItem } from './planned-item.ts'

/** Creates that will read back as the snapshot holds them, in their order. */
export interface StoredRun {
  readonly component: ComponentName
  /** Encoded keys, base64url. */
  readonly created: readonly string[]
  /** Of each its content; −1: it has none. */
  readonly bytes: readonly number[]
}

export const storedRun: z.ZodType<StoredRun> = z
  .object({
    component: z.enum(componentNames),
    created: z.array(z.string()),
    bytes: z.array(z.number().min(-1)),
  })
  .refine(({ created, bytes }) => created.length === bytes.length)

/** What was written, as it was planned. */
export function itemsOf(written: PlanItem | StoredRun): readonly PlanItem[] {
  if (!('created' in written)) return [written]
  const { component, created, bytes } = written
  return created.map((key, at) => createOf(component, key, bytes[at] as number))
}

export function createOf(component: ComponentName, key: string, bytes: number): PlanItem {
  return bytes < 0
    ? { component, key, action: 'create', asStored: true }
    : { component, key, action: 'create', bytes, asStored: true }
}

/** Of what an item may take in a part, so much for one in a run. */
const WEIGHT_IN_RUN = 1 / 6

/** The items of one part as they will be written, in their order. */
export class WrittenItems {
  readonly #written: (PlanItem | StoredRun)[] = []
  #run: { readonly component: ComponentName; readonly created: string[]; readonly bytes: number[] } | undefined
  #weight = 0

  add(item: PlanItem): void {
    if (!isPlain(item)) {
      this.#written.push(item)
      this.#run = undefined
      this.#weight += 1
      return
    }
    const { component, key, bytes = -1 } = item
    if (this.#run?.component !== component) this.#written.push((this.#run = { component, created: [], bytes: [] }))
    this.#run.created.push(key)
    this.#run.bytes.push(bytes)
    this.#weight += WEIGHT_IN_RUN
  }

  get written(): readonly (PlanItem | StoredRun)[] {
    return this.#written
  }

  /** 1 for an item that stands by itself. */
  get weight(): number {
    return this.#weight
  }
}

/** Nothing is lost of it in a run. */
function isPlain(item: PlanItem): boolean {
  if (item.asStored !== true || item.action !== 'create') return false
  for (const name in item)
    if (name !== 'component' && name !== 'key' && name !== 'action' && name !== 'bytes' && name !== 'asStored')
      return false
  return true
}
