import { isAtLeast } from '../servers/keycloak-install.ts'
import type { Building } from './building.ts'
import {
  otpCredential,
  passwordCredential,
  webauthnCredential,
  type CredentialRecord,
  type HashKind,
  type OtpDevice,
} from './credentials.ts'
import { DEFAULT_GROUPS } from './groups.ts'
import { fixedId, plantedSecret } from './secrets.ts'

/** One named person of the seed realm, with all that a test may ask for. */
export interface SeededUser {
  /** As Keycloak stores it. */
  readonly username: string
  /** What this person is in the realm for. */
  readonly guards: string
  /** Undefined: the person has no password. */
  readonly password?: string
  /** In the order Keycloak tries them. */
  readonly otp: readonly OtpDevice[]
  /** What a login with the right password (and code) ends with. */
  readonly login: 'accepted' | 'refused' | 'impossible'
  /** Groups as name arrays, sorted as text. */
  readonly groups: readonly (readonly string[])[]
  readonly realmRoles: readonly string[]
  readonly clientRoles: Readonly<Record<string, readonly string[]>>
  /** The record as partialImport takes it, without groups whose name holds a slash. */
  readonly record: UserRecord
  /** `post`: made by `POST /users`, which gives a new id and lower-cases the name. */
  readonly by: 'import' | 'post'
}

export interface UserRecord {
  readonly id: string
  readonly username: string
  readonly enabled: boolean
  readonly createdTimestamp: number
  readonly groups: readonly string[]
  readonly realmRoles: readonly string[]
  readonly clientRoles: Readonly<Record<string, readonly string[]>>
  readonly credentials: readonly CredentialRecord[]
  readonly [field: string]: unknown
}

interface Case {
  readonly name: string
  readonly guards: string
  /** Further fields of the record. */
  readonly fields?: Readonly<Record<string, unknown>>
  /** Default: the default groups. */
  readonly groups?: readonly (readonly string[])[]
  /** Default: the realm's default role. */
  readonly realmRoles?: readonly string[]
  readonly clientRoles?: Readonly<Record<string, readonly string[]>>
  /** Null: no password. */
  readonly hash?: HashKind | null
  readonly otp?: readonly string[]
  /** Further credentials, after password and devices. */
  readonly credentials?: readonly CredentialRecord[]
  readonly login?: 'accepted' | 'refused'
  readonly by?: 'post'
  /** Keycloak's first major version that can hold this person. */
  readonly since?: number
}

const DEFAULTS = DEFAULT_GROUPS.map((name) => [name])
const DEFAULT_ROLE = 'default-roles-nebari'
const HOUR_MS = 3_600_000
/** 2024-01-01T00:00:00Z; each person is made an hour after the one before. */
const FIRST_CREATED = 1_704_067_200_000

/** Two kinds of the same name part: exact search must tell them apart. */
const similar = ['rich1', 'rich10']

/** Names that break paths and limits: dots, plus, at sign, three and 255 characters. */
export const ODD_NAMES: readonly string[] = [
  ...['dots.in.name', 'plus+sign', 'at@sign.example', 'abc'],
  `long-${'0123456789'.repeat(25)}`,
]

const link = (identityProvider: string, name: string): object => ({
  identityProvider,
  userId: `${identityProvider}-id-${name}`,
  userName: `${name}@${identityProvider}`,
})

const CASES: readonly Case[] = [
  { name: 'plain', guards: 'no e-mail, no names: must not crash anything' },
  {
    name: 'full',
    guards: 'encoding of names and attributes',
    fields: {
      firstName: 'Žofie',
      lastName: 'Müller-Straße',
      email: 'zofie.mueller@uni.example',
      emailVerified: true,
      attributes: {
        faculty: ['Physik'],
        subjects: ['Mechanik', 'Ästhetik', 'Zoologie'],
        motto: ['lang und länger '.repeat(125)],
        nothing: [''],
      },
    },
    groups: [...DEFAULTS, ['admin'], ['Räte und Gäste'], ['described']],
  },
  { name: 'disabled', guards: 'the enabled flag', fields: { enabled: false }, login: 'refused' },
  {
    name: 'pending',
    guards: 'required actions refuse a login: not a wrong hash',
    fields: { requiredActions: ['UPDATE_PROFILE', 'CONFIGURE_TOTP'] },
    login: 'refused',
  },
  { name: 'notbefore', guards: 'notBefore, which POST loses', fields: { notBefore: 1_700_000_000 } },
  { name: 'old-created', guards: 'the date of creation', fields: { createdTimestamp: 1_483_228_800_000 } },
  { name: 'pw-argon2', guards: 'the hash of 26', hash: 'argon2', since: 26 },
  { name: 'pw-pbkdf2-sha256-27500', guards: 'the hash of 15; re-hashed at the first login', hash: 'pbkdf2-sha256' },
  { name: 'pw-pbkdf2-sha512', guards: 'the hash of 24', hash: 'pbkdf2-sha512' },
  { name: 'totp', guards: 'a second factor; an admin by group', otp: ['Handy'], groups: [...DEFAULTS, ['superadmin']] },
  {
    name: 'totp-two',
    guards: 'the order of two devices, made the other way round',
    otp: ['second made', 'first made'],
  },
  {
    name: 'webauthn-like',
    guards: 'unknown kinds of credential pass through',
    credentials: [webauthnCredential('webauthn-like')],
  },
  {
    name: 'no-credential',
    guards: 'no password is not a lost password',
    fields: { federatedIdentities: [link('github', 'no-credential')] },
    hash: null,
  },
  { name: 'fed-one', guards: 'one link', fields: { federatedIdentities: [link('github', 'fed-one')] } },
  {
    name: 'fed-two',
    guards: 'two links',
    fields: { federatedIdentities: [link('github', 'fed-two'), link('oidc-uni', 'fed-two')] },
  },
  { name: 'not-analyst', guards: 'taken out of a default group: must not come back', groups: [['users']] },
  { name: 'no-default-role', guards: 'without the default role', realmRoles: [] },
  { name: 'no-groups', guards: 'in no group at all', groups: [] },
  {
    name: 'deep-member',
    guards: 'paths of three levels, a slash in a name',
    groups: [['projects', 'p3', 'deep'], ['a/b']],
  },
  {
    name: 'direct-and-inherited',
    guards: 'a role both directly and by group',
    groups: [...DEFAULTS, ['projects', 'p3']],
    realmRoles: [DEFAULT_ROLE, 'realm-a'],
  },
  {
    name: 'many-roles',
    guards: 'twelve client roles over three clients',
    realmRoles: [DEFAULT_ROLE, 'odd role/name'],
    clientRoles: {
      jupyterhub: [
        ...['jupyterhub_admin', 'jupyterhub_developer', 'dask_gateway_admin', 'dask_gateway_developer'],
        ...['allow-app-sharing-role', 'my-perm'],
      ],
      conda_store: ['conda_store_admin', 'conda_store_developer', 'analyst-admin'],
      'lab-portal': ['editor', 'viewer', 'lab role/odd'],
    },
  },
  { name: 'realm-mgmt', guards: 'a role of realm-management', clientRoles: { 'realm-management': ['view-users'] } },
  {
    name: 'consent',
    guards: 'a consent with two scopes',
    fields: {
      clientConsents: [
        {
          clientId: 'consentapp',
          grantedClientScopes: ['email', 'profile'],
          createdDate: 1_690_000_000_000,
          lastUpdatedDate: 1_690_000_000_000,
        },
      ],
    },
  },
  {
    name: 'org-member',
    guards: 'member of an organization (from 26 on)',
    fields: { email: 'org-member@org-1.example', emailVerified: true },
  },
  { name: 'CamelCase', guards: 'names are lower-cased', by: 'post' },
  ...ODD_NAMES.map((name) => ({ name, guards: 'escaping and limits' })),
  { name: 'same-leaf', guards: 'two groups of one leaf name', groups: [...DEFAULTS, ['a', 'x'], ['b', 'x']] },
  ...similar.map((name) => ({ name, guards: 'exact search', groups: [...DEFAULTS, ['developer']] })),
  { name: 'locale', guards: 'an attribute of Keycloak itself', fields: { attributes: { locale: ['de'] } } },
  {
    name: 'hidden-attribute',
    guards: 'an attribute no profile declares: invisible by REST in variant B',
    fields: { attributes: { secret_hobby: ['Bonsai'] } },
  },
  { name: 'self-changed', guards: 'changes the own password between two backups' },
  { name: 'to-be-deleted', guards: 'removed between two backups' },
]

/** The named people of a realm, in the order they are made. Pure: the same list for the same version. */
export function namedUsers(building: Pick<Building, 'version'>): SeededUser[] {
  return CASES.filter(({ since = 0 }) => isAtLeast(building.version, since)).map((one, index) => seeded(one, index))
}

function seeded(one: Case, index: number): SeededUser {
  const username = one.name.toLowerCase()
  const groups = one.groups ?? DEFAULTS
  // A POST joins the default groups and takes the default role by itself.
  const realmRoles = one.realmRoles ?? [DEFAULT_ROLE]
  const clientRoles = one.clientRoles ?? {}
  const password = one.hash === null ? undefined : plantedSecret(`pw-${username.slice(0, 24)}`)
  const otp = (one.otp ?? []).map((label) => ({ label, secret: plantedSecret(`otp-${username}-${label[0]}`) }))
  const hash = one.hash ?? 'pbkdf2-sha512'
  const credentials = [
    ...(password === undefined ? [] : [passwordCredential(username, password, hash)]),
    ...otp.map((device, order) => otpCredential(username, device, 20 + 10 * order)),
    ...(one.credentials ?? []),
  ]
  return {
    username,
    guards: one.guards,
    ...(password === undefined ? {} : { password }),
    otp,
    login: password === undefined ? 'impossible' : (one.login ?? 'accepted'),
    groups,
    realmRoles,
    clientRoles,
    by: one.by ?? 'import',
    record: {
      id: fixedId(`user ${username}`),
      username: one.by === 'post' ? one.name : username,
      enabled: true,
      createdTimestamp: FIRST_CREATED + index * HOUR_MS,
      groups: groups.filter((path) => !path.some((name) => name.includes('/'))).map((path) => `/${path.join('/')}`),
      realmRoles,
      clientRoles,
      credentials,
      ...one.fields,
    },
  }
}
