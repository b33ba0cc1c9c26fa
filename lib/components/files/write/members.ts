/** The members of an entry that a change compares and writes, one by one: of what is live, seen or wanted. */
import { canonicalJson } from '../../../resources/json.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { readAttributes } from '../attributes.ts'
import type { Directory } from '../directory.ts'
import { entryState } from '../entry.ts'
import { sameEntry } from '../entry-stat.ts'
import type { EntryStat } from '../entry-stat.ts'
import { look } from '../root.ts'

/** By dotted name: `mode`, `attributes.user.note`. */
export type Members = ReadonlyMap<string, JsonValue>

export interface Live {
  readonly stat: EntryStat
  readonly members: Members
}

/** What other names a file has, and what could not be read, are no members of the entry itself. */
const NOT_OWN = new Set(['hardLinkTo', 'unreadable', 'otherFileSystem'])

/** `undefined`: nothing is there. @throws SystemFailure. */
export function lookLive(parent: Directory, name: string): Live | undefined {
  const stat = look(parent, name)
  if (stat === undefined) return undefined
  if (stat.type === 'link') return { stat, members: membersOf(entryState(stat, { target: parent.readLink(name) })) }
  if (stat.type !== 'directory')
    return { stat, members: membersOf(entryState(stat, { attributes: readAttributes(parent, name).kept })) }
  const directory = parent.enter(name, stat, true)
  try {
    return {
      stat: directory.stat,
      members: membersOf(entryState(directory.stat, { attributes: readAttributes(directory, undefined).kept })),
    }
  } finally {
    directory.close()
  }
}

export function membersOf(state: JsonObject): Members {
  const members = new Map<string, JsonValue>()
  for (const [name, value] of Object.entries(state)) {
    if (NOT_OWN.has(name)) continue
    // Writing beneath a directory changes its time, so that says nothing of who wrote; it is set when all is done.
    if (name === 'mtime' && state['type'] === 'directory') continue
    if (name !== 'attributes') members.set(name, value)
    else
      for (const [attribute, bytes] of Object.entries(value as JsonObject)) members.set(`${name}.${attribute}`, bytes)
  }
  return members
}

/** Names of members of `live` that are like none of `sides`, ascending. */
export function strangeMembers(live: Members, sides: readonly Members[]): readonly string[] {
  const names = new Set([...live.keys(), ...sides.flatMap((side) => [...side.keys()])])
  const like = (side: Members, name: string): boolean =>
    canonicalJson(side.get(name) ?? null) === canonicalJson(live.get(name) ?? null)
  return [...names].filter((name) => !sides.some((side) => like(side, name))).sort()
}

/** The very same entry, with nothing written to it between two looks; moving it under another name changes nothing of that. */
export function isUntouched(one: EntryStat, two: EntryStat): boolean {
  if (!sameEntry(one, two)) return false
  if (one.type === 'directory') return true
  return (
    one.sizeBytes === two.sizeBytes &&
    one.mtimeNs === two.mtimeNs &&
    one.mode === two.mode &&
    one.uid === two.uid &&
    one.gid === two.gid
  )
}
