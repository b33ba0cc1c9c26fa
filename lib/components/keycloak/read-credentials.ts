/**
 * What a person logs in with: kinds and labels as state, hashes as secrets. A hash is stored only when it is the one that is valid now; whatever is not
 * covered is said.
 */
import { isTorikiError, TorikiError } from '../../errors.ts'
import type { JsonObject, JsonValue } from '../../resources/json.ts'
import { credentialsSchema, userSchema } from './answers.ts'
import type { KeycloakClient } from './client.ts'
import type { Credential, CredentialSource } from './credential-source.ts'

export interface PersonCredentials {
  /** By name: the type, and from the second of a type on with its number. Absent: nothing is known. */
  readonly state: JsonObject | undefined
  readonly ids: JsonObject
  /** Name → `secretData`, unchanged. */
  readonly secrets: Readonly<Record<string, string>>
}

interface Place {
  readonly client: KeycloakClient
  readonly source: CredentialSource | undefined
}

/** `gone`: the person is not there any more. @throws TorikiError `credentials-unreadable`, and what asking throws. */
export async function readCredentials(
  { client, source }: Place,
  person: { readonly id: string; readonly username: string },
  signal: AbortSignal,
  say: (code: string, message: string) => void,
): Promise<PersonCredentials | 'gone'> {
  if (source === undefined) {
    const live = await readLive(client, person.id, signal)
    if (live === 'gone') return 'gone'
    if (live === 'refused')
      say(
        'credentials-not-covered',
        'Whether there is a password cannot be seen with a right to read on this version of Keycloak, and no source of hashes is configured.',
      )
    else if (live.length > 0)
      say(
        'credentials-not-covered',
        'No source of hashes is configured: passwords and one-time codes are not in this backup.',
      )
    return live === 'refused' ? { state: undefined, ids: {}, secrets: {} } : describe(live)
  }
  const answer = await source.read(person, signal)
  if (answer === undefined && (await isGone(client, person.id, signal))) return 'gone'
  if (answer !== undefined && answer.asOf === undefined) return describe(answer.credentials)
  const live = await readLive(client, person.id, signal)
  if (live === 'gone') return 'gone'
  if (answer === undefined) {
    // A database knows everybody, an export those of its own day.
    if (live === 'refused' || !source.isPast)
      throw new TorikiError('credentials-unreadable', {
        message: 'The source of hashes does not know a person whom Keycloak knows.',
        remedy: 'Name the database of this Keycloak under components.keycloak.credentials.',
      })
    if (live.length > 0)
      say(
        'credentials-not-covered',
        'The export of hashes is older than this account: its passwords and one-time codes are not in this backup.',
      )
    return describe(live)
  }
  if (live === 'refused') {
    say(
      'credentials-as-of-export',
      `Hashes are those of an export of ${answer.asOf?.toISOString()}: whether they are still valid cannot be seen.`,
    )
    return describe(answer.credentials)
  }
  return compare(live, answer.credentials, say)
}

/** The live ones, with the hash of the export where it is still the same credential of the same date. */
function compare(
  live: readonly Credential[],
  exported: readonly Credential[],
  say: (code: string, message: string) => void,
): PersonCredentials {
  const known = new Map(exported.map((credential) => [credential.id, credential]))
  const joined = live.map((credential) => {
    const old = known.get(credential.id)
    return old !== undefined && old.createdDateMs === credential.createdDateMs
      ? { ...credential, secretData: old.secretData }
      : credential
  })
  if (joined.some(({ secretData }) => secretData === undefined))
    say(
      'credentials-not-covered',
      'A password or one-time code was changed after the export of hashes was written: it is not in this backup.',
    )
  return describe(joined)
}

/** Without secrets. `refused`: before 24 this needs the right to change people. */
async function readLive(
  client: KeycloakClient,
  id: string,
  signal: AbortSignal,
): Promise<readonly Credential[] | 'refused' | 'gone'> {
  try {
    const found = await client.find(
      { right: 'view-users', schema: credentialsSchema, request: (admin) => admin.users.getCredentials({ id }) },
      signal,
    )
    if (found === undefined) return 'gone'
    return found.map(({ id: credentialId, type, userLabel, createdDate, credentialData }) => ({
      id: credentialId,
      type,
      userLabel: userLabel ?? undefined,
      createdDateMs: createdDate ?? undefined,
      credentialData: credentialData ?? undefined,
      secretData: undefined,
    }))
  } catch (error) {
    if (isTorikiError(error, 'source-rights')) return 'refused'
    throw error
  }
}

async function isGone(client: KeycloakClient, id: string, signal: AbortSignal): Promise<boolean> {
  return (
    (await client.find(
      { right: 'view-users', schema: userSchema, request: (admin) => admin.users.findOne({ id }) },
      signal,
    )) === undefined
  )
}

function describe(credentials: readonly Credential[]): PersonCredentials {
  const state: [string, JsonValue][] = []
  const ids: [string, JsonValue][] = []
  const secrets: [string, string][] = []
  const counts = new Map<string, number>()
  for (const [position, { id, type, userLabel, createdDateMs, credentialData, secretData }] of credentials.entries()) {
    const number = (counts.get(type) ?? 0) + 1
    counts.set(type, number)
    const name = number === 1 ? type : `${type}-${number}`
    state.push([
      name,
      { type, position, label: userLabel ?? null, created: createdDateMs ?? null, data: credentialData ?? null },
    ])
    ids.push([name, id])
    if (secretData !== undefined) secrets.push([name, secretData])
  }
  return { state: Object.fromEntries(state), ids: Object.fromEntries(ids), secrets: Object.fromEntries(secrets) }
}
