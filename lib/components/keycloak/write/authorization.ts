/**
 * Authorization settings of a client (resources, scopes, policies): imported by name when everything they name is there, what is too much taken away one by one. Policies
 * may name people, who come after all shared state.
 */
import * as z from 'zod'
import { canonicalJson } from '../../../resources/json.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { findUser } from '../read-user.ts'
import { notTaken, sendWell } from './send.ts'
import type { Lost, Work } from './work.ts'

const RIGHT = 'manage-authorization'
const settingsSchema = z.looseObject({
  policies: z
    .array(z.looseObject({ name: z.string(), type: z.string(), config: z.record(z.string(), z.string()).optional() }))
    .optional(),
  resources: z.array(z.looseObject({ name: z.string() })).optional(),
  scopes: z.array(z.looseObject({ name: z.string() })).optional(),
})
const usersSchema = z.array(z.string())
/** Permissions, which refer to policies, resources and scopes. */
const PERMISSIONS: ReadonlySet<string> = new Set(['resource', 'scope', 'uma'])

interface Kept {
  readonly state: JsonObject
  readonly lost: readonly Lost[]
  readonly needsPerson: readonly string[]
}

/** The wanted state with the authorization that can be here: that which is wanted, or else that which is there, or else none. */
export async function keepAuthorization(work: Work, wanted: JsonObject, before: JsonObject | undefined): Promise<Kept> {
  const settings = wanted['authorization']
  if (settings === undefined) return { state: wanted, lost: [], needsPerson: [] }
  const [reason, need] = await whyNot(work, settings)
  if (reason === undefined) return { state: wanted, lost: [], needsPerson: [] }
  const { authorization: _settings, authorizationServicesEnabled: _switch, ...rest } = wanted
  const isThere = before?.['authorizationServicesEnabled'] === true
  const authorization = before?.['authorization']
  return {
    state: {
      ...rest,
      ...(isThere ? { authorizationServicesEnabled: true } : {}),
      ...(isThere && authorization !== undefined ? { authorization } : {}),
    },
    lost: [{ field: 'authorization', reason }],
    needsPerson: need === undefined ? [] : [need],
  }
}

async function whyNot(work: Work, settings: JsonValue): Promise<readonly [reason?: string, needsPerson?: string]> {
  const roles = await work.client.token.roles()
  if (roles !== undefined && !roles.includes(RIGHT) && !roles.includes('realm-admin'))
    return ['Our credentials lack the right manage-authorization.']
  for (const { type, config } of settingsSchema.parse(settings).policies ?? []) {
    if (type !== 'user') continue
    for (const username of usersSchema.parse(JSON.parse(config?.['users'] ?? '[]')))
      if ((await findUser(work.client, username, work.signal)) === undefined)
        return [
          'It names a person who is not here.',
          'The authorization settings of a client name people: restore the shared state again when everybody is back.',
        ]
  }
  return []
}

/** `wanted` absent: switched off with the client's own switch, nothing is left to do. */
export async function writeAuthorization(
  work: Work,
  id: string,
  live: JsonValue | undefined,
  wanted: JsonValue | undefined,
): Promise<void> {
  if (wanted === undefined) return
  const { client, signal } = work
  const [is, will] = [settingsSchema.parse(live ?? {}), settingsSchema.parse(wanted)]
  await removeSurplus(work, id, will)
  // What is there already is not sent again: servers before 26 refuse the script of their own first policy.
  const body = {
    ...will,
    policies: differing(is.policies, will.policies),
    resources: differing(is.resources, will.resources),
    scopes: differing(is.scopes, will.scopes),
  }
  const path = ['clients', id, 'authz', 'resource-server', 'import']
  await sendWell(client, { method: 'POST', path, body, right: RIGHT }, signal)
}

function differing<T extends object>(live: readonly T[] | undefined, wanted: readonly T[] | undefined): readonly T[] {
  const there = new Set((live ?? []).map((one) => canonicalJson(one as JsonObject)))
  return (wanted ?? []).filter((one) => !there.has(canonicalJson(one as JsonObject)))
}

async function removeSurplus(work: Work, id: string, wanted: z.infer<typeof settingsSchema>): Promise<void> {
  const types = new Map((wanted.policies ?? []).map(({ name, type }) => [name, type]))
  const policies = await list(work, id, 'policy')
  // Permissions first: they hold the others.
  const gone = policies.filter(({ name, type }) => types.get(name) !== type)
  const order = [...gone].sort((a, b) => Number(PERMISSIONS.has(b.type ?? '')) - Number(PERMISSIONS.has(a.type ?? '')))
  for (const policy of order) await remove(work, id, 'policy', policy.id)
  for (const [sort, entries] of [
    ['resource', wanted.resources],
    ['scope', wanted.scopes],
  ] as const) {
    const names = new Set((entries ?? []).map(({ name }) => name))
    for (const entry of await list(work, id, sort)) if (!names.has(entry.name)) await remove(work, id, sort, entry.id)
  }
}

const entriesSchema = z.array(
  z
    .looseObject({
      id: z.string().optional(),
      _id: z.string().optional(),
      name: z.string(),
      type: z.string().optional(),
    })
    .transform(({ id, _id, name, type }) => ({ id: id ?? _id, name, type })),
)
type Entry = z.infer<typeof entriesSchema>[number]

async function list(
  { client, signal }: Work,
  id: string,
  sort: 'policy' | 'resource' | 'scope',
): Promise<readonly Entry[]> {
  const all = { id, first: 0, max: ENTRIES_MAX } as const
  return await client.read(
    {
      right: 'view-clients',
      schema: entriesSchema,
      request: (admin) =>
        sort === 'policy'
          ? admin.clients.listPolicies(all)
          : sort === 'resource'
            ? admin.clients.listResources(all)
            : admin.clients.listAllScopes(all),
    },
    signal,
  )
}

/** More than any client has. */
const ENTRIES_MAX = 100_000

async function remove({ client, signal }: Work, id: string, sort: string, entry: string | undefined): Promise<void> {
  if (entry === undefined) throw notTaken('missing')
  const path = ['clients', id, 'authz', 'resource-server', sort, entry]
  await sendWell(client, { method: 'DELETE', path, right: RIGHT }, signal)
}
