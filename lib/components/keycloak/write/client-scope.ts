/** Client scopes with their mappers, the roles that they show, and whether new clients get them. */
import * as z from 'zod'
import type { JsonObject } from '../../../resources/json.ts'
import { isSame } from './between.ts'
import { createWithId, idOf, lostId } from './kept-id.ts'
import { knownMembers } from './known-members.ts'
import { NO_PARTS, presentRoles, rolesOf } from './present-roles.ts'
import { knownMappers, mapperBodies, writeMappers } from './protocol-mappers.ts'
import { writeRoles } from './role-mappings.ts'
import { notTaken, sendWell } from './send.ts'
import type { Write } from './send.ts'
import { sharedWriter } from './shared-writing.ts'
import type { Fitted, Making, SharedWriting, Wish, Written } from './shared-writing.ts'
import { heldSecrets, withSecrets } from './with-secrets.ts'
import { cannot } from './work.ts'
import type { Work } from './work.ts'

const stateSchema = z.looseObject({
  description: z.string().optional(),
  protocol: z.string().optional(),
  attributes: z.record(z.string(), z.string()).optional(),
  mappers: z.looseObject({}),
  newClients: z.enum(['default', 'optional', 'none']),
})
/** What every version takes. */
const MEMBERS: ReadonlySet<string> = new Set([
  ...['description', 'protocol', 'attributes', 'mappers', 'newClients', 'roleScope'],
])
const RIGHT = 'manage-clients'

const writing: SharedWriting = {
  kind: 'client-scope',

  async fit(work: Work, { after }: Wish): Promise<Fitted> {
    const { state, lost } = knownMembers(after.state, MEMBERS)
    const known = await knownMappers(work, state['mappers'])
    return { state: { ...state, mappers: known.mappers }, lost: [...lost, ...known.lost] }
  },

  references: (state) => ({ groups: [], ...rolesOf(state['roleScope']) }),

  half: (_work, state) => ({ ...state, newClients: 'none', roleScope: NO_PARTS }),

  async refuse(work, { before, after }, [name = '']) {
    if (after === undefined || before !== undefined) return undefined
    // What Keycloak itself asks of a new one: nothing but printable ASCII, and no blank, quote or backslash.
    if (!/^[!#-[\]-~]+$/.test(name))
      return cannot('name-not-allowed', 'This version of Keycloak does not allow the name of this client scope.')
    const { protocol } = stateSchema.parse(after.state)
    const protocols = await work.target.parts(work.signal, 'login-protocol')
    if (protocol !== undefined && protocols?.has(protocol) === false)
      return cannot('version', `This server does not speak the protocol ${protocol} of this client scope.`)
    return undefined
  },

  async lostOfKept({ target, signal }, { kept }) {
    return lostId([...(await target.scopes(signal)).values()], idOf(kept))
  },

  async make(work: Work, { segments: [name = ''], state, wanted }: Making): Promise<void> {
    const { description, protocol, attributes, mappers } = await filled(state, wanted.secrets)
    const body = { name, description, protocol, attributes, protocolMappers: mapperBodies(mappers as JsonObject) }
    await createWithId(work, ['client-scopes'], body, idOf(wanted.kept), RIGHT)
  },

  async update(work: Work, { segments: [name = ''], state, wanted }: Making, live): Promise<Written> {
    const { client, signal } = work
    const id = idOf(live.kept)
    if (id === undefined) throw notTaken('missing')
    const [is, will] = [await filled(live.state, heldSecrets(live.secrets)), await filled(state, wanted.secrets)]
    const fields = ['description', 'protocol', 'attributes'] as const
    if (fields.some((field) => !isSame(is[field], will[field]))) {
      // An attribute that is not named stays; null takes it away. A description cannot be taken away, only emptied.
      const gone = Object.keys(is.attributes ?? {}).map((attribute) => [attribute, null])
      const body = {
        ...{ id, name, protocol: will.protocol, description: will.description ?? '' },
        attributes: { ...Object.fromEntries(gone), ...will.attributes },
      }
      await sendWell(client, { method: 'PUT', path: ['client-scopes', id], body, right: RIGHT }, signal)
    }
    await writeMappers(work, 'client-scopes', id, is.mappers as JsonObject, will.mappers as JsonObject)
    await giveToNewClients(work, id, is.newClients, will.newClients)
    const { present, isWhole } = await presentRoles(work, rolesOf(state['roleScope']))
    await writeRoles(work, ['client-scopes', id, 'scope-mappings'], RIGHT, rolesOf(live.state['roleScope']), present)
    return isWhole ? 'whole' : 'pending'
  },

  async remove({ client, signal }: Work, _segments, { kept }) {
    const id = idOf(kept)
    if (id === undefined) throw notTaken('missing')
    await sendWell(client, { method: 'DELETE', path: ['client-scopes', id], right: RIGHT }, signal)
    return undefined
  },
}

export const clientScopeWriter = sharedWriter(writing)

type ScopeState = z.infer<typeof stateSchema>

async function filled(state: JsonObject, secrets: Parameters<typeof withSecrets>[1]): Promise<ScopeState> {
  return stateSchema.parse(await withSecrets(state, secrets))
}

/** Out of one list before into the other: it may stand in one of them. */
async function giveToNewClients(
  { client, signal }: Work,
  id: string,
  is: ScopeState['newClients'],
  will: ScopeState['newClients'],
): Promise<void> {
  if (is === will) return
  const list = (which: 'default' | 'optional'): readonly string[] => [`default-${which}-client-scopes`, id]
  const write = async (method: Write['method'], path: readonly string[]): Promise<void> =>
    await sendWell(client, { method, path, right: 'manage-realm' }, signal)
  if (is !== 'none') await write('DELETE', list(is))
  if (will !== 'none') await write('PUT', list(will))
}
