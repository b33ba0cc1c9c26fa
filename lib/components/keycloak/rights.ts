/**
 * Which rights we have, found by asking for something of each area before anything is read: Keycloak answers some calls with less instead of refusing
 * them, so a missing right must never look like an empty realm.
 */
import * as z from 'zod'
import { isTorikiError, TorikiError } from '../../errors.ts'
import { clientsSchema, organizationsSchema, userBriefsSchema } from './answers.ts'
import type { KeycloakClient, Reading } from './client.ts'
import { grantRemedy } from './failure.ts'
import type { Right } from './right.ts'

export interface Rights {
  /** Looked for and not found. */
  readonly missing: readonly Right[]
  /** `closed`: this version has no right of its own to read organizations (before 26.7), and we are no administrator. */
  readonly organizations: 'off' | 'open' | 'closed' | 'missing'
  /** Roles that can change something, as far as our token names them. A backup needs none. */
  readonly writing: readonly string[]
}

/** Every role of realm-management that is not for looking; `realm-admin` and `impersonation` among them. */
const LOOKING = /^(view|query)-/

/**
 * Asks for a little of each area.
 * @throws TorikiError `source-realm` when there is no such realm, and what asking throws; a right that is missing is in the answer.
 */
export async function probeRights(client: KeycloakClient, signal: AbortSignal): Promise<Rights> {
  const [realm, roles] = [await probeRealm(client, signal), await client.token.roles()]
  const granted = {
    users: probeUsers(client, roles, signal),
    clients: probeClients(client, signal),
    providers: probeProviders(client, signal),
  }
  const [users, clients, providers] = await Promise.all([granted.users, granted.clients, granted.providers])
  const organizations = realm?.organizationsEnabled === true ? await probeOrganizations(client, clients, signal) : 'off'
  const missing: Right[] = []
  if (!users) missing.push('view-users')
  if (realm === undefined) missing.push('view-realm')
  if (!clients) missing.push('view-clients')
  if (!providers) missing.push('view-identity-providers')
  if (organizations === 'missing') missing.push('view-organizations')
  return { missing, organizations, writing: (roles ?? []).filter((role) => !LOOKING.test(role)).sort() }
}

/** @throws TorikiError `source-rights` that names each of the `needed` rights that is missing. */
export function requireRights({ missing }: Rights, needed: readonly Right[]): void {
  const lacking = needed.filter((right) => missing.includes(right))
  if (lacking.length === 0) return
  throw new TorikiError('source-rights', {
    message: `Our credentials lack ${lacking.length === 1 ? 'the right' : 'the rights'} ${lacking.join(', ')}.`,
    remedy: grantRemedy(lacking),
  })
}

/** The realm, when we may see it; `undefined` when it is there and its settings are hidden (a few members instead of a hundred, and no error). */
async function probeRealm(
  client: KeycloakClient,
  signal: AbortSignal,
): Promise<{ organizationsEnabled?: boolean | null | undefined } | undefined> {
  const { realm: name } = client.settings
  const schema = z.looseObject({
    realm: z.string(),
    accessTokenLifespan: z.number().optional(),
    organizationsEnabled: z.boolean().nullable().optional(),
  })
  const answer = await allowed(() =>
    client.find({ right: 'view-realm', schema, request: (admin) => admin.realms.findOne({ realm: name }) }, signal),
  )
  if (answer === 'refused') return undefined
  if (answer === undefined) throw new TorikiError('source-realm')
  return answer.accessTokenLifespan === undefined ? undefined : answer
}

/** Whoever may only search gets an empty list: then the token decides, where it names roles. */
async function probeUsers(
  client: KeycloakClient,
  roles: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  const answer = await allowed(() =>
    client.read(
      {
        right: 'view-users',
        schema: userBriefsSchema,
        request: (admin) => admin.users.find({ first: 0, max: 1, briefRepresentation: true }),
      },
      signal,
    ),
  )
  if (answer === 'refused') return false
  return (
    answer.length > 0 ||
    roles === undefined ||
    roles.some((role) => role === 'view-users' || role === 'manage-users' || role === 'realm-admin')
  )
}

/** A realm always has clients: an empty list is one that we may not see. */
async function probeClients(client: KeycloakClient, signal: AbortSignal): Promise<boolean> {
  const answer = await allowed(() =>
    client.read(
      { right: 'view-clients', schema: clientsSchema, request: (admin) => admin.clients.find({ first: 0, max: 1 }) },
      signal,
    ),
  )
  return answer !== 'refused' && answer.length > 0
}

async function probeProviders(client: KeycloakClient, signal: AbortSignal): Promise<boolean> {
  const reading: Reading<unknown> = {
    right: 'view-identity-providers',
    schema: z.array(z.unknown()),
    request: (admin) => admin.identityProviders.find({ first: 0, max: 1 }),
  }
  return (await allowed(() => client.read(reading, signal))) !== 'refused'
}

async function probeOrganizations(
  client: KeycloakClient,
  seesClients: boolean,
  signal: AbortSignal,
): Promise<'open' | 'closed' | 'missing'> {
  const answer = await allowed(() =>
    client.read(
      {
        right: 'view-organizations',
        schema: organizationsSchema,
        request: (admin) => admin.organizations.find({ first: 0, max: 1 }),
      },
      signal,
    ),
  )
  if (answer !== 'refused') return 'open'
  if (!seesClients) return 'missing'
  const [management] = await client.read(
    {
      right: 'view-clients',
      schema: clientsSchema,
      request: (admin) => admin.clients.find({ clientId: 'realm-management' }),
    },
    signal,
  )
  if (management === undefined) return 'missing'
  const role = await client.find(
    {
      right: 'view-clients',
      schema: z.looseObject({}),
      request: (admin) => admin.clients.findRole({ id: management.id, roleName: 'view-organizations' }),
    },
    signal,
  )
  return role === undefined ? 'closed' : 'missing'
}

async function allowed<T>(ask: () => Promise<T>): Promise<T | 'refused'> {
  try {
    return await ask()
  } catch (error) {
    if (isTorikiError(error, 'source-rights')) return 'refused'
    throw error
  }
}
