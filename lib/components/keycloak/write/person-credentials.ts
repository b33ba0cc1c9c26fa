/**
 * What a person who is there logs in with. Keycloak takes credentials with their hashes in a PUT of the account: it replaces the password, makes the others, and passes
 * over those whose id is there. Those too many are deleted, and all are put in order.
 */
import { credentialsSchema } from '../answers.ts'
import { isSame } from './between.ts'
import { isSameCredential, orderedCredentials } from './person-state.ts'
import type { CredentialState } from './person-state.ts'
import type { Update } from './update.ts'
import { notTaken, sendWell } from './send.ts'
import type { Work } from './work.ts'

interface LiveCredential {
  readonly id: string
  readonly state: CredentialState
}

/** `put` writes credentials into the account. */
export async function updateCredentials(
  work: Work,
  { id, live, person }: Update,
  put: (credentials: readonly CredentialState[], withIds: boolean) => Promise<void>,
): Promise<void> {
  if (person.credentials === undefined || isSame(live.credentials, person.credentials)) return
  const wanted = orderedCredentials(person.credentials).map(({ credential }) => credential)
  let now = await readLive(work, id)
  const missing = missingOf(wanted, now)
  if (missing.length > 0) {
    // An id of a password would be that of what it replaces: there is one password, and its id stays.
    await put(missing, false)
    now = await readLive(work, id)
    if (missingOf(wanted, now).length > 0) throw notTaken('refused')
  }
  const surplus = now.filter(({ state }) => !wanted.some((one) => isSameCredential(one, state)))
  for (const credential of surplus)
    await sendWell(
      work.client,
      { method: 'DELETE', path: ['users', id, 'credentials', credential.id], right: 'manage-users' },
      work.signal,
    )
  await order(
    work,
    id,
    wanted,
    now.filter((credential) => !surplus.includes(credential)),
  )
}

function missingOf(wanted: readonly CredentialState[], now: readonly LiveCredential[]): readonly CredentialState[] {
  return wanted.filter((one) => !now.some(({ state }) => isSameCredential(one, state)))
}

async function order(
  { client, signal }: Work,
  userId: string,
  wanted: readonly CredentialState[],
  live: readonly LiveCredential[],
): Promise<void> {
  const rest = [...live]
  for (const [place, credential] of wanted.entries()) {
    const at = rest.findIndex(({ state }, index) => index >= place && isSameCredential(state, credential))
    if (at <= place) continue
    const [moved] = rest.splice(at, 1) as [LiveCredential]
    const above = rest[place - 1]
    const path = ['users', userId, 'credentials', moved.id]
    await sendWell(
      client,
      {
        method: 'POST',
        path: above === undefined ? [...path, 'moveToFirst'] : [...path, 'moveAfter', above.id],
        right: 'manage-users',
      },
      signal,
    )
    rest.splice(place, 0, moved)
  }
}

async function readLive({ client, signal }: Work, id: string): Promise<readonly LiveCredential[]> {
  const found = await client.find(
    { right: 'view-users', schema: credentialsSchema, request: (admin) => admin.users.getCredentials({ id }) },
    signal,
  )
  if (found === undefined) throw notTaken('missing')
  return found.map(({ id: credentialId, type, userLabel, createdDate, credentialData }, position) => ({
    id: credentialId,
    state: {
      ...{ type, position },
      label: userLabel ?? null,
      created: createdDate ?? null,
      data: credentialData ?? null,
    },
  }))
}
