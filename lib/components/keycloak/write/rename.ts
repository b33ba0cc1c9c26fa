/** What a resource of a realm is called where it is restored to: another username, other group paths. */
import { decodeKey, encodeKey } from '../../../resources/key.ts'
import type { ResourceKey } from '../../../resources/key.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { isAsItWas, renamedGroup } from '../../naming.ts'
import type { Naming } from '../../naming.ts'
import type { GroupPart, LostField, Named, Renamed } from '../../writer.ts'

const GROUP_KINDS: ReadonlySet<string> = new Set(['group', 'default-group'])

/** Groups stand in `shared`; one brings its attributes and role bindings, and whether new people join it. */
export const groupPart: GroupPart = {
  pathOf(key) {
    const { kind, segments } = decodeKey(key)
    return kind === 'group' ? segments.map((segment) => segment.toString('utf8')) : undefined
  },
  keysOf: (path) => [...GROUP_KINDS].map((kind) => encodeKey(kind, path)),
}

/**
 * Under another name in the same realm the account is another one: it gets an id and a date of its own, and no link to an identity elsewhere, which two accounts cannot share. A folder
 * beside is nothing to a realm.
 */
export function renameInRealm({ key, state, kept }: Named, naming: Naming): Renamed {
  const { folder: _folder, ...others } = naming
  if (isAsItWas(others)) return { key, state, kept }
  const { kind, segments } = decodeKey(key)
  const renamed = { key: renamedKey(key, kind, segments, naming), state: renamedState(kind, state, naming), kept }
  if (kind !== 'user' || !naming.asAnother) return renamed
  const { id: _id, createdTimestamp: _created, credentialIds: _credentials, ...rest } = kept
  const links = Object.keys(isObject(state['federatedIdentities']) ? state['federatedIdentities'] : {})
  return {
    ...renamed,
    state: links.length === 0 ? renamed.state : { ...renamed.state, federatedIdentities: {} },
    kept: rest,
    ...(links.length === 0 ? {} : { lost: links.map(lostLink) }),
  }
}

function lostLink(alias: string): LostField {
  return {
    field: `federatedIdentities.${alias}`,
    reason: 'An identity elsewhere belongs to one account: link it there once the account it had is gone.',
  }
}

function renamedKey(key: ResourceKey, kind: string, segments: readonly Buffer[], naming: Naming): ResourceKey {
  const names = segments.map((segment) => segment.toString('utf8'))
  if (GROUP_KINDS.has(kind)) return encodeKey(kind, renamedGroup(naming, names))
  return kind === 'user' && naming.user !== undefined && names[0] === naming.user.from
    ? encodeKey(kind, [naming.user.to])
    : key
}

function renamedState(kind: string, state: JsonObject, naming: Naming): JsonObject {
  const { username, groups } = state
  const isPerson = kind === 'user' && naming.user !== undefined && username === naming.user.from
  return {
    ...state,
    ...(isPerson ? { username: naming.user?.to ?? '' } : {}),
    // Of people and of service accounts; lists of names, in the order of their texts.
    ...((kind === 'user' || kind === 'service-account') && Array.isArray(groups)
      ? { groups: sortedPaths(groups.map((path) => (isPath(path) ? [...renamedGroup(naming, path)] : path))) }
      : {}),
  }
}

function sortedPaths(paths: readonly JsonValue[]): readonly JsonValue[] {
  return [...new Map(paths.map((path) => [JSON.stringify(path), path])).entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, path]) => path)
}

function isPath(path: JsonValue): path is readonly string[] {
  return Array.isArray(path) && path.every((name) => typeof name === 'string')
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
