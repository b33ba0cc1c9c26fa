/** Organizations with their domains and identity providers. Who is a member stands with each person; a delete that would take people's accounts with it is refused. */
import * as z from 'zod'
import type { JsonObject } from '../../../resources/json.ts'
import type { Resource } from '../../../resources/resource.ts'
import type { Forecast } from '../../writer.ts'
import { readPages } from '../pages.ts'
import { isSame } from './between.ts'
import { knownMembers } from './known-members.ts'
import { notTaken, sendWell } from './send.ts'
import { sharedWriter } from './shared-writing.ts'
import type { Making, SharedWriting, Written } from './shared-writing.ts'
import { cannot } from './work.ts'
import type { Work } from './work.ts'

const stateSchema = z.object({
  name: z.string(),
  enabled: z.boolean().optional(),
  description: z.string().optional(),
  redirectUrl: z.string().optional(),
  attributes: z.record(z.string(), z.array(z.string())),
  domains: z.record(z.string(), z.object({ verified: z.boolean() })),
  identityProviders: z.array(z.string()),
})
type OrganizationState = z.infer<typeof stateSchema>
const MEMBERS: ReadonlySet<string> = new Set(Object.keys(stateSchema.shape))
const membersSchema = z.array(z.looseObject({ id: z.string(), membershipType: z.string().nullish() }))
const RIGHT = 'manage-organizations'

const writing: SharedWriting = {
  kind: 'organization',
  fit: (_work, { after }) => knownMembers(after.state, MEMBERS),

  references: (state) => ({
    ...{ groups: [], realmRoles: [], clientRoles: {} },
    providers: stateSchema.parse(state).identityProviders,
  }),

  half: (_work, state) => ({ ...state, identityProviders: [] }),

  async refuse(work, { after }, [alias = '']): Promise<Forecast | undefined> {
    if (work.rights.organizations !== 'open') {
      return work.rights.organizations === 'off'
        ? cannot('version', 'The realm here has no organizations: switch them on, and plan again.')
        : cannot('rights', 'Our credentials may not see organizations here.')
    }
    if (after !== undefined || !(await hasManagedMembers(work, alias))) return undefined
    return cannot('holds-others', 'It manages accounts, which would be deleted with it.')
  },

  async make({ client, signal }: Work, { segments: [alias = ''], state }: Making): Promise<void> {
    const body = bodyOf(alias, stateSchema.parse(state))
    await sendWell(client, { method: 'POST', path: ['organizations'], body, right: RIGHT, once: true }, signal)
  },

  async update(work: Work, { segments: [alias = ''], state }: Making, live: Resource): Promise<Written> {
    const { client, signal } = work
    const id = await find(work, alias)
    const [is, will] = [stateSchema.parse(live.state), stateSchema.parse(state)]
    if (!isSame(bodyOf(alias, is), bodyOf(alias, will))) {
      const body = { id, ...bodyOf(alias, will) }
      await sendWell(client, { method: 'PUT', path: ['organizations', id], body, right: RIGHT }, signal)
    }
    const links = ['organizations', id, 'identity-providers']
    for (const provider of is.identityProviders)
      if (!will.identityProviders.includes(provider))
        await sendWell(client, { method: 'DELETE', path: [...links, provider], right: RIGHT }, signal)
    for (const provider of will.identityProviders)
      // The body is the alias as a JSON text.
      if (!is.identityProviders.includes(provider))
        await sendWell(client, { method: 'POST', path: links, body: provider, right: RIGHT }, signal)
    return 'whole'
  },

  async remove(work, [alias = '']) {
    if (await hasManagedMembers(work, alias)) return ['members']
    const path = ['organizations', await find(work, alias)]
    await sendWell(work.client, { method: 'DELETE', path, right: RIGHT }, work.signal)
    return undefined
  },
}

export const organizationWriter = sharedWriter(writing)

/** Attributes that are not named stay; everything else that is not named is taken away. */
function bodyOf(alias: string, { identityProviders: _links, domains, ...state }: OrganizationState): JsonObject {
  const named = Object.entries(domains).map(([name, { verified }]) => ({ name, verified }))
  return JSON.parse(JSON.stringify({ alias, ...state, domains: named })) as JsonObject
}

async function find({ target, signal }: Work, alias: string): Promise<string> {
  const id = (await target.organizations(signal)).get(alias)
  if (id === undefined) throw notTaken('missing')
  return id
}

async function hasManagedMembers(work: Work, alias: string): Promise<boolean> {
  const { client, signal } = work
  const orgId = (await work.target.organizations(signal)).get(alias)
  if (orgId === undefined) return false
  const members = await readPages({
    page: (first, max) =>
      client.read(
        {
          right: 'view-organizations',
          schema: membersSchema,
          request: (admin) => admin.organizations.listMembers({ orgId, first, max }),
        },
        signal,
      ),
    identity: ({ id }) => id,
  })
  return members.some(({ membershipType }) => membershipType === 'MANAGED')
}
