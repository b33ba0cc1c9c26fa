/**
 * Parts of the realm that the server's own code makes (user federations, keys, rules for registering clients). They have no natural key: the
 * type, the provider and the name, and a number where that is not enough. Parts of parts (LDAP mappers) are fields of theirs.
 */
import { canonicalJson } from '../../../resources/json.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { componentsSchema } from '../answers.ts'
import type { ComponentAnswer } from '../answers.ts'
import { cleanObject, compareText } from '../clean-json.ts'
import type { Draft, SharedKind } from './shared-kind.ts'

/** `lastSync` is a time that moves with every synchronisation. */
const LEFT_OUT: ReadonlySet<string> = new Set(['id', 'parentId', 'name', 'providerId', 'providerType', 'lastSync'])
/** Has a kind of its own. */
const USER_PROFILE = 'org.keycloak.userprofile.UserProfileProvider'

export const componentKind: SharedKind = {
  kind: 'component',
  async read(reader) {
    const components = (
      await reader.ask({ right: 'view-realm', schema: componentsSchema, request: (admin) => admin.components.find() })
    ).filter(({ providerType }) => providerType !== USER_PROFILE)
    const ids = new Set(components.map(({ id }) => id))
    const below = Map.groupBy(components, ({ parentId }) =>
      parentId !== undefined && parentId !== null && ids.has(parentId) ? parentId : undefined,
    )
    const drafts = (below.get(undefined) ?? []).map((component) => ({
      segments: nameOf(component),
      body: { ...cleanObject(component, { drop: LEFT_OUT }), mappers: partsOf(component, below) },
      kept: { id: component.id },
    }))
    const doubles = drafts.length - new Set(drafts.map(({ segments }) => JSON.stringify(segments))).size
    if (doubles > 0)
      reader.say(
        'name-not-unique',
        'Some components differ in nothing but their settings: they are told apart by a number.',
      )
    return numbered(drafts)
  },
}

function nameOf({ providerType, providerId, name, subType }: ComponentAnswer): readonly string[] {
  return [providerType, providerId, name ?? '', ...(subType === undefined || subType === null ? [] : [subType])]
}

/** The second of a name gets the segment `#2`, and so on, in the order of what they hold: the same on every server. */
function numbered(drafts: readonly Draft[]): readonly Draft[] {
  return [...Map.groupBy(drafts, ({ segments }) => JSON.stringify(segments)).values()].flatMap((alike) =>
    alike
      .map((draft) => ({ draft, text: canonicalJson(draft.body) }))
      .sort((a, b) => compareText(a.text, b.text))
      .map(({ draft }, at) => (at === 0 ? draft : { ...draft, segments: [...draft.segments, `#${at + 1}`] })),
  )
}

function partsOf(
  { id }: ComponentAnswer,
  below: ReadonlyMap<string | undefined, readonly ComponentAnswer[]>,
): JsonObject {
  const parts = (below.get(id) ?? []).map((part): [string, JsonValue] => [
    part.name ?? part.providerId,
    {
      providerId: part.providerId,
      providerType: part.providerType,
      ...cleanObject(part, { drop: LEFT_OUT }),
      ...(below.has(part.id) ? { mappers: partsOf(part, below) } : {}),
    },
  ])
  parts.sort((a, b) => compareText(canonicalJson(a), canonicalJson(b)))
  const counts = new Map<string, number>()
  return Object.fromEntries(
    parts.map(([name, body]) => {
      const number = (counts.get(name) ?? 0) + 1
      counts.set(name, number)
      return [number === 1 ? name : `${name} #${number}`, body]
    }),
  )
}
