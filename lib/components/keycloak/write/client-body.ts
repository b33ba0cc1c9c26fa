/** A client as it is written: from what a snapshot holds to what Keycloak takes. */
import * as z from 'zod'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { isSecretName } from '../secret-fields.ts'
import { isSame } from './between.ts'

const names = z.array(z.string())

export const clientSchema = z.looseObject({
  secret: z.string().optional(),
  protocol: z.string().optional(),
  publicClient: z.boolean().optional(),
  bearerOnly: z.boolean().optional(),
  serviceAccountsEnabled: z.boolean().optional(),
  authorizationServicesEnabled: z.boolean().optional(),
  attributes: z.record(z.string(), z.string()),
  mappers: z.looseObject({}),
  defaultClientScopes: names,
  optionalClientScopes: names,
  flows: z.record(z.string(), z.string()),
  authorization: z.looseObject({}).optional(),
})
export type ClientState = z.infer<typeof clientSchema>

/** Written by calls of their own, or from other names. */
const APART: ReadonlySet<string> = new Set([
  ...['mappers', 'defaultClientScopes', 'optionalClientScopes', 'roleScope', 'flows', 'authorization', 'attributes'],
])
/** Members of a client that every version takes, beside what readers tell in another way. */
const PLAIN: ReadonlySet<string> = new Set([
  ...['name', 'description', 'rootUrl', 'adminUrl', 'baseUrl', 'surrogateAuthRequired', 'enabled'],
  ...['alwaysDisplayInConsole', 'clientAuthenticatorType', 'redirectUris', 'webOrigins', 'notBefore', 'bearerOnly'],
  ...['consentRequired', 'standardFlowEnabled', 'implicitFlowEnabled', 'directAccessGrantsEnabled'],
  ...['serviceAccountsEnabled', 'authorizationServicesEnabled', 'publicClient', 'frontchannelLogout', 'protocol'],
  ...['fullScopeAllowed'],
])
export const CLIENT_MEMBERS: ReadonlySet<string> = new Set([...PLAIN, ...APART])

/** What a PUT of the whole writes. */
export function isSameWhole(one: ClientState, other: ClientState): boolean {
  const whole = (state: ClientState): JsonObject =>
    Object.fromEntries(
      Object.entries(state).filter(([name]) => !APART.has(name) || name === 'flows' || name === 'attributes'),
    ) as JsonObject
  return isSame(whole(one), whole(other))
}

/** The body of a create. */
export function newClient(
  clientId: string,
  state: ClientState,
  mappers: readonly JsonObject[],
  flows: ReadonlyMap<string, string>,
): JsonObject {
  return {
    clientId,
    ...plainOf(state),
    ...(state.secret === undefined ? {} : { secret: state.secret }),
    attributes: state.attributes,
    protocolMappers: mappers,
    defaultClientScopes: state.defaultClientScopes,
    optionalClientScopes: state.optionalClientScopes,
    authenticationFlowBindingOverrides: flowIds(state.flows, flows),
  }
}

/**
 * The body of an update: the whole client as it is `raw`, with what is wanted over it. A member that is not named stays as it is, and so does an attribute: what is to go
 * is named with an empty value.
 */
export function changedClient(raw: JsonObject, state: ClientState, flows: ReadonlyMap<string, string>): JsonObject {
  const {
    access: _access,
    protocolMappers: _mappers,
    defaultClientScopes: _defaults,
    optionalClientScopes: _optionals,
    authorizationSettings: _settings,
    ...whole
  } = raw
  const members: Record<string, JsonValue> = { ...whole }
  for (const name of PLAIN) {
    const value = state[name] as JsonValue | undefined
    if (value !== undefined) members[name] = value
    else if (typeof members[name] === 'boolean') members[name] = false
    else if (typeof members[name] === 'string') members[name] = ''
  }
  // What was not in the backup, because the source masks it, stays.
  const goes = (name: string): boolean => !(name in state.attributes) && !OF_THE_SERVER.has(name) && !isSecretName(name)
  const attributes = Object.entries(objectOf(raw['attributes'])).map(([name, value]) => [name, goes(name) ? '' : value])
  const overrides = Object.keys(objectOf(raw['authenticationFlowBindingOverrides'])).map((kind) => [kind, ''])
  return {
    ...members,
    ...(state.secret === undefined ? {} : { secret: state.secret }),
    attributes: { ...Object.fromEntries(attributes), ...state.attributes },
    authenticationFlowBindingOverrides: { ...Object.fromEntries(overrides), ...flowIds(state.flows, flows) },
  }
}

const OF_THE_SERVER: ReadonlySet<string> = new Set(['client.secret.creation.time', 'realm_client'])

function plainOf(state: ClientState): JsonObject {
  return Object.fromEntries(Object.entries(state).filter(([name]) => PLAIN.has(name))) as JsonObject
}

function flowIds(flows: ClientState['flows'], ids: ReadonlyMap<string, string>): JsonObject {
  return Object.fromEntries(Object.entries(flows).map(([kind, alias]) => [kind, ids.get(alias) ?? '']))
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return (value ?? {}) as JsonObject
}
