/** The dotted names of the members in which two bodies differ, ascending: objects are entered, lists are compared whole. */
import { canonicalJson } from './json.ts'
import type { JsonObject, JsonValue } from './json.ts'

export function changedFields(before: JsonObject, after: JsonObject): readonly string[] {
  const fields: string[] = []
  collect(before, after, '', fields)
  return fields.sort()
}

function collect(before: JsonObject, after: JsonObject, prefix: string, fields: string[]): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [one, two] = [before[name], after[name]]
    if (isObject(one) && isObject(two)) collect(one, two, `${prefix}${name}.`, fields)
    else if (one === undefined || two === undefined || canonicalJson(one) !== canonicalJson(two))
      fields.push(prefix + name)
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
