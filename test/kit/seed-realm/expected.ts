import type { Building } from './building.ts'
import { bulkGroups, bulkUsers } from './bulk.ts'
import { ADMIN_CLIENTS, SERVICE_ACCOUNTS } from './clients.ts'
import { adminIdentityProviders } from './federation.ts'
import { adminGroups, DEFAULT_GROUPS, INSTALLER_GROUPS } from './groups.ts'
import { INSTALLER_CLIENTS } from './installer.ts'
import { ORGANIZATIONS } from './organizations.ts'
import { ADMIN_CLIENT_ROLES, adminRealmRoles } from './roles.ts'
import type { SeededUser } from './users.ts'

/**
 * What the seed put into the realm, by natural key, reckoned from the seed's own tables and not from the server.
 * What Keycloak makes by itself in every realm (its clients, scopes, roles, flows) is not named here.
 */
export interface Expected {
  /** Every person, sorted; service accounts are not people. */
  readonly usernames: readonly string[]
  /** `/users/count`: the number of people. */
  readonly userCount: number
  /** Names on the way down; parents before children. */
  readonly groups: readonly (readonly string[])[]
  /** Direct members by `groupKey`: people and service accounts apart, because `/groups/{id}/members` lists both. */
  readonly members: ReadonlyMap<string, { readonly people: number; readonly serviceAccounts: number }>
  /** Realm roles made by the seed. */
  readonly realmRoles: readonly string[]
  /** Direct holders of each realm role in `realmRoles`, people only. */
  readonly realmRoleUsers: ReadonlyMap<string, number>
  /** Clients made by the seed. */
  readonly clients: readonly string[]
  /** Client id to names of its roles, for clients made by the seed. */
  readonly clientRoles: Readonly<Record<string, readonly string[]>>
  /** Usernames of service accounts. */
  readonly serviceAccounts: readonly string[]
  readonly identityProviders: readonly string[]
  readonly organizations: readonly string[]
}

/** The key of a group in `Expected.members`. */
export const groupKey = (path: readonly string[]): string => JSON.stringify(path)

export function expectedOf(
  building: Pick<Building, 'large' | 'organizations'>,
  users: readonly SeededUser[],
  bulk: number,
): Expected {
  const groups = [...INSTALLER_GROUPS.map((name) => [name]), ...adminGroups(building).map(({ path }) => path)]
  const bulkRecords = bulkUsers(bulk)
  const memberships = [...users.flatMap((user) => user.groups), ...bulkRecords.flatMap((_, index) => bulkGroups(index))]
  const people = tally(memberships.map(groupKey))
  const defaults = new Set<string>(DEFAULT_GROUPS)
  const members = groups.map((path) => {
    // Service accounts join the default groups like anybody else.
    const serviceAccounts = path.length === 1 && defaults.has(path[0] ?? '') ? SERVICE_ACCOUNTS.length : 0
    return [groupKey(path), { people: people.get(groupKey(path)) ?? 0, serviceAccounts }] as const
  })
  const realmRoles = adminRealmRoles(building).map(({ name }) => name)
  const holders = tally([...users, ...bulkRecords].flatMap((user) => user.realmRoles))
  const usernames = [...users, ...bulkRecords].map(({ username }) => username).toSorted()
  return {
    usernames,
    userCount: usernames.length,
    groups,
    members: new Map(members),
    realmRoles,
    realmRoleUsers: new Map(realmRoles.map((name) => [name, holders.get(name) ?? 0])),
    clients: [...INSTALLER_CLIENTS.map(({ clientId }) => clientId), ...ADMIN_CLIENTS],
    clientRoles: expectedClientRoles(),
    serviceAccounts: SERVICE_ACCOUNTS.map((clientId) => `service-account-${clientId}`),
    identityProviders: ['github', ...adminIdentityProviders(building)],
    organizations: building.organizations ? ORGANIZATIONS : [],
  }
}

function expectedClientRoles(): Record<string, readonly string[]> {
  const roles: Record<string, string[]> = {}
  for (const { clientId, roles: names } of INSTALLER_CLIENTS) roles[clientId] = [...names]
  for (const clientId of ADMIN_CLIENTS) roles[clientId] = []
  for (const [clientId, made] of Object.entries(ADMIN_CLIENT_ROLES))
    roles[clientId]?.push(...made.map(({ name }) => name))
  return roles
}

function tally(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}
