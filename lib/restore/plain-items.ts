/**
 * Most items of a plan stand in runs, or are a name, an action and two prints. Those are checked by looking: a home may have a million, and a schema makes each of them anew. What else an item may
 * say is left to the schema.
 */
import { componentNames } from '../resources/component-name.ts'
import type { ComponentName } from '../resources/component-name.ts'
import { planActions } from './plan-counts.ts'
import type { PlanItem } from './planned-item.ts'
import { createOf } from './stored-run.ts'

const components: ReadonlySet<unknown> = new Set(componentNames)
const actions: ReadonlySet<unknown> = new Set(planActions)
/** Of an object with a few members, and of a text beside its characters: about. */
const OBJECT_BYTES = 64
const TEXT_BYTES = 16

/** The items, and about how much memory they take, where the schema would let all of them through as they are; `undefined`: ask the schema. `written` comes out of JSON. */
export function plainItems(
  written: unknown,
): { readonly items: readonly PlanItem[]; readonly bytes: number } | undefined {
  if (!Array.isArray(written)) return undefined
  const items: PlanItem[] = []
  let bytes = 0
  for (const one of written) {
    const more = runBytes(one, items) ?? itemBytes(one)
    if (more === undefined) return undefined
    if (!isRun(one)) items.push(one as PlanItem)
    bytes += more
  }
  return { items, bytes }
}

function isRun(one: unknown): boolean {
  return typeof one === 'object' && one !== null && 'created' in one
}

/** Adds the items of a run. */
function runBytes(one: unknown, items: PlanItem[]): number | undefined {
  if (!isRun(one)) return undefined
  const { component, created, bytes: sizes, ...others } = one as Record<string, unknown>
  if (!components.has(component) || !Array.isArray(created) || !Array.isArray(sizes)) return undefined
  for (const _ in others) return undefined
  if (created.length !== sizes.length) return undefined
  let bytes = 0
  for (let at = 0; at < created.length; at++) {
    const [key, size] = [created[at] as unknown, sizes[at] as unknown]
    if (typeof key !== 'string' || typeof size !== 'number' || !Number.isFinite(size) || size < -1) return undefined
    items.push(createOf(component as ComponentName, key, size))
    bytes += OBJECT_BYTES + TEXT_BYTES + key.length
  }
  return bytes
}

function itemBytes(item: unknown): number | undefined {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return undefined
  let bytes = OBJECT_BYTES
  let required = 0
  for (const name in item) {
    const value = (item as Record<string, unknown>)[name]
    switch (name) {
      case 'component':
        if (!components.has(value)) return undefined
        required++
        break
      case 'action':
        if (!actions.has(value)) return undefined
        required++
        break
      case 'key':
        if (typeof value !== 'string') return undefined
        bytes += TEXT_BYTES + value.length
        required++
        break
      case 'from':
      case 'reason':
        if (typeof value !== 'string') return undefined
        bytes += TEXT_BYTES + value.length
        break
      case 'bytes':
        if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return undefined
        break
      case 'before':
      case 'after': {
        const more = printBytes(value)
        if (more === undefined) return undefined
        bytes += more
        break
      }
      default:
        return undefined
    }
  }
  return required === 3 ? bytes : undefined
}

/** Of a print without secrets and what is kept. */
function printBytes(print: unknown): number | undefined {
  if (typeof print !== 'object' || print === null || Array.isArray(print)) return undefined
  let bytes = OBJECT_BYTES
  let hasState = false
  for (const name in print) {
    const value = (print as Record<string, unknown>)[name]
    if ((name !== 'state' && name !== 'content') || typeof value !== 'string') return undefined
    hasState ||= name === 'state'
    bytes += TEXT_BYTES + value.length
  }
  return hasState ? bytes : undefined
}
