/**
 * `partialImport` of people, with its sharp edges: roles that are missing are made without a word, names and addresses are not looked at, nothing is joined or granted
 * by itself, and what is refused is refused as a whole.
 */
import { fixedId } from './fixed-id.ts'
import { Refusal, need } from './asking.ts'
import type { DemoRealm, DemoUser } from './realm.ts'
import { USER_MEMBERS, addCredentials, groupAt, newUser } from './user-body.ts'
import type { UserBody } from './user-body.ts'
import { bad, bodyOf, broken, conflict } from './writing.ts'
import type { Writing, Written } from './writing.ts'

const IMPORT_MEMBERS: ReadonlySet<string> = new Set(['ifResourceExists', 'policy', 'users'])

type Policy = 'FAIL' | 'SKIP' | 'OVERWRITE'
interface Result {
  readonly action: 'ADDED' | 'SKIPPED' | 'OVERWRITTEN'
  readonly resourceType: 'USER'
  readonly resourceName: string
  readonly id: string
}

export function importUsers(writing: Writing): Written {
  need(writing, 'manage-realm')
  const { realm, quirks } = writing
  const { ifResourceExists = 'FAIL', users = [] } = bodyOf(writing, IMPORT_MEMBERS, 500) as {
    ifResourceExists?: Policy
    users?: readonly UserBody[]
  }
  const bodies = users.map((body) => bodyOf({ body }, USER_MEMBERS, 500) as UserBody)
  // Everything is looked at first: a request that fails leaves nothing.
  const held = new Map<UserBody, DemoUser | undefined>()
  for (const body of bodies) {
    const { username } = body
    if (username === undefined) throw broken()
    const holder = holderOf(realm, body)
    if (holder !== undefined && ifResourceExists === 'FAIL')
      throw quirks.importConflict === 409 ? conflict(`User '${username}' already exists`) : broken()
    held.set(body, holder)
    if (holder === undefined || ifResourceExists === 'OVERWRITE') lookAtReferences(writing, body, holder)
  }
  const results = bodies.map((body) => importOne(writing, body, held.get(body), ifResourceExists))
  // The import is done all the same.
  if (quirks.importNeedsAccept && !writing.takesJson) throw broken()
  const count = (action: Result['action']): number => results.filter((one) => one.action === action).length
  return {
    answer: { added: count('ADDED'), skipped: count('SKIPPED'), overwritten: count('OVERWRITTEN'), results },
  }
}

function holderOf(realm: DemoRealm, { username = '', email }: UserBody): DemoUser | undefined {
  const named = realm.userNamed(username.toLowerCase())
  if (named !== undefined || typeof email !== 'string') return named
  return realm.users.find((user) => user.email === email.toLowerCase())
}

/** @throws Refusal for what cannot be found, and for ids that others have. */
function lookAtReferences({ realm, quirks }: Writing, body: UserBody, holder: DemoUser | undefined): void {
  const others = [...realm.users, ...realm.serviceAccounts.values()].filter((user) => user !== holder)
  if (quirks.importKeepsId && body.id !== undefined && others.some(({ id }) => id === body.id))
    throw conflict('Duplicate resource error')
  const taken = new Set(others.flatMap(({ credentials }) => credentials.map(({ id }) => id)))
  if ((body.credentials ?? []).some(({ id }) => id !== undefined && taken.has(id)))
    throw conflict('Duplicate resource error')
  for (const path of body.groups ?? []) if (groupAt(realm, path) === undefined) throw broken()
  const clients = new Set([...realm.clients.values()].map(({ clientId }) => clientId))
  const named = [...Object.keys(body.clientRoles ?? {}), ...(body.clientConsents ?? []).map(({ clientId }) => clientId)]
  if (named.some((clientId) => !clients.has(clientId))) throw broken()
  if (body.federatedIdentities !== undefined && !Array.isArray(body.federatedIdentities))
    throw new Refusal(400, bad('Cannot parse the JSON'))
}

function importOne(writing: Writing, body: UserBody, holder: DemoUser | undefined, policy: Policy): Result {
  const { realm, quirks, nowMs } = writing
  const { username = '' } = body
  const result = (action: Result['action'], id: string): Result => ({
    ...{ action, resourceType: 'USER' as const, resourceName: username, id },
  })
  if (holder !== undefined && policy === 'SKIP') return result('SKIPPED', holder.id)
  if (holder !== undefined) realm.remove(holder)
  const own = fixedId(realm.seed, 'imported', username, String(realm.serial++))
  const id = quirks.importKeepsId ? (body.id ?? own) : own
  const user = newUser(realm, body, { id, nowMs })
  user.notBefore = body.notBefore ?? 0
  user.groups = (body.groups ?? []).map((path) => groupAt(realm, path) as string)
  const inherited = quirks.inheritedRoleNotGranted ? inheritedBy(realm, user) : () => false
  user.realmRoles = (body.realmRoles ?? []).filter((name) => !inherited(undefined, realm.role(undefined, name).name))
  user.clientRoles = Object.fromEntries(
    Object.entries(body.clientRoles ?? {}).map(([clientId, names]) => [
      clientId,
      names.filter((name) => !inherited(clientId, realm.role(clientId, name).name)),
    ]),
  )
  user.consents = Object.fromEntries(
    (body.clientConsents ?? []).map(({ clientId, grantedClientScopes = [] }) => [clientId, [...grantedClientScopes]]),
  )
  addCredentials(realm, user, body.credentials ?? [], nowMs)
  realm.add(user)
  return result(holder === undefined ? 'ADDED' : 'OVERWRITTEN', id)
}

/** Roles that come by groups, or as a part of nothing else: 15 does not grant these again. */
function inheritedBy(realm: DemoRealm, { groups }: DemoUser): (client: string | undefined, name: string) => boolean {
  const all = groups.flatMap((id) => realm.groups.get(id) ?? [])
  return (client, name) =>
    all.some(({ realmRoles, clientRoles }) =>
      client === undefined ? realmRoles.includes(name) : clientRoles[client]?.includes(name) === true,
    )
}
