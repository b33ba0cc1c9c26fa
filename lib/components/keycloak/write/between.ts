/**
 * Is a live value one that a change, cut off anywhere, can leave: made of what was before and what is wanted? Else somebody else was there. Objects member by member,
 * sets element by element, everything else whole.
 */
import { canonicalJson } from '../../../resources/json.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'

/** The members (of the top) that are neither as before, nor as wanted, nor on the way. */
export function strangeMembers(live: JsonObject, before: JsonObject, after: JsonObject): readonly string[] {
  return [...new Set([live, before, after].flatMap((side) => Object.keys(side)))]
    .filter((name) => !isBetween(live[name], before[name], after[name]))
    .sort()
}

function isBetween(live: JsonValue | undefined, before: JsonValue | undefined, after: JsonValue | undefined): boolean {
  if (isSame(live, before) || isSame(live, after)) return true
  const sides = [live, before, after]
  // Something that is made or removed as a whole is on the way member by member, too.
  if (sides.every((side) => side === undefined || isObject(side))) {
    const [one, two, three] = sides.map((side) => side ?? {}) as [JsonObject, JsonObject, JsonObject]
    return strangeMembers(one, two, three).length === 0
  }
  if (!sides.every((side) => side === undefined || isSet(side))) return false
  const [now, was, will] = sides.map((side) => new Set(((side ?? []) as readonly JsonValue[]).map(canonicalJson)))
  return (
    [...(now ?? [])].every((item) => was?.has(item) === true || will?.has(item) === true) &&
    [...(was ?? [])].every((item) => will?.has(item) !== true || now?.has(item) === true)
  )
}

export function isSame(one: JsonValue | undefined, other: JsonValue | undefined): boolean {
  return one === undefined || other === undefined ? one === other : canonicalJson(one) === canonicalJson(other)
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Readers sort what has no order; a list that is not sorted has one. */
function isSet(value: JsonValue | undefined): boolean {
  if (!Array.isArray(value)) return false
  const texts = (value as readonly JsonValue[]).map(canonicalJson)
  return texts.every((text, at) => at === 0 || (texts[at - 1] as string) < text)
}
