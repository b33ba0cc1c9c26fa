/**
 * Most items of a plan are a name, an action and two prints. Those are checked by looking: a home may have a million, and a schema makes each of them anew. What else an item may say is left to
 * the schema.
 */
import { componentNames } from '../resources/component-name.ts'
import { planActions } from './plan-counts.ts'

const components: ReadonlySet<unknown> = new Set(componentNames)
const actions: ReadonlySet<unknown> = new Set(planActions)
/** Of an object with a few members, and of a text beside its characters: about. */
const OBJECT_BYTES = 64
const TEXT_BYTES = 16

/** About how much memory they take where the schema would give back all of them as they are; `undefined`: ask the schema. `items` comes out of JSON. */
export function plainBytes(items: unknown): number | undefined {
  if (!Array.isArray(items)) return undefined
  let bytes = 0
  for (const item of items) {
    const more = itemBytes(item)
    if (more === undefined) return undefined
    bytes += more
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
