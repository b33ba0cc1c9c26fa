/** A person as `partialImport` takes one: the exact restore, ids and dates and hashes included, with nothing joined and nothing granted by default. */
import type { Wanted } from '../../../resources/change.ts'
import { isSameCredential, keptOf, orderedCredentials, personOf } from './person-state.ts'
import type { CredentialState, PersonState } from './person-state.ts'

/** What only calls after the import can make: groups whose names a path cannot tell apart, organizations. */
export function withoutLate(person: PersonState): PersonState {
  return {
    ...person,
    groups: person.groups.filter((path) => !isLate(path)),
    ...(person.organizations === undefined ? {} : { organizations: {} }),
  }
}

/** Is this a group that a joined path cannot name? */
function isLate(path: readonly string[]): boolean {
  return path.some((name) => name.includes('/'))
}

export interface CredentialRecord {
  readonly id?: string
  readonly type: string
  readonly userLabel?: string
  readonly createdDate?: number
  readonly secretData: string
  readonly credentialData: string
}

/** `person`: what will be there; `wanted`: where secrets and ids come from. */
export async function importRecord(
  person: PersonState,
  wanted: Wanted,
  { withCredentialIds }: { readonly withCredentialIds: boolean },
): Promise<Record<string, unknown>> {
  const { id, createdTimestamp, notBefore } = keptOf(wanted.kept)
  const { username, enabled, email, emailVerified, firstName, lastName } = person
  return {
    ...(id === undefined ? {} : { id }),
    ...(createdTimestamp === undefined ? {} : { createdTimestamp }),
    ...(notBefore === undefined ? {} : { notBefore }),
    ...{ username, enabled, emailVerified },
    ...(email === null ? {} : { email }),
    ...(firstName === null ? {} : { firstName }),
    ...(lastName === null ? {} : { lastName }),
    // Also those that the user profile hides: they show when its policy is turned on.
    attributes: personOf(wanted.state).attributes,
    requiredActions: person.requiredActions,
    groups: withoutLate(person).groups.map((path) => `/${path.join('/')}`),
    realmRoles: person.realmRoles,
    clientRoles: person.clientRoles,
    federatedIdentities: Object.entries(person.federatedIdentities).map(([identityProvider, link]) => ({
      identityProvider,
      userId: link.userId,
      userName: link.userName,
    })),
    clientConsents: Object.entries(person.consents).map(([clientId, grantedClientScopes]) => ({
      clientId,
      grantedClientScopes,
    })),
    credentials: await credentialRecords(
      wanted,
      orderedCredentials(person.credentials).map(({ credential }) => credential),
      withCredentialIds,
    ),
  }
}

/** As a POST takes it, which refuses nothing of the rest and ignores it. Locked: it joins the default groups and gets the default role, which are taken away before it is opened. */
export function lockedRecord(record: Readonly<Record<string, unknown>>): object {
  const { id: _id, notBefore: _notBefore, groups: _groups, realmRoles: _realm, ...rest } = record
  const { clientRoles: _client, clientConsents: _consents, ...posted } = rest
  return { ...posted, enabled: false }
}

/** In this order: Keycloak takes the order of the list, and ignores a priority. Those without a hash are left out. */
export async function credentialRecords(
  wanted: Wanted,
  credentials: readonly CredentialState[],
  withIds: boolean,
): Promise<readonly CredentialRecord[]> {
  const { credentialIds = {} } = keptOf(wanted.kept)
  const known = orderedCredentials(personOf(wanted.state).credentials)
  const records: CredentialRecord[] = []
  for (const credential of credentials) {
    const name = known.find((one) => isSameCredential(one.credential, credential))?.name ?? ''
    const secretData = await wanted.secrets[name]?.()
    if (secretData === undefined) continue
    const id = credentialIds[name]
    records.push({
      ...(withIds && id !== undefined ? { id } : {}),
      type: credential.type,
      ...(credential.label === null ? {} : { userLabel: credential.label }),
      ...(credential.created === null ? {} : { createdDate: credential.created }),
      secretData,
      credentialData: credential.data ?? '{}',
    })
  }
  return records
}
