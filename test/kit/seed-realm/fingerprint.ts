import { connectAdmin, type AdminRest, type Json, type JsonObject } from '../servers/admin-rest.ts'
import type { KeycloakServer } from '../servers/keycloak.ts'
import { isAtLeast } from '../servers/keycloak-install.ts'
import { REALM } from './building.ts'
import { readPeople } from './fingerprint-people.ts'

/** Kind to natural key to value. Values hold names instead of ids, are sorted where order means nothing, and have no server-made dates. */
export type State = Record<string, Record<string, Json>>

/** A realm as an independent reader sees it. */
export interface Fingerprint {
  readonly state: State
  /** What a restore keeps where the target can: by username. */
  readonly kept: Record<string, { readonly id: string; readonly createdTimestamp: number }>
}

/** Ids and the names they stand for, gathered on the way. */
export interface Names {
  /** Client uuid to client id. */
  readonly clients: Map<string, string>
  /** Group id to its names on the way down. */
  readonly groups: Map<string, string[]>
}

/**
 * Reads the whole realm in the simplest way, call by call, and with code of its own: tests compare what the product stores with this. Hashes
 * come from the database. Slow (five calls a person): meant for the seed realm, not for thousands.
 */
export async function fingerprint(server: KeycloakServer): Promise<Fingerprint> {
  const rest = connectAdmin(server)
  const names: Names = { clients: new Map(), groups: new Map() }
  const realm = await rest.get<JsonObject & { id: string }>(`/${REALM}`)
  const state: State = { realm: { [REALM]: clean(realm, NOT_OF_THE_REALM) } }
  const clients = await rest.get<(JsonObject & { id: string; clientId: string })[]>(`/${REALM}/clients?max=100000`)
  for (const { id, clientId } of clients) names.clients.set(id, clientId)
  state.profile = keyed(
    (await rest.get<{ attributes: Named[] }>(`/${REALM}/users/profile`)).attributes,
    ({ name }) => name,
  )
  const { attributes: _, ...profileRest } = await rest.get(`/${REALM}/users/profile`)
  state.profilePolicy = { profile: clean(profileRest) }
  state.localization = await readTexts(rest)
  state.requiredAction = keyed(
    await rest.get<(JsonObject & { alias: string })[]>(`/${REALM}/authentication/required-actions`),
    ({ alias }) => alias,
  )
  state.flow = await readFlows(rest)
  state.clientPolicy = {
    policies: clean(await rest.get(`/${REALM}/client-policies/policies`)),
    profiles: clean(await rest.get(`/${REALM}/client-policies/profiles`)),
  }
  await readRoles(rest, state, names)
  await readClients(rest, state, clients, names)
  await readGroups(rest, state, names)
  await readProviders(rest, state)
  state.component = await readComponents(rest, realm.id)
  const kept = await readPeople(server, rest, state, names)
  if (isAtLeast(server.version, 26)) state.organization = await readOrganizations(rest)
  return { state, kept }
}

/** Fields of a realm's representation that the server makes, or (before 26) that repeat another kind. */
const NOT_OF_THE_REALM = [
  ...['keycloakVersion', 'defaultRole', 'realmReusableOtpCode'],
  ...['identityProviders', 'identityProviderMappers', 'defaultGroups'],
]

type Named = JsonObject & { id: string; name: string }

/** Fields that every server makes for itself. */
const GENERATED = new Set(['id', 'containerId', 'internalId', 'parentId', 'access', 'client.secret.creation.time'])

/** A copy with sorted keys and without generated fields, nulls, and the fields in `drop`. */
export function clean(value: unknown, drop: readonly string[] = []): Json {
  if (Array.isArray(value)) return value.map((one) => clean(one))
  if (value === null || typeof value !== 'object') return (value ?? null) as Json
  const entries = Object.entries(value)
    .filter(([key, one]) => !GENERATED.has(key) && !drop.includes(key) && one !== null && one !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, one]) => [key, clean(one)] as const)
  return Object.fromEntries(entries)
}

function keyed<T>(list: readonly T[], key: (one: T) => string, drop: readonly string[] = []): Record<string, Json> {
  return Object.fromEntries(list.map((one) => [key(one), clean(one, drop)]))
}

async function readTexts(rest: AdminRest): Promise<Record<string, Json>> {
  const texts: Record<string, Json> = {}
  for (const locale of await rest.get<string[]>(`/${REALM}/localization`)) {
    for (const [key, text] of Object.entries(
      await rest.get<Record<string, string>>(`/${REALM}/localization/${locale}`),
    )) {
      texts[JSON.stringify([locale, key])] = text
    }
  }
  return texts
}

async function readFlows(rest: AdminRest): Promise<Record<string, Json>> {
  const flows: Record<string, Json> = {}
  const base = `/${REALM}/authentication`
  for (const { alias } of await rest.get<{ alias: string }[]>(`${base}/flows`)) {
    const executions = await rest.get<JsonObject[]>(`${base}/flows/${encodeURIComponent(alias)}/executions`)
    const steps: Json[] = []
    for (const execution of executions) {
      const { authenticationConfig } = execution
      const config =
        typeof authenticationConfig === 'string' ? await rest.get(`${base}/config/${authenticationConfig}`) : null
      steps.push(clean({ ...execution, config }, ['flowId', 'authenticationConfig']))
    }
    flows[alias] = steps
  }
  return flows
}

/** What a role includes, as `[client id or '', role name]`, sorted. */
async function composites(rest: AdminRest, role: Named, names: Names): Promise<Json> {
  if (role.composite !== true) return []
  const parts = await rest.get<(Named & { containerId: string; clientRole: boolean })[]>(
    `/${REALM}/roles-by-id/${role.id}/composites`,
  )
  return parts
    .map((part) => [part.clientRole ? (names.clients.get(part.containerId) ?? '?') : '', part.name])
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

async function readRoles(rest: AdminRest, state: State, names: Names): Promise<void> {
  state.realmRole = {}
  state.clientRole = {}
  const roles = (path: string): Promise<Named[]> =>
    rest.get<Named[]>(`/${REALM}${path}?briefRepresentation=false&max=100000`)
  for (const role of await roles('/roles')) {
    state.realmRole[role.name] = clean({ ...role, composites: await composites(rest, role, names) })
  }
  for (const [uuid, clientId] of names.clients) {
    for (const role of await roles(`/clients/${uuid}/roles`)) {
      const value = clean({ ...role, composites: await composites(rest, role, names) })
      state.clientRole[JSON.stringify([clientId, role.name])] = value
    }
  }
}

async function readClients(
  rest: AdminRest,
  state: State,
  clients: readonly (JsonObject & { id: string; clientId: string })[],
  names: Names,
): Promise<void> {
  const flows = new Map(
    (await rest.get<{ id: string; alias: string }[]>(`/${REALM}/authentication/flows`)).map(({ id, alias }) => [
      id,
      alias,
    ]),
  )
  const scopes = await rest.get<Named[]>(`/${REALM}/client-scopes`)
  state.clientScope = {}
  for (const scope of scopes) {
    const mappings = await rest.get(`/${REALM}/client-scopes/${scope.id}/scope-mappings`)
    state.clientScope[scope.name] = clean({ ...sortedMappers(scope), roles: mappingNames(mappings) })
  }
  state.client = {}
  for (const client of clients) {
    const overrides = (client.authenticationFlowBindingOverrides ?? {}) as Record<string, string>
    const flowNames = Object.fromEntries(Object.entries(overrides).map(([use, id]) => [use, flows.get(id) ?? '?']))
    const roles = mappingNames(await rest.get(`/${REALM}/clients/${client.id}/scope-mappings`))
    const value = { ...sortedMappers(client), authenticationFlowBindingOverrides: flowNames, scopeMappings: roles }
    for (const list of ['redirectUris', 'webOrigins', 'defaultClientScopes', 'optionalClientScopes'] as const) {
      Object.assign(value, { [list]: ((client[list] ?? []) as string[]).toSorted() })
    }
    state.client[names.clients.get(client.id) ?? '?'] = clean(value, ['nodeReRegistrationTimeout'])
  }
}

function sortedMappers<T extends JsonObject>(holder: T): T {
  const mappers = (holder.protocolMappers ?? []) as unknown as Named[]
  return { ...holder, protocolMappers: mappers.toSorted((a, b) => (a.name < b.name ? -1 : 1)) }
}

/** The answer of a role- or scope-mappings call as `{ '': realm roles, <client id>: client roles }`, sorted. */
export function mappingNames(answer: unknown): Record<string, string[]> {
  const { realmMappings = [], clientMappings = {} } = answer as {
    realmMappings?: { name: string }[]
    clientMappings?: Record<string, { mappings: { name: string }[] }>
  }
  const sorted = (roles: readonly { name: string }[]): string[] => roles.map(({ name }) => name).toSorted()
  return {
    ...(realmMappings.length === 0 ? {} : { '': sorted(realmMappings) }),
    ...Object.fromEntries(
      Object.entries(clientMappings)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .map(([clientId, { mappings }]) => [clientId, sorted(mappings)]),
    ),
  }
}

async function readGroups(rest: AdminRest, state: State, names: Names): Promise<void> {
  const groups: Record<string, Json> = {}
  const walk = async (list: readonly Named[], above: readonly string[]): Promise<void> => {
    for (const { id, name } of list) {
      const path = [...above, name]
      names.groups.set(id, path)
      const group = await rest.get(`/${REALM}/groups/${id}`)
      const roles = mappingNames(await rest.get(`/${REALM}/groups/${id}/role-mappings`))
      const drop = ['path', 'subGroups', 'subGroupCount', 'realmRoles', 'clientRoles']
      groups[JSON.stringify(path)] = clean({ ...(clean(group, drop) as JsonObject), roles })
      await walk(await rest.get<Named[]>(`/${REALM}/groups/${id}/children?max=100000`), path)
    }
  }
  await walk(await rest.get<Named[]>(`/${REALM}/groups?max=100000`), [])
  state.group = groups
  const defaults = await rest.get<Named[]>(`/${REALM}/default-groups`)
  state.defaultGroups = { [REALM]: defaults.map(({ id }) => JSON.stringify(names.groups.get(id))).toSorted() }
}

async function readProviders(rest: AdminRest, state: State): Promise<void> {
  const base = `/${REALM}/identity-provider/instances`
  const providers = await rest.get<(JsonObject & { alias: string })[]>(`${base}?max=100000`)
  state.identityProvider = keyed(providers, ({ alias }) => alias, ['organizationId'])
  state.identityProviderMapper = {}
  for (const { alias } of providers) {
    for (const mapper of await rest.get<Named[]>(`${base}/${alias}/mappers`)) {
      state.identityProviderMapper[JSON.stringify([alias, mapper.name])] = clean(mapper)
    }
  }
}

/** Components may share a name: each key holds a list. The parent is the realm or another component; a setting's values are a set. */
async function readComponents(rest: AdminRest, realmId: string): Promise<Record<string, Json>> {
  interface Component {
    readonly id: string
    readonly name?: string
    readonly parentId: string
    readonly providerId: string
    readonly providerType: string
    readonly config: Record<string, string[]>
  }
  const all = await rest.get<Component[]>(`/${REALM}/components`)
  const byId = new Map(all.map((one) => [one.id, one]))
  const components: Record<string, Json[]> = {}
  for (const one of all) {
    const parent = one.parentId === realmId ? '' : (byId.get(one.parentId)?.name ?? '?')
    const key = JSON.stringify([parent, one.providerType, one.providerId, one.name ?? ''])
    const list = (components[key] ??= [])
    const config = Object.fromEntries(Object.entries(one.config).map(([name, values]) => [name, values.toSorted()]))
    list.push(clean({ ...one, config }))
    list.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  return components
}

async function readOrganizations(rest: AdminRest): Promise<Record<string, Json>> {
  const organizations: Record<string, Json> = {}
  const base = `/${REALM}/organizations`
  const list = await rest.get<(JsonObject & { id: string; alias: string })[]>(
    `${base}?max=100000&briefRepresentation=false`,
  )
  for (const one of list) {
    const members = await rest.get<{ username: string }[]>(`${base}/${one.id}/members?max=100000`)
    const providers = await rest.get<{ alias: string }[]>(`${base}/${one.id}/identity-providers`)
    organizations[one.alias] = clean({
      ...one,
      members: members.map(({ username }) => username).toSorted(),
      identityProviders: providers.map(({ alias }) => alias).toSorted(),
    })
  }
  return organizations
}
