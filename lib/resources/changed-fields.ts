/** The members in which two bodies differ, by dotted names, ascending: objects are entered, lists are compared whole. */
import { canonicalJson } from './json.ts'
import type { JsonObject, JsonValue } from './json.ts'

export interface ChangedMember {
  /** Dotted. */
  readonly field: string
  /** Absent where that body has no such member. */
  readonly was?: JsonValue
  readonly will?: JsonValue
}

export function changedFields(before: JsonObject, after: JsonObject): readonly string[] {
  return changedMembers(before, after).map(({ field }) => field)
}

export function changedMembers(before: JsonObject, after: JsonObject): readonly ChangedMember[] {
  const members: ChangedMember[] = []
  collect(before, after, '', members)
  return members.sort((a, b) => (a.field < b.field ? -1 : a.field > b.field ? 1 : 0))
}

function collect(before: JsonObject, after: JsonObject, prefix: string, members: ChangedMember[]): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [was, will] = [before[name], after[name]]
    if (isObject(was) && isObject(will)) collect(was, will, `${prefix}${name}.`, members)
    else if (was === undefined || will === undefined || canonicalJson(was) !== canonicalJson(will))
      members.push({
        field: prefix + name,
        ...(was === undefined ? {} : { was }),
        ...(will === undefined ? {} : { will }),
      })
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
