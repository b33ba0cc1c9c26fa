/** Roles of the realm and of clients. All are made before what any of them is made of is written. */
import * as z from 'zod'
import type { JsonObject } from '../../../resources/json.ts'
import type { RoleAnswer } from '../answers.ts'
import { isSame } from './between.ts'
import { knownMembers } from './known-members.ts'
import { changedManagement } from './may-give.ts'
import { NO_PARTS, presentRoles, rolesOf } from './present-roles.ts'
import type { Roles } from './present-roles.ts'
import { notTaken, sendWell } from './send.ts'
import { sharedWriter } from './shared-writing.ts'
import type { Making, SharedWriting } from './shared-writing.ts'
import type { Forecast } from '../../writer.ts'
import type { Work } from './work.ts'

const stateSchema = z.looseObject({
  description: z.string().nullable(),
  attributes: z.record(z.string(), z.array(z.string())),
})
const MEMBERS: ReadonlySet<string> = new Set(['description', 'attributes', 'composites'])
/** Its roles are Keycloak's own: they come with the version. */
const KEYCLOAKS_OWN: ReadonlySet<string> = new Set(['realm-management'])

export const realmRoleWriter = sharedWriter(roleWriting('realm-role'))
export const clientRoleWriter = sharedWriter(roleWriting('client-role'))

function roleWriting(kind: 'realm-role' | 'client-role'): SharedWriting {
  const ofRealm = kind === 'realm-role'
  const right = ofRealm ? 'manage-realm' : 'manage-clients'

  async function find({ target, signal }: Work, segments: readonly string[]): Promise<RoleAnswer> {
    const [first = '', second = ''] = segments
    const role = ofRealm
      ? (await target.realmRoles(signal)).get(first)
      : (await target.clientRoles(first, signal)).get(second)
    if (role === undefined) throw notTaken('missing')
    return role
  }

  return {
    kind,

    fit: (_work, { after }) => knownMembers(after.state, MEMBERS),

    references: (state, [clientId = '']) => ({
      ...{ groups: [], clients: ofRealm ? [] : [clientId] },
      ...rolesOf(state['composites']),
    }),

    grants: (state) => ({ groups: [], ...rolesOf(state['composites']) }),

    half: (_work, state) => ({ ...state, composites: NO_PARTS }),

    async refuse(work, { after }, segments) {
      const [first = ''] = segments
      if (!ofRealm && KEYCLOAKS_OWN.has(first)) return OWN
      const { defaultRole } = await work.target.realm(work.signal)
      if (after !== undefined || !ofRealm || defaultRole?.name !== first) return undefined
      return { kind: 'left', reason: 'Keycloak needs it: whoever is new gets it.' }
    },

    async make({ client, target, signal }: Work, { segments, state }: Making): Promise<void> {
      const { description, attributes } = stateSchema.parse(state)
      const [first = '', second = ''] = segments
      const id = ofRealm ? undefined : (await target.clients(signal)).get(first)?.id
      if (!ofRealm && id === undefined) throw notTaken('missing')
      const path = id === undefined ? ['roles'] : ['clients', id, 'roles']
      const body = { name: ofRealm ? first : second, ...(description === null ? {} : { description }), attributes }
      await sendWell(client, { method: 'POST', path, body, right, once: true }, signal)
    },

    async update(work, { segments, state }, live) {
      const { client, signal } = work
      const { id, name } = await find(work, segments)
      const [is, will] = [stateSchema.parse(live.state), stateSchema.parse(state)]
      if (is.description !== will.description || !isSame(is.attributes, will.attributes)) {
        const { description, attributes } = will
        const body = { id, name, ...(description === null ? {} : { description }), attributes }
        await sendWell(client, { method: 'PUT', path: ['roles-by-id', id], body, right }, signal)
      }
      const { present, isWhole } = await presentRoles(work, rolesOf(state['composites']))
      await writeComposites(work, id, right, rolesOf(live.state['composites']), present)
      return isWhole ? 'whole' : 'pending'
    },

    async remove(work, segments) {
      const { id } = await find(work, segments)
      await sendWell(work.client, { method: 'DELETE', path: ['roles-by-id', id], right }, work.signal)
      return undefined
    },
  }
}

async function writeComposites(
  work: Work,
  id: string,
  right: 'manage-realm' | 'manage-clients',
  live: Roles,
  wanted: Roles,
): Promise<void> {
  const path = ['roles-by-id', id, 'composites']
  const [more, less] = [await partsOf(work, wanted, live), await partsOf(work, live, wanted)]
  const needed = changedManagement(live.clientRoles, wanted.clientRoles).length > 0 ? 'realm-admin' : right
  if (more.length > 0) await sendWell(work.client, { method: 'POST', path, body: more, right: needed }, work.signal)
  if (less.length > 0) await sendWell(work.client, { method: 'DELETE', path, body: less, right: needed }, work.signal)
}

/** Those of `roles` that are not among `others`, by the target's ids. */
async function partsOf({ target, signal }: Work, roles: Roles, others: Roles): Promise<readonly JsonObject[]> {
  const parts: JsonObject[] = []
  const add = (known: ReadonlyMap<string, RoleAnswer>, name: string): void => {
    const role = known.get(name)
    if (role === undefined) throw notTaken('missing')
    parts.push({ id: role.id, name })
  }
  for (const name of roles.realmRoles) if (!others.realmRoles.includes(name)) add(await target.realmRoles(signal), name)
  for (const [clientId, names] of Object.entries(roles.clientRoles)) {
    for (const name of names)
      if (others.clientRoles[clientId]?.includes(name) !== true) add(await target.clientRoles(clientId, signal), name)
  }
  return parts
}

const OWN: Forecast = {
  kind: 'left',
  reason: 'Keycloak makes the roles of its own management itself, as many as its version has.',
}
