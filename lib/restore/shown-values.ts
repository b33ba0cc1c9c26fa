/**
 * What fields were and will be, as far as a person who looks at a plan may read it: short, and nothing that could be a secret. Secrets stand in no `state` as it is; a name that
 * sounds like one is left out all the same, for what people and sources write into attributes is theirs.
 */
import { changedMembers } from '../resources/changed-fields.ts'
import { canonicalJson } from '../resources/json.ts'
import type { JsonObject, JsonValue } from '../resources/json.ts'

/** One field of an update. A list tells what comes and what goes. */
export interface ShownValue {
  readonly field: string
  /** Absent: the field is not there. */
  readonly was?: JsonValue
  readonly will?: JsonValue
  readonly comes?: readonly JsonValue[]
  readonly goes?: readonly JsonValue[]
}

const SHOWN_MAX = 6
const CHARACTERS_MAX = 160
const SOUNDS_SECRET = /secret|passw|token|credential|private|hash|salt|(^|[._-])key/i

/** At most six, in the order of their names. */
export function shownValues(before: JsonObject, after: JsonObject): readonly ShownValue[] {
  return changedMembers(before, after)
    .filter(
      ({ field, was, will }) => ![field, ...namesIn(was), ...namesIn(will)].some((name) => SOUNDS_SECRET.test(name)),
    )
    .map(({ field, was, will }) =>
      isList(was) && isList(will)
        ? { field, comes: without(will, was), goes: without(was, will) }
        : { field, ...(was === undefined ? {} : { was }), ...(will === undefined ? {} : { will }) },
    )
    .filter((shown) => canonicalJson(shown as unknown as JsonValue).length <= CHARACTERS_MAX)
    .slice(0, SHOWN_MAX)
}

/** Of the members of a value, at any depth. */
function namesIn(value: JsonValue | undefined): readonly string[] {
  if (typeof value !== 'object' || value === null) return []
  const names = Array.isArray(value) ? [] : Object.keys(value)
  return [...names, ...Object.values(value as JsonObject).flatMap(namesIn)]
}

function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function without(list: readonly JsonValue[], other: readonly JsonValue[]): readonly JsonValue[] {
  const theirs = new Set(other.map(canonicalJson))
  return list.filter((one) => !theirs.has(canonicalJson(one)))
}
