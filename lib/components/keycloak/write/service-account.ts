/**
 * What a client may do on its own. The account comes and goes with its client (which makes it with the default role and in the default groups, as a person): here its roles,
 * groups and attributes are brought to what is wanted, so that none of the defaults is regained.
 */
import * as z from 'zod'
import type { JsonObject } from '../../../resources/json.ts'
import type { Resource } from '../../../resources/resource.ts'
import { userSchema } from '../answers.ts'
import { sortedNames } from '../clean-json.ts'
import { readRights } from '../right.ts'
import { isSame } from './between.ts'
import { leftClient } from './client-own.ts'
import { knownMembers } from './known-members.ts'
import { MANAGEMENT } from './may-give.ts'
import { presentRoles } from './present-roles.ts'
import { writeRoles } from './role-mappings.ts'
import { notTaken, sendWell } from './send.ts'
import { sharedWriter } from './shared-writing.ts'
import type { Fitted, Making, SharedWriting, Wish, Written } from './shared-writing.ts'
import { groupName } from './target.ts'
import type { Lost, Work } from './work.ts'

const stateSchema = z.object({
  enabled: z.boolean(),
  attributes: z.record(z.string(), z.array(z.string())),
  groups: z.array(z.array(z.string())),
  realmRoles: z.array(z.string()),
  clientRoles: z.record(z.string(), z.array(z.string())),
})
type AccountState = z.infer<typeof stateSchema>
const MEMBERS: ReadonlySet<string> = new Set(Object.keys(stateSchema.shape))
const RIGHT = 'manage-users'

const writing: SharedWriting = {
  kind: 'service-account',
  comesWithOther: true,

  async fit(work: Work, { before, after, segments }: Wish): Promise<Fitted> {
    const { state, lost } = knownMembers(after.state, MEMBERS)
    const { attributes, clientRoles } = stateSchema.parse(state)
    const profile = await work.target.profile(work.signal)
    const isHidden = (name: string): boolean => profile?.showsAll === false && !profile.declared.has(name)
    const hidden = Object.keys(attributes).filter(isHidden)
    const reason = 'The user profile here does not declare it, and hides what it does not.'
    const shown = Object.entries(attributes).filter(([name]) => !hidden.includes(name))
    return {
      state: {
        ...state,
        attributes: Object.fromEntries(shown),
        ...(segments[0] === work.backupClient ? { clientRoles: withReading(clientRoles, before?.state) } : {}),
      },
      lost: [...lost, ...hidden.map((name): Lost => ({ field: `attributes.${name}`, reason }))],
    }
  },

  references(state, [clientId = '']) {
    const { groups, realmRoles, clientRoles } = stateSchema.parse(state)
    return { groups, realmRoles, clientRoles, clients: [clientId] }
  },

  grants(state) {
    const { groups, realmRoles, clientRoles } = stateSchema.parse(state)
    return { groups, realmRoles, clientRoles }
  },

  /** As its client makes it. */
  async half({ target, signal }: Work) {
    const { defaultRole } = await target.realm(signal)
    return {
      ...{ enabled: true, attributes: {} },
      groups: await target.defaultGroups(signal),
      realmRoles: defaultRole === undefined || defaultRole === null ? [] : [defaultRole.name],
      // What its client gives it beyond that is wanted, too: it was saved with it.
      clientRoles: {},
    }
  },

  refuse: (work, { after }, [clientId = '']) => Promise.resolve(leftClient(work, clientId, after === undefined)),

  // It is there with its client, or will be when that is as wanted.
  make: () => Promise.resolve(),

  async update(work: Work, { segments: [clientId = ''], state }: Making, live: Resource): Promise<Written> {
    const account = await accountOf(work, clientId)
    const [is, will] = [stateSchema.parse(live.state), stateSchema.parse(state)]
    if (is.enabled !== will.enabled || !isSame(is.attributes, will.attributes)) await putAccount(work, account, will)
    const areWhole = await writeGroups(work, account.id, is, will)
    const { present, isWhole } = await presentRoles(work, will)
    await writeRoles(work, ['users', account.id, 'role-mappings'], RIGHT, is, present)
    return areWhole && isWhole ? 'whole' : 'pending'
  },

  // It goes with its client, or with that one's switch.
  remove: () => Promise.resolve(undefined),
}

export const serviceAccountWriter = sharedWriter(writing)

/** What our own backups may read here they go on to read: a version may ask for a right that the saved one did not have. */
function withReading(wanted: AccountState['clientRoles'], before: JsonObject | undefined): JsonObject {
  const has = before === undefined ? [] : (stateSchema.parse(before).clientRoles[MANAGEMENT] ?? [])
  const reading = has.filter((name) => readRights.some((right) => right === name))
  if (reading.length === 0) return wanted
  return { ...wanted, [MANAGEMENT]: sortedNames([...(wanted[MANAGEMENT] ?? []), ...reading]) }
}

async function accountOf({ client, target, signal }: Work, clientId: string): Promise<z.infer<typeof userSchema>> {
  const id = (await target.clients(signal)).get(clientId)?.id
  if (id === undefined) throw notTaken('missing')
  return await client.read(
    {
      right: 'view-clients',
      schema: userSchema,
      request: (admin) => admin.clients.getServiceAccountUser({ id }),
    },
    signal,
  )
}

/** Always the whole: what is left out beside `attributes` is wiped. */
async function putAccount(
  { client, signal }: Work,
  account: z.infer<typeof userSchema>,
  { enabled, attributes }: AccountState,
): Promise<void> {
  const { id } = account
  const {
    access: _access,
    totp: _totp,
    disableableCredentialTypes: _types,
    userProfileMetadata: _metadata,
    federatedIdentities: _links,
    ...whole
  } = account
  const body = { ...whole, enabled, attributes }
  await sendWell(client, { method: 'PUT', path: ['users', id], body, right: RIGHT }, signal)
}

/** @returns whether every group that is wanted is there. */
async function writeGroups(
  { client, target, signal }: Work,
  id: string,
  live: AccountState,
  wanted: AccountState,
): Promise<boolean> {
  const [has, wants] = [new Set(live.groups.map(groupName)), new Set(wanted.groups.map(groupName))]
  const differing = [...has, ...wants].filter((name) => has.has(name) !== wants.has(name))
  if (differing.length === 0) return true
  const groups = await target.groups(signal)
  let areWhole = true
  for (const name of differing) {
    const group = groups.get(name)?.group.id
    if (group === undefined) areWhole = false
    else {
      const method = wants.has(name) ? 'PUT' : 'DELETE'
      await sendWell(client, { method, path: ['users', id, 'groups', group], right: RIGHT }, signal)
    }
  }
  return areWhole
}
