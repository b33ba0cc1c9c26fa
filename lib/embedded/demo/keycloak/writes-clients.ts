/** What the stand-in does to clients: what is not named stays, what is masked is stored as it is, a service account comes and goes with its switch. */
import { fixedId } from './fixed-id.ts'
import { forbidden, need } from './asking.ts'
import { clientOf } from './answers-realm.ts'
import type { DemoClient } from './realm.ts'
import { forgetRole } from './writes-roles.ts'
import { mappersOf } from './writes-scopes.ts'
import type { MapperBody } from './writes-scopes.ts'
import { bad, bodyOf, conflict } from './writing.ts'
import type { Writing, Written } from './writing.ts'

/** Stored as they come. */
const OWN: ReadonlySet<string> = new Set([
  ...['name', 'description', 'rootUrl', 'adminUrl', 'baseUrl', 'surrogateAuthRequired', 'enabled', 'webOrigins'],
  ...['alwaysDisplayInConsole', 'clientAuthenticatorType', 'notBefore', 'standardFlowEnabled', 'protocol'],
  ...['implicitFlowEnabled', 'frontchannelLogout', 'fullScopeAllowed', 'nodeReRegistrationTimeout'],
])
const MEMBERS: ReadonlySet<string> = new Set([
  ...OWN,
  ...['id', 'clientId', 'secret', 'publicClient', 'bearerOnly', 'consentRequired', 'serviceAccountsEnabled'],
  ...['authorizationServicesEnabled', 'directAccessGrantsEnabled', 'redirectUris', 'attributes', 'protocolMappers'],
  ...['authenticationFlowBindingOverrides', 'defaultClientScopes', 'optionalClientScopes', 'access', 'origin'],
  ...['authorizationSettings', 'registeredNodes', 'registrationAccessToken'],
])

interface ClientBody {
  readonly id?: string
  readonly clientId?: string
  readonly secret?: string
  readonly publicClient?: boolean
  readonly bearerOnly?: boolean
  readonly consentRequired?: boolean
  readonly serviceAccountsEnabled?: boolean
  readonly directAccessGrantsEnabled?: boolean
  readonly frontchannelLogout?: boolean
  readonly redirectUris?: readonly string[]
  readonly attributes?: Readonly<Record<string, string | null>>
  readonly protocolMappers?: readonly MapperBody[]
  readonly authenticationFlowBindingOverrides?: Readonly<Record<string, string>>
  readonly defaultClientScopes?: readonly string[]
  readonly optionalClientScopes?: readonly string[]
}

/** Keeps the id; scopes that are not there are passed over in silence. */
export function createClient(writing: Writing): Written {
  need(writing, 'manage-clients')
  const { realm } = writing
  const body = read(writing)
  const { clientId, id = fixedId(realm.seed, 'posted-client', String(realm.serial++)) } = body
  if (clientId === undefined) throw bad('Client id is missing')
  if (realm.clients.has(id) || realm.clientNamed(clientId) !== undefined)
    throw conflict(`Client ${clientId} already exists`)
  const client = realm.addClient({ clientId, id, ...(body.publicClient === true ? { publicClient: true } : {}) })
  const known = new Set([...realm.scopes.values()].map(({ name }) => name))
  if (body.defaultClientScopes !== undefined)
    client.defaultScopes = body.defaultClientScopes.filter((name) => known.has(name))
  if (body.optionalClientScopes !== undefined)
    client.optionalScopes = body.optionalClientScopes.filter((name) => known.has(name))
  client.own['attributes'] = {}
  change(writing, client, body)
  return { created: id }
}

export function updateClient(writing: Writing, id: string): Written {
  const client = own(writing, id)
  const body = read(writing)
  // 26.3 takes a switch that is not named for one that is off.
  if (writing.version === '26.3.4' && body.frontchannelLogout === undefined) client.own['frontchannelLogout'] = false
  change(writing, client, body)
}

export function removeClient(writing: Writing, id: string): Written {
  const client = own(writing, id)
  const { realm } = writing
  for (const role of [...realm.roles.values()]) if (role.client === client.clientId) forgetRole(writing, role)
  switchServiceAccount(writing, client, false)
  realm.clients.delete(id)
}

export function giveScope(
  writing: Writing,
  id: string,
  which: 'defaultScopes' | 'optionalScopes',
  scopeId: string,
  isGiven: boolean,
): Written {
  const client = own(writing, id)
  const name = writing.realm.scopes.get(scopeId)?.name
  if (name === undefined) throw bad('Client scope not found')
  const isElsewhere = (which === 'defaultScopes' ? client.optionalScopes : client.defaultScopes).includes(name)
  // Already in the other list: nothing happens, and nothing is said.
  if (isGiven && isElsewhere) return
  const rest = client[which].filter((one) => one !== name)
  client[which] = isGiven ? [...rest, name] : rest
}

function change(writing: Writing, client: DemoClient, body: ClientBody): void {
  for (const [name, value] of Object.entries(body)) if (OWN.has(name) && value !== null) client.own[name] = value
  if (body.publicClient !== undefined) client.publicClient = body.publicClient
  if (client.publicClient) delete client.secret
  else if (body.secret !== undefined) client.secret = body.secret
  if (body.bearerOnly !== undefined) client.bearerOnly = body.bearerOnly
  if (body.consentRequired !== undefined) client.consentRequired = body.consentRequired
  if (body.directAccessGrantsEnabled !== undefined) client.directGrants = body.directAccessGrantsEnabled
  if (body.redirectUris !== undefined) client.redirectUris = [...body.redirectUris]
  if (body.protocolMappers !== undefined) client.mappers = mappersOf(writing, body.protocolMappers)
  const has = (client.own['attributes'] ?? { 'post.logout.redirect.uris': '+' }) as Record<string, string>
  const attributes = Object.entries({ ...has, ...body.attributes }).filter(
    ([, value]) => value !== null && value !== '',
  )
  client.own['attributes'] = Object.fromEntries(attributes.filter(([name]) => !OF_THE_SERVER.has(name)))
  const browser = body.authenticationFlowBindingOverrides?.['browser']
  if (browser === '') delete client.browserFlow
  else if (browser !== undefined) client.browserFlow = aliasOf(writing, browser)
  if (body.serviceAccountsEnabled !== undefined) switchServiceAccount(writing, client, body.serviceAccountsEnabled)
}

const OF_THE_SERVER: ReadonlySet<string> = new Set(['client.secret.creation.time', 'realm_client'])

function aliasOf({ realm }: Writing, id: string): string {
  const alias = realm.parts.flows.flows.get(id)?.alias
  if (alias === undefined) throw bad('Unable to resolve auth flow binding override')
  return alias
}

/** A new one has the default role and is in the default groups, as a person would be. */
function switchServiceAccount({ realm, nowMs }: Writing, client: DemoClient, isOn: boolean): void {
  const account = [...realm.serviceAccounts.values()].find(
    ({ serviceAccountOf }) => serviceAccountOf === client.clientId,
  )
  client.serviceAccount = isOn
  if (!isOn && account !== undefined) realm.serviceAccounts.delete(account.id)
  if (!isOn || account !== undefined) return
  const id = fixedId(realm.seed, 'posted-account', client.clientId, String(realm.serial++))
  realm.serviceAccounts.set(id, {
    ...{ id, username: `service-account-${client.clientId.toLowerCase()}`, emailVerified: false, enabled: true },
    ...{ createdTimestamp: nowMs, notBefore: 0, attributes: {}, requiredActions: [] },
    groups: [...realm.defaultGroups],
    realmRoles: ['default-roles-nebari'],
    clientRoles: {},
    ...{ federatedIdentities: [], consents: {}, organizations: [], credentials: [] },
    serviceAccountOf: client.clientId,
  })
}

function read(writing: Writing): ClientBody {
  return bodyOf(writing, MEMBERS)
}

/** From 26.7 on nobody may change the client of the realm's own management. */
function own(writing: Writing, id: string): DemoClient {
  need(writing, 'manage-clients')
  const client = clientOf(writing, id)
  if (client.clientId === 'realm-management' && writing.quirks.tellsVersion === 'managers') throw forbidden()
  return client
}
