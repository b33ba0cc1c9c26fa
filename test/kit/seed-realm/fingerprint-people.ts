import { eachOf, type AdminRest, type Json, type JsonObject } from '../servers/admin-rest.ts'
import type { KeycloakServer } from '../servers/keycloak.ts'
import { REALM } from './building.ts'
import { clean, mappingNames, type Fingerprint, type Names, type State } from './fingerprint.ts'

/** Fields of a listed person that the server makes, that say nothing, or that are read in another way. */
const DROP = ['createdTimestamp', 'totp', 'disableableCredentialTypes', 'userProfileMetadata', 'federatedIdentities']

type Person = JsonObject & { id: string; username: string; createdTimestamp: number }

/** Fills `state.user` and `state.serviceAccount`; returns what a restore keeps. */
export async function readPeople(
  server: KeycloakServer,
  rest: AdminRest,
  state: State,
  names: Names,
): Promise<Fingerprint['kept']> {
  const people = await rest.get<Person[]>(`/${REALM}/users?max=-1`)
  const credentials = await readCredentials(server)
  const kept: Fingerprint['kept'] = {}
  const values = await eachOf(people, 8, (person) => readPerson(rest, person, names))
  state.user = {}
  people.forEach(({ username, id, createdTimestamp }, index) => {
    const value = values[index] as Record<string, Json>
    state.user![username] = { ...value, credentials: credentials.get(username) ?? [] }
    kept[username] = { id, createdTimestamp }
  })
  state.serviceAccount = {}
  for (const [uuid, clientId] of names.clients) {
    const account = await rest.find<Person>(`/${REALM}/clients/${uuid}/service-account-user`).catch(() => undefined)
    if (account !== undefined) state.serviceAccount[clientId] = await readPerson(rest, account, names)
  }
  return kept
}

async function readPerson(rest: AdminRest, { id }: Person, names: Names): Promise<Json> {
  const path = `/${REALM}/users/${id}`
  const person = await rest.get(path)
  const groups = await rest.get<{ id: string }[]>(`${path}/groups?max=100000`)
  const links = await rest.get<JsonObject[]>(`${path}/federated-identity`)
  const consents = await rest.get<(JsonObject & { grantedClientScopes: string[] })[]>(`${path}/consents`)
  const byText = (a: unknown, b: unknown): number => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)
  return clean({
    ...(clean(person, DROP) as JsonObject),
    groups: groups.map((group) => names.groups.get(group.id) ?? ['?']).toSorted(byText),
    roles: mappingNames(await rest.get(`${path}/role-mappings`)),
    links: links.map((link) => clean(link)).toSorted(byText),
    consents: consents
      .map(({ clientId, grantedClientScopes }) => ({ clientId, scopes: grantedClientScopes.toSorted() }))
      .toSorted(byText),
  })
}

/** Credentials with their secrets, in Keycloak's order, from the database. Two parts of JSON text are taken apart, because their key order varies. */
async function readCredentials(server: KeycloakServer): Promise<Map<string, Json[]>> {
  const rows = await server.postgres.query(
    server.database.name,
    `select json_build_object('username', u.username, 'type', c.type, 'label', c.user_label,
       'secret', c.secret_data::json, 'data', c.credential_data::json)
     from user_entity u join realm r on r.id = u.realm_id join credential c on c.user_id = u.id
     where r.name = '${REALM}' order by u.username, c.priority, c.id`,
  )
  const credentials = new Map<string, Json[]>()
  for (const row of rows.split('\n').filter((line) => line !== '')) {
    const { username, ...credential } = JSON.parse(row) as { username: string }
    credentials.set(username, [...(credentials.get(username) ?? []), clean(credential)])
  }
  return credentials
}
