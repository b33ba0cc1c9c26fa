/** The slice `shared`: everything of the realm that is not one person's, kind after kind in the order of keys, one kind in memory at a time. */
import { compareKeys, decodeKey, encodeKey } from '../../../resources/key.ts'
import type { ResourceKey } from '../../../resources/key.ts'
import type { Note, Resource } from '../../../resources/resource.ts'
import type { KeycloakClient } from '../client.ts'
import { unexpected } from '../failure.ts'
import { separateSecrets } from '../secret-fields.ts'
import { stopIfAborted } from '../stop.ts'
import { clientPolicyKind, clientProfileKind } from './client-policy.ts'
import { clientScopeKind } from './client-scope.ts'
import { clientKind } from './client.ts'
import { componentKind } from './component.ts'
import { flowKind } from './flow.ts'
import { defaultGroupKind, groupKind } from './group.ts'
import { identityProviderKind } from './identity-provider.ts'
import { localizationKind } from './localization.ts'
import { organizationKind } from './organization.ts'
import { realmKind } from './realm.ts'
import { requiredActionKind } from './required-action.ts'
import { clientRoleKind, realmRoleKind } from './role.ts'
import { serviceAccountKind } from './service-account.ts'
import type { Draft, SharedKind } from './shared-kind.ts'
import { SharedReader } from './shared-kind.ts'
import { userProfileKind } from './user-profile.ts'

/** In the order in which a restore makes them. */
export const sharedKinds: readonly SharedKind[] = [
  // The realm binds flows.
  ...[userProfileKind, localizationKind, requiredActionKind, flowKind, realmKind],
  ...[
    clientProfileKind,
    clientPolicyKind,
    clientScopeKind,
    realmRoleKind,
    clientKind,
    clientRoleKind,
    serviceAccountKind,
  ],
  ...[groupKind, defaultGroupKind, identityProviderKind, componentKind, organizationKind],
]

const inKeyOrder = [...sharedKinds].sort((a, b) => compareKeys(encodeKey(a.kind), encodeKey(b.kind)))

export interface SharedOptions {
  readonly organizations: SharedReader['organizations']
  readonly signal: AbortSignal
  readonly after?: ResourceKey
  readonly note: (note: Note) => void
  /** One kind alone, and of it what is asked for. */
  readonly only?: { readonly kind: string; readonly wants: (segments: readonly string[]) => boolean }
}

export async function* readShared(
  client: KeycloakClient,
  { organizations, signal, after, note, only }: SharedOptions,
): AsyncIterable<Resource> {
  const from = after === undefined ? undefined : encodeKey(decodeKey(after).kind)
  let kind = ''
  const say = (code: string, message: string, segments?: readonly string[]): void =>
    note({ code, message, ...(segments === undefined ? {} : { key: encodeKey(kind, segments) }) })
  const reader = new SharedReader({
    client,
    signal,
    organizations,
    say,
    ...(only === undefined ? {} : { wants: only.wants }),
  })
  for (const shared of inKeyOrder) {
    if (only !== undefined && only.kind !== shared.kind) continue
    if (from !== undefined && compareKeys(encodeKey(shared.kind), from) < 0) continue
    kind = shared.kind
    const drafts = (await shared.read(reader)).map((draft) => ({
      draft,
      key: encodeKey(
        shared.kind,
        draft.segments.map((segment) => segment.toWellFormed()),
      ),
    }))
    drafts.sort((a, b) => compareKeys(a.key, b.key))
    let previous: ResourceKey | undefined
    for (const { draft, key } of drafts) {
      if (previous !== undefined && compareKeys(previous, key) === 0)
        throw unexpected(`The source lists two of one name (${shared.kind}).`)
      previous = key
      if (after !== undefined && compareKeys(key, after) <= 0) continue
      if (only !== undefined && !only.wants(draft.segments)) continue
      stopIfAborted(signal)
      yield resourceOf(key, draft, say)
    }
  }
}

function resourceOf(
  key: ResourceKey,
  { segments, body, kept, secrets: own }: Draft,
  say: SharedReader['say'],
): Resource {
  const { state, secrets: found, masked } = separateSecrets(body)
  for (const _ of masked) say('secret-masked', 'The source masks a secret: it is not in this backup.', segments)
  const secrets = { ...found, ...own }
  return {
    key,
    state,
    ...(kept === undefined ? {} : { kept }),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets }),
  }
}
