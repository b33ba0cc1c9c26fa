/**
 * Clients: made whole but for what refers to things made later, brought to what is wanted by a PUT of the whole; mappers, scopes, visible roles and authorization one by
 * one. The secret is written as it was, and never a mask.
 */
import * as z from 'zod'
import type { JsonObject } from '../../../resources/json.ts'
import type { Resource } from '../../../resources/resource.ts'
import type { Forecast } from '../../writer.ts'
import { keepAuthorization, writeAuthorization } from './authorization.ts'
import { isSame } from './between.ts'
import { changedClient, CLIENT_MEMBERS, clientSchema, isSameWhole, newClient } from './client-body.ts'
import type { ClientState } from './client-body.ts'
import { leftClient } from './client-own.ts'
import { createWithId, idOf, lostId } from './kept-id.ts'
import { knownMembers } from './known-members.ts'
import { NO_PARTS, presentRoles, rolesOf } from './present-roles.ts'
import { knownMappers, mapperBodies, writeMappers } from './protocol-mappers.ts'
import { writeRoles } from './role-mappings.ts'
import { notTaken, sendWell } from './send.ts'
import { sharedWriter } from './shared-writing.ts'
import type { Fitted, Making, SharedWriting, Wish, Written } from './shared-writing.ts'
import { heldSecrets, withSecrets } from './with-secrets.ts'
import { cannot } from './work.ts'
import type { Work } from './work.ts'

const RIGHT = 'manage-clients'
/** What Keycloak adds by itself to a client that gets a service account: a scope from 25 on, mappers before. */
const OF_SERVICE_ACCOUNT = {
  scope: 'service_account',
  mappers: ['Client ID', 'Client Host', 'Client IP Address'],
} as const

const writing: SharedWriting = {
  kind: 'client',

  async fit(work: Work, wish: Wish): Promise<Fitted> {
    const { state, lost } = knownMembers(wish.after.state, CLIENT_MEMBERS)
    const known = await knownMappers(work, state['mappers'])
    const kept = await keepAuthorization(work, { ...state, mappers: known.mappers }, wish.before?.state)
    return {
      state: kept.state,
      lost: [...lost, ...known.lost, ...kept.lost],
      needsPerson: [...kept.needsPerson, ...(await whatIsMissing(work, wish))],
    }
  },

  references(state) {
    const { defaultClientScopes, optionalClientScopes, flows } = clientSchema.parse(state)
    return {
      ...{ groups: [], ...rolesOf(state['roleScope']) },
      scopes: [...defaultClientScopes, ...optionalClientScopes],
      flows: Object.values(flows),
    }
  },

  half(_work, state, live) {
    const [is, will] = [clientSchema.parse(live), clientSchema.parse(state)]
    const added = Object.fromEntries(
      OF_SERVICE_ACCOUNT.mappers.filter((name) => name in is.mappers).map((name) => [name, is.mappers[name]]),
    )
    return {
      ...state,
      mappers: { ...will.mappers, ...added } as JsonObject,
      defaultClientScopes: [...new Set([...will.defaultClientScopes, OF_SERVICE_ACCOUNT.scope])].sort(),
      roleScope: NO_PARTS,
      ...(live['authorization'] === undefined ? {} : { authorization: live['authorization'] }),
    }
  },

  async refuse(work, { before, after }, [clientId = '']) {
    const left = leftClient(work, clientId, after === undefined)
    if (left !== undefined) return left
    if (after === undefined) return await rolesInTheWay(work, clientId)
    const { protocol } = clientSchema.parse(after.state)
    const protocols = await work.target.parts(work.signal, 'login-protocol')
    if (before === undefined && protocol !== undefined && protocols?.has(protocol) === false)
      return cannot('version', `This server does not speak the protocol ${protocol} of this client.`)
    return undefined
  },

  async lostOfKept({ target, signal }, { kept }) {
    const ids = [...(await target.clients(signal)).values()].map(({ id }) => id)
    return lostId(ids, idOf(kept))
  },

  async make(work: Work, { segments: [clientId = ''], state, wanted }: Making): Promise<void> {
    const filled = await fill(state, wanted.secrets)
    const body = newClient(clientId, filled, mapperBodies(filled.mappers as JsonObject), await flowsOf(work))
    await createWithId(work, ['clients'], body, idOf(wanted.kept), RIGHT)
  },

  async update(work: Work, { state, wanted, isLast }: Making, live: Resource): Promise<Written> {
    const id = idOf(live.kept)
    if (id === undefined) throw notTaken('missing')
    const held = heldSecrets(live.secrets)
    const is = await fill(live.state, held)
    // A secret that the backup does not have stays.
    const will = await fill(state, { ...held, ...wanted.secrets })
    if (!isSameWhole(is, will)) await putWhole(work, id, will)
    await writeMappers(work, 'clients', id, is.mappers as JsonObject, will.mappers as JsonObject)
    await writeScopes(work, id, is, will)
    const { present, isWhole } = await presentRoles(work, rolesOf(state['roleScope']))
    await writeRoles(work, ['clients', id, 'scope-mappings'], RIGHT, rolesOf(live.state['roleScope']), present)
    if (isSame(live.state['authorization'], state['authorization'])) return isWhole ? 'whole' : 'pending'
    // It names roles and groups, all of which are there in the end.
    if (!isLast) return 'pending'
    await writeAuthorization(work, id, live.state['authorization'], state['authorization'])
    return isWhole ? 'whole' : 'pending'
  },

  async remove({ client, target, signal }: Work, [clientId = ''], { kept }) {
    const id = idOf(kept)
    if (id === undefined) throw notTaken('missing')
    // Its roles go with it, and with them what people have: those that were to go are gone.
    if ((await target.clientRoles(clientId, signal)).size > 0) return ['roles']
    await sendWell(client, { method: 'DELETE', path: ['clients', id], right: RIGHT }, signal)
    return undefined
  },
}

export const clientWriter = sharedWriter(writing)

async function fill(state: JsonObject, secrets: Parameters<typeof withSecrets>[1]): Promise<ClientState> {
  return clientSchema.parse(await withSecrets(state, secrets))
}

async function flowsOf({ target, signal }: Work): Promise<ReadonlyMap<string, string>> {
  return await target.flows(signal)
}

async function putWhole(work: Work, id: string, state: ClientState): Promise<void> {
  const { client, signal } = work
  const raw = await client.read(
    {
      right: 'view-clients',
      schema: z.looseObject({ clientId: z.string() }),
      request: (admin) => admin.clients.findOne({ id }),
    },
    signal,
  )
  const body = changedClient(raw as JsonObject, state, await flowsOf(work))
  await sendWell(client, { method: 'PUT', path: ['clients', id], body, right: RIGHT }, signal)
}

/** A scope stands in one list: out of both before into either. What the PUT added by itself is seen. */
async function writeScopes(work: Work, id: string, is: ClientState, will: ClientState): Promise<void> {
  const { client, target, signal } = work
  const lists = [
    ['default-client-scopes', is.defaultClientScopes, will.defaultClientScopes],
    ['optional-client-scopes', is.optionalClientScopes, will.optionalClientScopes],
  ] as const
  if (lists.every(([, has, wants]) => isSame(has, wants))) return
  const scopes = await target.scopes(signal)
  for (const method of ['DELETE', 'PUT'] as const) {
    for (const [list, has, wants] of lists) {
      const [from, not] = method === 'DELETE' ? [has, wants] : [wants, has]
      for (const name of from) {
        if (not.includes(name)) continue
        const scope = scopes.get(name)
        if (scope === undefined) throw notTaken('missing')
        await sendWell(client, { method, path: ['clients', id, list, scope], right: RIGHT }, signal)
      }
    }
  }
}

async function rolesInTheWay({ target, expected, signal }: Work, clientId: string): Promise<Forecast | undefined> {
  const stay = [...(await target.clientRoles(clientId, signal)).keys()].filter(
    (name) => !expected.goes('client-role', [clientId, name]),
  )
  if (stay.length === 0) return undefined
  return cannot('holds-others', 'It has roles that are not to be deleted, and would go with it.')
}

async function whatIsMissing({ target, signal }: Work, { before, after }: Wish): Promise<readonly string[]> {
  const { publicClient, bearerOnly, protocol, defaultClientScopes } = clientSchema.parse(after.state)
  const needs: string[] = []
  const isConfidential = publicClient !== true && bearerOnly !== true && protocol !== 'saml'
  if (before === undefined && isConfidential && after.secrets['secret'] === undefined)
    needs.push('The backup does not have the secret of a client: put its new one where the application has it.')
  const had = before === undefined || clientSchema.parse(before.state).defaultClientScopes.includes('basic')
  if (
    had &&
    protocol === 'openid-connect' &&
    !defaultClientScopes.includes('basic') &&
    (await target.scopes(signal)).has('basic')
  )
    needs.push(
      'A client comes back without the client scope basic, which gives tokens their subject in this version: give it that scope if its users cannot log in.',
    )
  return needs
}
