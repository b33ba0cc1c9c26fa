/** People as they come in a body: of an import, a POST or a PUT. */
import { fixedId } from './fixed-id.ts'
import type { DemoCredential, DemoRealm, DemoUser } from './realm.ts'

/** Members that every version knows; another one is refused. */
export const USER_MEMBERS: ReadonlySet<string> = new Set([
  ...['id', 'username', 'enabled', 'email', 'emailVerified', 'firstName', 'lastName', 'attributes', 'requiredActions'],
  ...['createdTimestamp', 'notBefore', 'groups', 'realmRoles', 'clientRoles', 'federatedIdentities', 'clientConsents'],
  ...['credentials', 'totp', 'disableableCredentialTypes', 'access', 'federationLink', 'serviceAccountClientId'],
  ...['self', 'origin', 'applicationRoles', 'socialLinks', 'userProfileMetadata'],
])

export interface UserBody {
  readonly id?: string
  readonly username?: string
  readonly enabled?: boolean
  readonly email?: string | null
  readonly emailVerified?: boolean
  readonly firstName?: string | null
  readonly lastName?: string | null
  readonly attributes?: Readonly<Record<string, readonly string[]>>
  readonly requiredActions?: readonly string[]
  readonly createdTimestamp?: number
  readonly notBefore?: number
  readonly groups?: readonly string[]
  readonly realmRoles?: readonly string[]
  readonly clientRoles?: Readonly<Record<string, readonly string[]>>
  readonly federatedIdentities?: DemoUser['federatedIdentities']
  readonly clientConsents?: readonly { readonly clientId: string; readonly grantedClientScopes?: readonly string[] }[]
  readonly credentials?: readonly CredentialBody[]
}

export interface CredentialBody {
  readonly id?: string
  readonly type?: string
  readonly userLabel?: string
  readonly createdDate?: number
  readonly value?: string
  readonly secretData?: string
  readonly credentialData?: string
}

/** Without groups, roles, links, consents and credentials: whoever makes the person adds what the way of making allows. */
export function newUser(
  realm: DemoRealm,
  body: UserBody,
  { id, nowMs }: { readonly id: string; readonly nowMs: number },
): DemoUser {
  const { username = '', enabled = false, email, firstName, lastName } = body
  return {
    id,
    username: username.toLowerCase(),
    ...(typeof email === 'string' ? { email: email.toLowerCase() } : {}),
    ...(typeof firstName === 'string' ? { firstName } : {}),
    ...(typeof lastName === 'string' ? { lastName } : {}),
    emailVerified: body.emailVerified === true,
    enabled,
    createdTimestamp: body.createdTimestamp ?? nowMs,
    notBefore: 0,
    attributes: attributesOf(body),
    requiredActions: [...(body.requiredActions ?? [])],
    ...{ groups: [], realmRoles: [], clientRoles: {}, consents: {}, organizations: [], credentials: [] },
    federatedIdentities: (body.federatedIdentities ?? []).map((one) => ({ ...one })),
  }
}

export function attributesOf({ attributes = {} }: UserBody): Record<string, string[]> {
  return Object.fromEntries(Object.entries(attributes).map(([name, values]) => [name, [...values]]))
}

/** In the order of the list: a priority in it is ignored. One that cannot be made of what is said is passed over. */
export function addCredentials(
  realm: DemoRealm,
  user: DemoUser,
  bodies: readonly CredentialBody[],
  nowMs: number,
): void {
  for (const [place, body] of bodies.entries()) {
    const { id, type, userLabel, createdDate = nowMs, secretData, credentialData = '{}' } = body
    if (type === undefined || secretData === undefined) continue
    if (id !== undefined && user.credentials.some((known) => known.id === id)) continue
    const old = type === 'password' ? user.credentials.findIndex((known) => known.type === 'password') : -1
    const made: DemoCredential = {
      // There is one password: a new one takes the place and the id of the old.
      id: user.credentials[old]?.id ?? id ?? fixedId(realm.seed, 'credential', user.id, String(place), secretData),
      type,
      ...(userLabel === undefined ? {} : { userLabel }),
      ...{ createdDate, secretData, credentialData },
    }
    if (old < 0) user.credentials.push(made)
    else user.credentials[old] = made
  }
}

/** The group of a joined path, found name by name; a name with a slash in it cannot be found so. */
export function groupAt(realm: DemoRealm, path: string): string | undefined {
  let above: string | undefined
  for (const name of path.split('/').slice(1)) {
    const group = [...realm.groups.values()].find((one) => one.parent === above && one.name === name)
    if (group === undefined) return undefined
    above = group.id
  }
  return above
}
