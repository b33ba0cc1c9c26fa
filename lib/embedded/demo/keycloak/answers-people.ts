/** What the stand-in says of people. */
import { forbidden, missing, need, pageOf } from './asking.ts'
import type { Asking } from './asking.ts'
import type { DemoGroup, DemoUser } from './realm.ts'

const SEEING = ['view-users', 'manage-users'] as const
/** About what 26.3 adds to each listed person. */
const METADATA = {
  attributes: Array.from({ length: 4 }, (_, index) => ({
    name: `attribute-${index}`,
    displayName: 'x'.repeat(400),
    required: false,
    readOnly: false,
    validators: {},
  })),
  groups: [],
}

export function listUsers(asking: Asking): readonly object[] {
  need(asking, ...SEEING, 'query-users')
  // Whoever may only search sees nobody, and is not told.
  if (!SEEING.some(asking.may)) return []
  const { realm, query } = asking
  const [username, email] = [query.get('username'), query.get('email')?.toLowerCase()]
  const named = username === null ? realm.users : search(asking, username.toLowerCase())
  const isExact = query.get('exact') === 'true'
  const found =
    email === undefined
      ? named
      : named.filter((user) => (isExact ? user.email === email : user.email?.includes(email) === true))
  return pageOf(found, asking, 100).map((user) =>
    query.get('briefRepresentation') === 'true' ? brief(asking, user) : whole(asking, user),
  )
}

/** Without service accounts, as in the list. */
export function countUsers(asking: Asking): number {
  need(asking, ...SEEING, 'query-users')
  return SEEING.some(asking.may) ? asking.realm.users.length : 0
}

export function oneUser(asking: Asking, id: string): object {
  const user = seen(asking, id)
  const { userProfileMetadata: _, ...rest } = whole(asking, user)
  return { ...rest, federatedIdentities: user.federatedIdentities }
}

export function groupsOf(asking: Asking, id: string): readonly object[] {
  const { realm } = asking
  const groups = seen(asking, id).groups.map((group) => realm.groups.get(group) as DemoGroup)
  return pageOf(groups, asking, -1).map((group) => ({
    id: group.id,
    name: group.name,
    path: realm.pathOf(group),
    ...(asking.quirks.nestedGroups ? {} : { subGroups: [] }),
  }))
}

/** Without the right to see roles they are left out, without an error. */
export function roleMappingsOf(asking: Asking, id: string): object {
  const { realm, may } = asking
  const user = seen(asking, id)
  const describe = (client: string | undefined, name: string): object => ({
    id: realm.role(client, name).id,
    name,
    composite: false,
    clientRole: client !== undefined,
  })
  const clients = Object.entries(user.clientRoles).filter(([, names]) => names.length > 0)
  return {
    ...(may('view-realm') ? { realmMappings: user.realmRoles.map((name) => describe(undefined, name)) } : {}),
    ...(may('view-clients') && clients.length > 0
      ? {
          clientMappings: Object.fromEntries(
            clients.map(([client, names]) => [
              client,
              { id: client, client, mappings: names.map((name) => describe(client, name)) },
            ]),
          ),
        }
      : {}),
  }
}

export function consentsOf(asking: Asking, id: string): readonly object[] {
  return Object.entries(seen(asking, id).consents).map(([clientId, grantedClientScopes]) => ({
    clientId,
    grantedClientScopes,
    createdDate: 1_710_000_000_000,
    lastUpdatedDate: 1_710_000_000_500,
    additionalGrants: [],
  }))
}

/** Never with what is secret in them. */
export function credentialsOf(asking: Asking, id: string): readonly object[] {
  const user = seen(asking, id)
  if (asking.quirks.credentialsNeedManage && !asking.may('manage-users')) throw forbidden()
  return user.credentials.map(({ secretData: _, ...credential }) => credential)
}

export function seen(asking: Asking, id: string): DemoUser {
  need(asking, ...SEEING)
  const user = asking.realm.user(id)
  if (user === undefined) throw missing('User not found')
  return user
}

function search({ realm, query }: Asking, username: string): readonly DemoUser[] {
  if (query.get('exact') !== 'true') return realm.users.filter((user) => user.username.includes(username))
  const user = realm.userNamed(username)
  return user === undefined ? [] : [user]
}

export function whole(asking: Asking, user: DemoUser): Record<string, unknown> {
  const {
    username,
    email,
    firstName,
    lastName,
    emailVerified,
    enabled,
    createdTimestamp,
    attributes: all,
    requiredActions,
    notBefore,
    id,
    credentials,
  } = user
  const isShown = (values: readonly string[]): boolean =>
    !asking.quirks.hidesEmpty || values.some((value) => value.trim() !== '')
  const attributes = Object.fromEntries(Object.entries(all).filter(([, values]) => isShown(values)))
  return {
    ...{ id, createdTimestamp, username, enabled, emailVerified, firstName, lastName, email },
    totp: credentials.some(({ type }) => type === 'otp'),
    ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
    ...{ disableableCredentialTypes: [], requiredActions, notBefore, access: { manage: asking.may('manage-users') } },
    ...(asking.quirks.userProfileMetadata ? { userProfileMetadata: METADATA } : {}),
  }
}

function brief(
  asking: Asking,
  { id, createdTimestamp, username, enabled, emailVerified, firstName, lastName, email }: DemoUser,
): object {
  return {
    id,
    createdTimestamp,
    username,
    enabled,
    emailVerified,
    firstName,
    lastName,
    email,
    ...(asking.quirks.userProfileMetadata ? { userProfileMetadata: METADATA } : {}),
  }
}
