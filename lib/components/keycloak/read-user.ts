/**
 * One person as one resource, `user/NAME`: profile, groups, roles, links, consents, organizations, credentials are its fields, so that a difference names
 * them. Four small calls, and one or two more where the realm has organizations, consents or no source of hashes.
 */
import type { JsonObject, JsonValue } from '../../resources/json.ts'
import { encodeKey } from '../../resources/key.ts'
import type { Note, Resource } from '../../resources/resource.ts'
import { TorikiError } from '../../errors.ts'
import {
  consentsSchema,
  organizationMemberSchema,
  organizationsSchema,
  roleMappingsSchema,
  userGroupsSchema,
  userSchema,
  usersSchema,
} from './answers.ts'
import type { RoleMappingsAnswer, UserAnswer } from './answers.ts'
import { compareText, sortedLists, sortedNames } from './clean-json.ts'
import type { KeycloakClient } from './client.ts'
import type { CredentialSource } from './credential-source.ts'
import { readCredentials } from './read-credentials.ts'
import type { RealmDirectory } from './directory.ts'
import { readPages } from './pages.ts'

export interface UserReader {
  readonly client: KeycloakClient
  readonly directory: RealmDirectory
  readonly source: CredentialSource | undefined
  /** What is known of the realm's organizations. */
  readonly organizations: 'off' | 'open' | 'closed' | 'missing'
}

/** The person of exactly this name; `undefined`: nobody. Keycloak lower-cases what it is asked for, a slice's name is exact. */
export async function findUser(
  client: KeycloakClient,
  username: string,
  signal: AbortSignal,
): Promise<UserAnswer | undefined> {
  const found = await client.read(
    {
      right: 'view-users',
      schema: usersSchema,
      request: (admin) => admin.users.find({ username, exact: true, first: 0, max: 10, briefRepresentation: false }),
    },
    signal,
  )
  return found.find((user) => user.username === username)
}

/** The whole person; `undefined` when gone meanwhile. */
export async function readUser(
  reader: UserReader,
  found: UserAnswer,
  signal: AbortSignal,
  note: (note: Note) => void,
): Promise<Resource | undefined> {
  const { client, directory } = reader
  const { id } = found
  const key = encodeKey('user', [found.username])
  const say = (code: string, message: string): void => note({ code, message, key })
  const [user, groups, roles, consents, organizations, credentials] = await Promise.all([
    client.find(
      {
        right: 'view-users',
        schema: userSchema,
        request: (admin) => admin.users.findOne({ id, userProfileMetadata: false }),
      },
      signal,
    ),
    readGroups(client, directory, id, signal),
    client.find(
      { right: 'view-users', schema: roleMappingsSchema, request: (admin) => admin.users.listRoleMappings({ id }) },
      signal,
    ),
    readConsents(client, directory, id, signal),
    readOrganizations(reader, id, signal),
    readCredentials(reader, { id, username: found.username }, signal, say),
  ])
  if (user === undefined || groups === undefined || roles === undefined || credentials === 'gone') return undefined
  // Renamed between two calls: the next run reads the person under the new name.
  if (user.username !== found.username) return undefined
  if (organizations === 'not-covered')
    say(
      'organizations-not-covered',
      'Memberships of organizations cannot be read with a right to read on this version of Keycloak.',
    )
  return {
    key,
    state: {
      username: user.username,
      enabled: user.enabled !== false,
      email: user.email ?? null,
      emailVerified: user.emailVerified === true,
      firstName: user.firstName ?? null,
      lastName: user.lastName ?? null,
      attributes: sortedLists(user.attributes),
      requiredActions: sortedNames(user.requiredActions ?? []),
      federation: await federationOf(directory, user, signal),
      groups,
      realmRoles: realmRolesOf(roles),
      clientRoles: clientRolesOf(roles),
      federatedIdentities: linksOf(user),
      consents: consents.scopes,
      ...(organizations === 'not-covered' ? {} : { organizations }),
      ...(credentials.state === undefined ? {} : { credentials: credentials.state }),
    },
    kept: withoutEmpty({
      id,
      createdTimestamp: user.createdTimestamp ?? null,
      notBefore: user.notBefore ?? 0,
      consentDates: consents.dates,
      credentialIds: credentials.ids,
    }),
    ...(Object.keys(credentials.secrets).length === 0 ? {} : { secrets: credentials.secrets }),
  }
}

export function realmRolesOf({ realmMappings }: RoleMappingsAnswer): readonly string[] {
  return sortedNames((realmMappings ?? []).map(({ name }) => name))
}

/** Client id → names of its roles. */
export function clientRolesOf({ clientMappings }: RoleMappingsAnswer): JsonObject {
  return sortedLists(
    Object.fromEntries(
      Object.entries(clientMappings ?? {}).map(([clientId, { client, mappings }]) => [
        client ?? clientId,
        (mappings ?? []).map(({ name }) => name),
      ]),
    ),
  )
}

/**
 * The person's groups as lists of names from the top, sorted; `undefined`: nobody there. The kept tree says which names; the answer's own paths tell when it is out of date.
 */
export async function readGroups(
  client: KeycloakClient,
  directory: RealmDirectory,
  id: string,
  signal: AbortSignal,
): Promise<readonly (readonly string[])[] | undefined> {
  for (let tries = 0; tries < GROUP_TRIES_MAX; tries++) {
    const groups = await readPages({
      page: async (first, max) =>
        (await client.find(
          {
            right: 'view-users',
            schema: userGroupsSchema,
            request: (admin) => admin.users.listGroups({ id, first, max }),
          },
          signal,
        )) ?? [GONE],
      identity: (group) => group.id,
      shortPageEnds: true,
    })
    if (groups.includes(GONE)) return undefined
    const paths = groups.length === 0 ? new Map<string, readonly string[]>() : await directory.groupPaths(signal)
    const segments = groups.map((group) => ({ group, path: paths.get(group.id) }))
    if (segments.every(({ group, path }) => path !== undefined && isPath(group.path, path))) {
      return segments
        .map(({ path }) => path as readonly string[])
        .map((path) => ({ path, text: JSON.stringify(path) }))
        .sort((a, b) => compareText(a.text, b.text))
        .map(({ path }) => path)
    }
    directory.forgetGroups()
  }
  throw new TorikiError('source-moving', { message: 'The groups changed all the time while a person was read.' })
}

const GROUP_TRIES_MAX = 3
/** Stands for "there is nobody of that id". */
const GONE = { id: '', name: '' } as const

/** Is this the joined form of these names? From 26 on a slash in a name may be written `~/` (a switch of the server's). */
function isPath(joined: string | null | undefined, segments: readonly string[]): boolean {
  return (
    joined === undefined ||
    joined === null ||
    joined === `/${segments.join('/')}` ||
    joined === `/${segments.map((segment) => segment.replaceAll('/', '~/')).join('/')}`
  )
}

async function readConsents(
  client: KeycloakClient,
  directory: RealmDirectory,
  id: string,
  signal: AbortSignal,
): Promise<{ scopes: JsonObject; dates: JsonObject }> {
  if (!(await directory.asksForConsent(signal))) return { scopes: {}, dates: {} }
  const consents =
    (await client.find(
      { right: 'view-users', schema: consentsSchema, request: (admin) => admin.users.listConsents({ id }) },
      signal,
    )) ?? []
  // An offline session without a consent stands in this list too; a consent has a date.
  const given = consents.filter(
    ({ createdDate, grantedClientScopes }) => (createdDate ?? 0) > 0 || (grantedClientScopes ?? []).length > 0,
  )
  return {
    scopes: Object.fromEntries(
      given.map(({ clientId, grantedClientScopes }) => [clientId, sortedNames(grantedClientScopes ?? [])]),
    ),
    dates: Object.fromEntries(
      given.map(({ clientId, createdDate, lastUpdatedDate }) => [
        clientId,
        { created: createdDate ?? null, updated: lastUpdatedDate ?? null },
      ]),
    ),
  }
}

/** Alias → kind of membership. */
async function readOrganizations(
  { client, organizations }: UserReader,
  userId: string,
  signal: AbortSignal,
): Promise<JsonObject | 'not-covered'> {
  if (organizations === 'off') return {}
  if (organizations !== 'open') return 'not-covered'
  const memberOf =
    (await client.find(
      {
        right: 'view-organizations',
        schema: organizationsSchema,
        request: (admin) => admin.organizations.memberOrganizations({ userId }),
      },
      signal,
    )) ?? []
  const memberships = await Promise.all(
    memberOf.map(async ({ id: orgId, alias, name }): Promise<[string, JsonValue]> => {
      const member = await client.find(
        {
          right: 'view-organizations',
          schema: organizationMemberSchema,
          request: (admin) => admin.organizations.getMember({ orgId, userId }),
        },
        signal,
      )
      return [alias ?? name, { membership: member?.membershipType ?? null }]
    }),
  )
  return Object.fromEntries(memberships)
}

/** The name of the federation that the person comes from. */
async function federationOf(
  directory: RealmDirectory,
  { federationLink }: UserAnswer,
  signal: AbortSignal,
): Promise<string | null> {
  if (federationLink === undefined || federationLink === null) return null
  return (await directory.federations(signal)).get(federationLink) ?? null
}

/** Alias of the provider → who the person is there. */
function linksOf({ federatedIdentities }: UserAnswer): JsonObject {
  return Object.fromEntries(
    (federatedIdentities ?? []).map(({ identityProvider, userId, userName }) => [
      identityProvider,
      { userId: userId ?? null, userName: userName ?? null },
    ]),
  )
}

function withoutEmpty(members: Readonly<Record<string, JsonValue>>): JsonObject {
  return Object.fromEntries(
    Object.entries(members).filter(
      ([, value]) => value !== null && (typeof value !== 'object' || Object.keys(value).length > 0),
    ),
  )
}
