/** What the stand-in does to one person, as the server does it: parts that are ignored, wiped or refused included. */
import { fixedId } from './fixed-id.ts'
import { REQUIRED_ACTIONS } from './settings/demo-parts.ts'
import { forbidden, missing, need } from './asking.ts'
import { fixedSalt, hashPassword } from './password.ts'
import type { DemoCredential, DemoRole, DemoUser } from './realm.ts'
import { USER_MEMBERS, addCredentials, attributesOf, groupAt, newUser } from './user-body.ts'
import type { UserBody } from './user-body.ts'
import { bad, bodyOf, broken, conflict } from './writing.ts'
import type { Writing, Written } from './writing.ts'

/** Ignores id, notBefore, roles and consents; joins the default groups and gives the default role. */
export function createUser(writing: Writing): Written {
  need(writing, 'manage-users')
  const { realm, nowMs } = writing
  const body = bodyOf(writing, USER_MEMBERS) as UserBody
  const { username, email } = body
  if (username === undefined || username === '') throw bad('User name is missing')
  if (!isName(username)) throw bad('error-username-invalid-character')
  if (typeof email === 'string' && !isAddress(email)) throw bad('error-invalid-email')
  if (realm.userNamed(username.toLowerCase()) !== undefined) throw conflict('User exists with same username')
  refuseTakenAddress(writing, body, undefined)
  const groups = (body.groups ?? []).map((path) => groupAt(realm, path))
  if (groups.includes(undefined)) throw broken()
  const id = fixedId(realm.seed, 'posted', username, String(realm.serial++))
  const user = newUser(realm, body, { id, nowMs })
  user.attributes = profiled(writing, user.attributes, {})
  user.requiredActions = user.requiredActions.filter((name) => REQUIRED_ACTIONS.includes(name))
  user.groups = [...new Set([...realm.defaultGroups, ...(groups as readonly string[])])]
  user.realmRoles = [DEFAULT_ROLE]
  // Of two passwords the last one is kept; a clear one is hashed.
  addCredentials(realm, user, body.credentials ?? [], nowMs)
  for (const { type, value } of body.credentials ?? [])
    if (type === 'password' && value !== undefined) setPassword(writing, user, value)
  realm.add(user)
  return { created: id }
}

const DEFAULT_ROLE = 'default-roles-nebari'

/** With attributes but without address and names these three are wiped (before 24 they stay); groups, roles, links, dates are ignored. */
export function updateUser(writing: Writing, id: string): Written {
  const user = own(writing, id)
  const { realm, quirks, nowMs } = writing
  const body = bodyOf(writing, USER_MEMBERS) as UserBody
  if (body.username !== undefined && body.username.toLowerCase() !== user.username && quirks.wipesNames)
    throw bad('error-user-attribute-read-only')
  if (typeof body.email === 'string' && !isAddress(body.email)) throw bad('error-invalid-email')
  refuseTakenAddress(writing, body, user)
  const wipes = body.attributes !== undefined && quirks.wipesNames
  for (const name of ['email', 'firstName', 'lastName'] as const) {
    const value = body[name]
    if (typeof value === 'string' && value !== '') user[name] = value
    else if (value !== undefined || wipes) delete user[name]
  }
  if (body.attributes !== undefined) user.attributes = profiled(writing, attributesOf(body), user.attributes)
  if (body.enabled !== undefined) user.enabled = body.enabled
  if (body.emailVerified !== undefined) user.emailVerified = body.emailVerified
  // What it does not know is neither given nor taken.
  if (body.requiredActions !== undefined)
    user.requiredActions = [
      ...body.requiredActions.filter((name) => REQUIRED_ACTIONS.includes(name)),
      ...user.requiredActions.filter((name) => !REQUIRED_ACTIONS.includes(name)),
    ]
  addCredentials(realm, user, body.credentials ?? [], nowMs)
}

export function removeUser(writing: Writing, id: string): Written {
  writing.realm.remove(own(writing, id))
}

export function joinGroup(writing: Writing, id: string, group: string): Written {
  const user = own(writing, id)
  if (!writing.realm.groups.has(group)) throw missing('Group not found')
  if (!user.groups.includes(group)) user.groups.push(group)
}

export function leaveGroup(writing: Writing, id: string, group: string): Written {
  const user = own(writing, id)
  if (!writing.realm.groups.has(group)) throw missing('Group not found')
  user.groups = user.groups.filter((one) => one !== group)
}

export function mapRealmRoles(writing: Writing, id: string, how: 'give' | 'take'): Written {
  const user = own(writing, id)
  const names = rolesOf(writing).map(({ name }) => name)
  user.realmRoles = changed(user.realmRoles, names, how)
}

/** Those of the realm's own management are given by whoever has them, or what stands above them. */
export function mapClientRoles(writing: Writing, id: string, client: string, how: 'give' | 'take'): Written {
  const user = own(writing, id)
  const clientId = writing.realm.clients.get(client)?.clientId
  if (clientId === undefined) throw missing('Client not found')
  const names = rolesOf(writing).map(({ name }) => name)
  if (clientId === 'realm-management' && !names.every((name) => gives(writing, name))) throw forbidden()
  user.clientRoles[clientId] = changed(user.clientRoles[clientId] ?? [], names, how)
}

function gives({ may }: Writing, name: string): boolean {
  if (name.startsWith('query-') || may(name)) return true
  return ['create-client', 'manage-authorization'].includes(name) && may('manage-clients')
}

export function link(writing: Writing, id: string, alias: string): Written {
  const user = own(writing, id)
  if (user.federatedIdentities.some(({ identityProvider }) => identityProvider === alias))
    throw conflict('User is already linked with provider')
  const { userId, userName } = writing.body as { userId: string; userName: string }
  user.federatedIdentities.push({ identityProvider: alias, userId, userName })
}

export function unlink(writing: Writing, id: string, alias: string): Written {
  const user = own(writing, id)
  const rest = user.federatedIdentities.filter(({ identityProvider }) => identityProvider !== alias)
  if (rest.length === user.federatedIdentities.length) throw missing('Link not found')
  user.federatedIdentities = rest
}

export function revokeConsent(writing: Writing, id: string, client: string): Written {
  const user = own(writing, id)
  if (user.consents[client] === undefined) throw missing('Consent nor offline token not found')
  user.consents = Object.fromEntries(Object.entries(user.consents).filter(([name]) => name !== client))
}

/** Clear ones only: a hash is refused. */
export function resetPassword(writing: Writing, id: string): Written {
  const user = own(writing, id)
  const { value, temporary } = writing.body as { value?: string; temporary?: boolean }
  if (value === undefined || value === '') throw bad('No password provided')
  setPassword(writing, user, value)
  if (temporary === true && !user.requiredActions.includes('UPDATE_PASSWORD'))
    user.requiredActions.push('UPDATE_PASSWORD')
}

export function logOut(writing: Writing, id: string): Written {
  own(writing, id).notBefore = Math.floor(writing.nowMs / 1000)
}

export function removeCredential(writing: Writing, id: string, credential: string): Written {
  const user = own(writing, id)
  const rest = user.credentials.filter((one) => one.id !== credential)
  if (rest.length === user.credentials.length) throw missing('Credential not found')
  user.credentials = rest
}

/** `after`: the credential that it comes behind; without one it is the first. */
export function moveCredential(writing: Writing, id: string, credential: string, after: string | undefined): Written {
  const user = own(writing, id)
  const moved = user.credentials.find((one) => one.id === credential)
  const rest = user.credentials.filter((one) => one !== moved)
  const place = after === undefined ? 0 : rest.findIndex((one) => one.id === after) + 1
  if (moved === undefined || (after !== undefined && place === 0)) throw missing('Credential not found')
  user.credentials = rest.toSpliced(place, 0, moved)
}

function setPassword({ realm, nowMs }: Writing, user: DemoUser, value: string): void {
  const { seed } = realm
  const serial = String(realm.serial++)
  const old = user.credentials.find(({ type }) => type === 'password')
  const made: DemoCredential = {
    id: old?.id ?? fixedId(seed, 'password', user.id, serial),
    ...{ type: 'password', createdDate: nowMs },
    ...hashPassword(value, fixedSalt(seed, user.id, serial)),
  }
  if (old === undefined) user.credentials.push(made)
  else user.credentials[user.credentials.indexOf(old)] = made
}

/** The person, for somebody who may change people. */
function own(writing: Writing, id: string): DemoUser {
  need(writing, 'manage-users')
  const user = writing.realm.user(id)
  if (user === undefined) throw missing('User not found')
  return user
}

/** The roles in the body, by the ids in it. @throws Refusal 404 */
function rolesOf({ realm, body }: Writing): readonly DemoRole[] {
  return (body as readonly { readonly id?: string; readonly name?: string }[]).map(({ id = '', name }) => {
    const role = realm.roles.get(id)
    if (role === undefined || role.name !== name) throw missing('Role not found')
    return role
  })
}

function changed(has: readonly string[], names: readonly string[], how: 'give' | 'take'): string[] {
  const rest = has.filter((name) => !names.includes(name))
  return how === 'give' ? [...rest, ...names] : rest
}

function refuseTakenAddress({ realm }: Writing, { email }: UserBody, self: DemoUser | undefined): void {
  if (typeof email !== 'string' || realm.settings['duplicateEmailsAllowed'] === true) return
  if (realm.users.some((user) => user !== self && user.email === email.toLowerCase()))
    throw conflict('User exists with same email')
}

/** A server with a user profile drops values that are empty, but of an attribute that stays as it is. */
function profiled(
  { quirks }: Writing,
  attributes: Record<string, string[]>,
  had: Readonly<Record<string, readonly string[]>>,
): Record<string, string[]> {
  if (!quirks.userProfile) return attributes
  return Object.fromEntries(
    Object.entries(attributes)
      .map(([name, values]) => {
        const stays = JSON.stringify(had[name]) === JSON.stringify(values)
        return [name, stays ? values : values.filter((value) => value.trim() !== '')] as const
      })
      .filter(([, values]) => values.length > 0),
  )
}

function isName(username: string): boolean {
  return !/[\s!<>&"$%^*(){}|;]/.test(username)
}

function isAddress(email: string): boolean {
  return /^[^\s@]+@[^\s@]+$/.test(email)
}
