/** What of one resource is the installer's, and what becomes of it when somebody wants it otherwise: the installer's stays as it is, the rest is as wanted. */
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { isSame } from './between.ts'

export type Part =
  | 'installer'
  | 'admin'
  /** Member by member; what is not named is `others`'. */
  | { readonly members: Readonly<Record<string, Part>>; readonly others: 'installer' | 'admin' }
  /** A set of names: these are the installer's. */
  | { readonly names: readonly string[] }

export interface Kept {
  readonly state: JsonObject
  /** Dotted members (a name of a set as its last word) that are otherwise than wanted, and stay so. */
  readonly left: readonly string[]
}

/** `wanted`, with the installer's part as it is `live`. */
export function keepInstallers(part: Part, live: JsonObject, wanted: JsonObject): Kept {
  const left: string[] = []
  const state = keep(part, live, wanted, [], left)
  return { state: state as JsonObject, left }
}

function keep(
  part: Part,
  live: JsonValue | undefined,
  wanted: JsonValue | undefined,
  path: readonly string[],
  left: string[],
): JsonValue | undefined {
  if (part === 'admin') return wanted
  if (part === 'installer') {
    if (!isSame(live, wanted)) left.push(path.join('.'))
    return live
  }
  if ('names' in part) return keepNames(part.names, live, wanted, path, left)
  const [has, wants] = [membersOf(live), membersOf(wanted)]
  const members: [string, JsonValue][] = []
  for (const name of [...new Set([...Object.keys(has), ...Object.keys(wants)])].sort()) {
    const below = Object.hasOwn(part.members, name) ? (part.members[name] as Part) : part.others
    const value = keep(below, has[name], wants[name], [...path, name], left)
    if (value !== undefined) members.push([name, value])
  }
  return members.length === 0 && wanted === undefined && live === undefined ? undefined : Object.fromEntries(members)
}

/** A set without names is no member at all, as readers write it. */
function keepNames(
  owned: readonly string[],
  live: JsonValue | undefined,
  wanted: JsonValue | undefined,
  path: readonly string[],
  left: string[],
): JsonValue | undefined {
  const [has, wants] = [namesOf(live), namesOf(wanted)]
  const names = new Set(wants)
  for (const name of owned) {
    if (has.has(name) === wants.has(name)) continue
    left.push([...path, name].join('.'))
    if (has.has(name)) names.add(name)
    else names.delete(name)
  }
  return names.size === 0 ? undefined : [...names].sort()
}

function membersOf(value: JsonValue | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}

function namesOf(value: JsonValue | undefined): ReadonlySet<string> {
  return new Set(Array.isArray(value) ? (value as readonly JsonValue[]).filter((name) => typeof name === 'string') : [])
}
