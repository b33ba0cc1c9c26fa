/** What an entry of a home is called where it is restored to: in a folder beside what is there, and under other numeric owners. */
import { decodeKey, encodeKey, formatSegment } from '../../../resources/key.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import type { Naming } from '../../naming.ts'
import type { Named, Renamed } from '../../writer.ts'
import { renamedAcl } from './renamed-acl.ts'

/**
 * In a folder the home itself becomes the folder, and a second name goes on naming the first. Keys keep their order. Names of people and groups stand in no entry: the slice says whose home
 * it is, and what a person wrote (where a link leads) stays as he wrote it.
 */
export function renameEntry({ key, state, kept }: Named, naming: Naming): Renamed {
  const { folder, uids, gids } = naming
  const { kind, segments } = decodeKey(key)
  const first = state['hardLinkTo']
  const moves = folder !== undefined && typeof first === 'string'
  const isOwned = uids.size > 0 || gids.size > 0
  return {
    key: folder === undefined ? key : encodeKey(kind, [folder, ...segments]),
    state: {
      ...state,
      ...(moves ? { hardLinkTo: `${formatSegment(Buffer.from(folder))}/${first}` } : {}),
      ...(isOwned ? owners(state, naming) : {}),
    },
    kept,
  }
}

function owners({ uid, gid, attributes }: JsonObject, naming: Naming): JsonObject {
  return {
    ...(typeof uid === 'number' ? { uid: naming.uids.get(uid) ?? uid } : {}),
    ...(typeof gid === 'number' ? { gid: naming.gids.get(gid) ?? gid } : {}),
    ...(isObject(attributes) ? { attributes: withOwners(attributes, naming) } : {}),
  }
}

function withOwners(attributes: JsonObject, naming: Naming): JsonObject {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      name.startsWith('system.posix_acl_') && typeof value === 'string' ? renamedAcl(value, naming) : value,
    ]),
  )
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
