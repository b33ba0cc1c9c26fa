/** An account that is there, brought to what is wanted: the profile whole, everything else one by one. Done again it does what is left. */
import { userSchema } from '../answers.ts'
import { sortedNames } from '../clean-json.ts'
import { isSame } from './between.ts'
import { credentialRecords } from './person-record.ts'
import { updateCredentials } from './person-credentials.ts'
import type { PersonState } from './person-state.ts'
import type { Update } from './update.ts'
import { writeRoles } from './role-mappings.ts'
import { notTaken, sendWell } from './send.ts'
import type { Write } from './send.ts'
import { groupName } from './target.ts'
import type { Work } from './work.ts'

const PROFILE = [
  'enabled',
  'email',
  'emailVerified',
  'firstName',
  'lastName',
  'attributes',
  'requiredActions',
] as const satisfies readonly (keyof PersonState)[]

export async function updatePerson(work: Work, update: Update): Promise<void> {
  const { id, live, person } = update
  // Who is locked stays so until everything else is as it should be.
  const opens = !live.enabled && person.enabled
  const locked = opens ? { ...update, person: { ...person, enabled: false } } : update
  if (PROFILE.some((name) => !isSame(live[name], locked.person[name]))) await putProfile(work, locked)
  await writeGroups(work, update)
  await writeRoles(work, ['users', id, 'role-mappings'], 'manage-users', live, person)
  await writeLinks(work, update)
  await takeBackConsents(work, update)
  await writeOrganizations(work, update)
  await updateCredentials(work, update, async (credentials, withIds) => {
    await putProfile(work, locked, await credentialRecords(update.wanted, credentials, withIds))
  })
  if (opens) await putProfile(work, update)
}

/** Always the whole: what is left out beside `attributes` is wiped. */
async function putProfile(
  { client, signal }: Work,
  { id, person }: Update,
  credentials: readonly object[] = [],
): Promise<void> {
  const found = await client.find(
    {
      right: 'view-users',
      schema: userSchema,
      request: (admin) => admin.users.findOne({ id, userProfileMetadata: false }),
    },
    signal,
  )
  if (found === undefined) throw notTaken('missing')
  const {
    access: _access,
    totp: _totp,
    disableableCredentialTypes: _types,
    userProfileMetadata: _metadata,
    federatedIdentities: _links,
    email: _email,
    firstName: _first,
    lastName: _last,
    attributes: has,
    ...whole
  } = found
  const { enabled, email, emailVerified, firstName, lastName, requiredActions } = person
  // What stays goes back as it came: in another order it would count as changed, and lose its empty values.
  const attributes = Object.fromEntries(
    Object.entries(person.attributes).map(([name, values]) => {
      const live = has?.[name]
      return [name, live !== undefined && isSame([...sortedNames(live)], values) ? live : values]
    }),
  )
  await sendWell(
    client,
    {
      method: 'PUT',
      path: ['users', id],
      body: {
        ...whole,
        ...{ enabled, emailVerified, attributes, requiredActions },
        ...(email === null ? {} : { email }),
        ...(firstName === null ? {} : { firstName }),
        ...(lastName === null ? {} : { lastName }),
        ...(credentials.length === 0 ? {} : { credentials }),
      },
      right: 'manage-users',
    },
    signal,
  )
}

async function writeGroups(work: Work, { id, live, person }: Update): Promise<void> {
  const [has, wants] = [new Set(live.groups.map(groupName)), new Set(person.groups.map(groupName))]
  const differing = [...has, ...wants].filter((name) => has.has(name) !== wants.has(name))
  if (differing.length === 0) return
  const groups = await work.target.groups(work.signal)
  for (const name of differing) {
    const group = groups.get(name)?.group.id
    if (group === undefined) throw notTaken('missing')
    const method = wants.has(name) ? 'PUT' : 'DELETE'
    await write(work, { method, path: ['users', id, 'groups', group] })
  }
}

/** A link that leads elsewhere is taken away first: Keycloak knows no change of one. */
async function writeLinks(work: Work, { id, live, person }: Update): Promise<void> {
  const [has, wants] = [live.federatedIdentities, person.federatedIdentities]
  for (const alias of new Set([...Object.keys(has), ...Object.keys(wants)])) {
    const [now, then] = [has[alias], wants[alias]]
    if (isSame(now, then)) continue
    const path = ['users', id, 'federated-identity', alias]
    if (now !== undefined) await write(work, { method: 'DELETE', path })
    if (then !== undefined)
      await write(work, { method: 'POST', path, body: { identityProvider: alias, ...then }, once: true })
  }
}

async function takeBackConsents(work: Work, { id, live, person }: Update): Promise<void> {
  for (const clientId of Object.keys(live.consents)) {
    if (person.consents[clientId] === undefined)
      await write(work, { method: 'DELETE', path: ['users', id, 'consents', clientId] })
  }
}

async function writeOrganizations(work: Work, { id, live, person }: Update): Promise<void> {
  const [has, wants] = [live.organizations ?? {}, person.organizations ?? {}]
  const differing = [...new Set([...Object.keys(has), ...Object.keys(wants)])].filter(
    (alias) => (has[alias] === undefined) !== (wants[alias] === undefined),
  )
  if (differing.length === 0) return
  const organizations = await work.target.organizations(work.signal)
  for (const alias of differing) {
    const organization = organizations.get(alias)
    if (organization === undefined) throw notTaken('missing')
    const members = ['organizations', organization, 'members']
    const right = 'manage-organizations'
    if (has[alias] !== undefined) await write(work, { method: 'DELETE', path: [...members, id], right })
    // The body is the id as a JSON text.
    else await write(work, { method: 'POST', path: members, body: id, right, once: true })
  }
}

async function write(
  { client, signal }: Work,
  { right = 'manage-users', ...rest }: Omit<Write, 'right'> & Partial<Pick<Write, 'right'>>,
): Promise<void> {
  await sendWell(client, { right, ...rest }, signal)
}
