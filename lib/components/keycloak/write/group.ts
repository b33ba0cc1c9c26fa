/** Groups of the tree, each by its names from the top, parents before children. A delete takes what is beneath: whatever is to stay there prevents it. */
import * as z from 'zod'
import type { Resource } from '../../../resources/resource.ts'
import type { Forecast } from '../../writer.ts'
import type { GroupPlace } from '../directory.ts'
import { isSame } from './between.ts'
import { knownMembers } from './known-members.ts'
import { presentRoles } from './present-roles.ts'
import { writeRoles } from './role-mappings.ts'
import { notTaken, sendWell } from './send.ts'
import { sharedWriter } from './shared-writing.ts'
import type { Fitted, Making, SharedWriting, Wish, Written } from './shared-writing.ts'
import { groupName } from './target.ts'
import { cannot } from './work.ts'
import type { Work } from './work.ts'

const stateSchema = z.object({
  description: z.string().nullable(),
  attributes: z.record(z.string(), z.array(z.string())),
  realmRoles: z.array(z.string()),
  clientRoles: z.record(z.string(), z.array(z.string())),
})
const MEMBERS: ReadonlySet<string> = new Set(Object.keys(stateSchema.shape))
const RIGHT = 'manage-users'
/** The first version whose groups have descriptions; before, a body with one is refused. */
const DESCRIBED_MAJOR = 26

const writing: SharedWriting = {
  kind: 'group',

  async fit(work: Work, { after }: Wish): Promise<Fitted> {
    const { state, lost } = knownMembers(after.state, MEMBERS)
    if (state['description'] === null || (await isDescribed(work))) return { state, lost }
    const reason = 'Groups have no descriptions in this version of Keycloak.'
    return { state: { ...state, description: null }, lost: [...lost, { field: 'description', reason }] }
  },

  references(state, segments) {
    const { realmRoles, clientRoles } = stateSchema.parse(state)
    return { groups: segments.length > 1 ? [segments.slice(0, -1)] : [], realmRoles, clientRoles }
  },

  grants(state) {
    const { realmRoles, clientRoles } = stateSchema.parse(state)
    return { groups: [], realmRoles, clientRoles }
  },

  half: (_work, state) => ({ ...state, realmRoles: [], clientRoles: {} }),

  async refuse(work, { after }, segments): Promise<Forecast | undefined> {
    if (after !== undefined) return undefined
    const below = await childrenOf(work, segments)
    return below.every((path) => work.expected.goes('group', path))
      ? undefined
      : cannot('holds-others', 'There are groups beneath it that are not to be deleted, and would go with it.')
  },

  async make(work: Work, { segments, state }: Making): Promise<void> {
    const { client, signal } = work
    const above = segments.length > 1 ? (await find(work, segments.slice(0, -1))).group.id : undefined
    const path = above === undefined ? ['groups'] : ['groups', above, 'children']
    const { description, attributes } = stateSchema.parse(state)
    const body = { name: segments.at(-1), attributes, ...(description === null ? {} : { description }) }
    await sendWell(client, { method: 'POST', path, body, right: RIGHT, once: true }, signal)
  },

  async update(work: Work, { segments, state }: Making, live: Resource): Promise<Written> {
    const { client, signal } = work
    const { id, name } = (await find(work, segments)).group
    const [is, will] = [stateSchema.parse(live.state), stateSchema.parse(state)]
    if (is.description !== will.description || !isSame(is.attributes, will.attributes)) {
      const { description, attributes } = will
      // A description that is not named is taken away by newer versions, and stays in others: there it is emptied.
      const described = description !== null || is.description === null ? {} : { description: '' }
      const body = { name, attributes, ...described, ...(description === null ? {} : { description }) }
      await sendWell(client, { method: 'PUT', path: ['groups', id], body, right: RIGHT }, signal)
    }
    const { present, isWhole } = await presentRoles(work, will)
    await writeRoles(work, ['groups', id, 'role-mappings'], RIGHT, is, present)
    return isWhole ? 'whole' : 'pending'
  },

  async remove(work, segments) {
    if ((await childrenOf(work, segments)).length > 0) return ['subgroups']
    const { id } = (await find(work, segments)).group
    await sendWell(work.client, { method: 'DELETE', path: ['groups', id], right: RIGHT }, work.signal)
    return undefined
  },
}

export const groupWriter = sharedWriter(writing)

async function find({ target, signal }: Work, segments: readonly string[]): Promise<GroupPlace> {
  const place = (await target.groups(signal)).get(groupName(segments))
  if (place === undefined) throw notTaken('missing')
  return place
}

async function childrenOf(
  { target, signal }: Work,
  segments: readonly string[],
): Promise<readonly (readonly string[])[]> {
  const above = groupName(segments)
  return [...(await target.groups(signal)).values()]
    .map((place) => place.segments)
    .filter((path) => path.length === segments.length + 1 && groupName(path.slice(0, -1)) === above)
}

/** From 26.4 on a version is not told to everybody: whoever does not tell it is new. */
async function isDescribed({ target, signal }: Work): Promise<boolean> {
  const [major] = (await target.version(signal)) ?? [DESCRIBED_MAJOR]
  return major >= DESCRIBED_MAJOR
}
