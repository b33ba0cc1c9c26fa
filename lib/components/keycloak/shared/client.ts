/** Clients (applications) with their mappers, scopes and roles they may see; the secret apart. */
import * as z from 'zod'
import { isTorikiError } from '../../../errors.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { clientSecretSchema } from '../answers.ts'
import type { ClientAnswer } from '../answers.ts'
import { cleanObject, sortedNames, withoutEmptyTexts } from '../clean-json.ts'
import { MASK } from '../secret-fields.ts'
import { mappersByName } from './mappers.ts'
import { readRoleScope } from './role-scope.ts'
import type { Draft, SharedKind, SharedReader } from './shared-kind.ts'

const LEFT_OUT: ReadonlySet<string> = new Set([
  ...['id', 'clientId', 'secret', 'access', 'origin'],
  // Counters and marks of the server's own.
  ...[
    'nodeReRegistrationTimeout',
    'registeredNodes',
    'client.secret.creation.time',
    'realm_client',
    'registrationAccessToken',
  ],
  // Told in another way below.
  ...[
    'protocolMappers',
    'authenticationFlowBindingOverrides',
    'defaultClientScopes',
    'optionalClientScopes',
    'authorizationSettings',
  ],
])
const TEXTS: ReadonlySet<string> = new Set(['name', 'description', 'rootUrl', 'adminUrl', 'baseUrl'])
/** Ids of their own in the settings of authorization. */
const AUTHORIZATION_LEFT_OUT: ReadonlySet<string> = new Set(['id', '_id', 'clientId'])

export const clientKind: SharedKind = {
  kind: 'client',
  async read(reader) {
    return Promise.all(
      (await reader.clients())
        .filter(({ clientId }) => reader.wants([clientId]))
        .map((client) => describe(reader, client)),
    )
  },
}

async function describe(reader: SharedReader, client: ClientAnswer): Promise<Draft> {
  const segments = [client.clientId]
  const [roleScope, secret, flows, authorization] = await Promise.all([
    readRoleScope(reader, 'client', client.id),
    readSecret(reader, client),
    flowsOf(reader, client),
    readAuthorization(reader, client),
  ])
  return {
    segments,
    body: {
      attributes: {},
      redirectUris: [],
      webOrigins: [],
      ...withoutEmptyTexts(cleanObject(client, { drop: LEFT_OUT }), TEXTS),
      mappers: mappersByName(client.protocolMappers),
      defaultClientScopes: sortedNames(client.defaultClientScopes ?? []),
      optionalClientScopes: sortedNames(client.optionalClientScopes ?? []),
      roleScope,
      flows,
      ...(authorization === undefined ? {} : { authorization }),
    },
    kept: { id: client.id },
    ...(secret === undefined ? {} : { secrets: { secret } }),
  }
}

/** In the list from 24 on; before, it is asked for. */
async function readSecret(
  reader: SharedReader,
  { id, clientId, secret, publicClient, bearerOnly, ...client }: ClientAnswer,
): Promise<string | undefined> {
  if (publicClient === true || bearerOnly === true || client['protocol'] === 'saml') return undefined
  const value =
    secret ??
    (
      await reader.find({
        right: 'view-clients',
        schema: clientSecretSchema,
        request: (admin) => admin.clients.getClientSecret({ id }),
      })
    )?.value ??
    undefined
  if (value !== MASK) return value
  reader.say('secret-masked', 'The source masks a secret: it is not in this backup.', [clientId])
  return undefined
}

/** Kind of flow → alias of the flow that this client uses instead of the realm's. */
async function flowsOf(
  reader: SharedReader,
  { clientId, authenticationFlowBindingOverrides: overrides }: ClientAnswer,
): Promise<JsonObject> {
  const flows: [string, JsonValue][] = []
  for (const [kind, id] of Object.entries(overrides ?? {})) {
    if (id === undefined || id === null || id === '') continue
    const alias = (await reader.flowAliases()).get(id)
    if (alias === undefined) reader.say('reference-unknown', 'A client refers to a flow that is not there.', [clientId])
    else flows.push([kind, alias])
  }
  return Object.fromEntries(flows)
}

const authorizationSchema = z.looseObject({
  policies: z.array(z.looseObject({ config: z.record(z.string(), z.unknown()).nullish() })).nullish(),
})

/** Names of what a policy is about stand in a text, as a JSON list in no promised order. */
function sortedList(value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith('[')) return value
  try {
    const items: unknown = JSON.parse(value)
    return Array.isArray(items) ? JSON.stringify(cleanObject({ items })['items']) : value
  } catch {
    return value // no list after all: a text of a policy's own
  }
}

/** Resources, scopes and policies of clients that use Keycloak's authorization services; needs `view-authorization`. */
async function readAuthorization(
  reader: SharedReader,
  { id, clientId, authorizationServicesEnabled }: ClientAnswer,
): Promise<JsonObject | undefined> {
  if (authorizationServicesEnabled !== true) return undefined
  try {
    const settings = await reader.ask({
      right: 'view-clients',
      schema: authorizationSchema,
      request: (admin) => admin.clients.exportResource({ id }),
    })
    const policies = (settings.policies ?? []).map(({ config, ...policy }) =>
      config === undefined || config === null
        ? policy
        : {
            ...policy,
            config: Object.fromEntries(Object.entries(config).map(([name, text]) => [name, sortedList(text)])),
          },
    )
    return cleanObject({ ...settings, policies }, { drop: AUTHORIZATION_LEFT_OUT })
  } catch (error) {
    if (!isTorikiError(error, 'source-rights')) throw error
    reader.say(
      'authorization-not-covered',
      'Authorization settings of a client need the right view-authorization: they are not in this backup.',
      [clientId],
    )
    return undefined
  }
}
