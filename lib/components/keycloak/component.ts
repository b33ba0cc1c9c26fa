/**
 * The keycloak component: one realm, read and never written. Kinds, natural keys and what is left out: README.md beside this file.
 *
 * One per process, reused over messages: connections, the token, and what is known of server and rights.
 */
import { systemRandom } from '../../platform/random.ts'
import type { Clock } from '../../platform/clock.ts'
import { systemClock } from '../../platform/clock.ts'
import type { Random } from '../../platform/random.ts'
import { encodeKey, compareKeys } from '../../resources/key.ts'
import type { Resource } from '../../resources/resource.ts'
import { isLocalName, userSlice } from '../../resources/slice.ts'
import type { Slice } from '../../resources/slice.ts'
import type { KeycloakSettings } from '../../settings.ts'
import type { Check, Component, Identity, ListContext, Member, ReadContext } from '../component.ts'
import { KeycloakClient } from './client.ts'
import type { CredentialSource } from './credential-source.ts'
import { ExportCredentials } from './credentials-export.ts'
import { PostgresCredentials } from './credentials-postgres.ts'
import { RealmDirectory } from './directory.ts'
import { doctorKeycloak } from './doctor.ts'
import { KeptAnswers } from './kept-answers.ts'
import { listPeople } from './people.ts'
import { findUser, readUser } from './read-user.ts'
import { RecentlyFound } from './recently-found.ts'
import { probeRights, requireRights } from './rights.ts'
import type { Right } from './right.ts'
import type { Rights } from './rights.ts'
import { readShared, sharedKinds } from './shared/read-shared.ts'
import { probeVersion } from './version.ts'

export interface KeycloakOptions {
  readonly clock?: Clock
  readonly random?: Random
  /** Where hashes come from, in the place of what the settings name. */
  readonly credentials?: CredentialSource
}

/** As they are; `kinds.ts` says the same for those who ask nothing. */
export const keycloakKinds: readonly string[] = [...sharedKinds.map(({ kind }) => kind), 'user']

/** Opens nothing yet. @throws TorikiError `credentials-unreadable` or `settings-invalid` for what cannot work at all. */
export function keycloakComponent(settings: KeycloakSettings, options: KeycloakOptions = {}): Component {
  return new KeycloakComponent(settings, options)
}

/** What is known of the server is asked for again after so long. */
const PROBE_KEPT_MS = 10 * 60_000
/** What a person's record needs to be whole; organizations only where the realm has them. */
const USER_RIGHTS: readonly Right[] = ['view-users', 'view-realm', 'view-clients', 'view-organizations']
const SHARED_RIGHTS: readonly Right[] = [...USER_RIGHTS, 'view-identity-providers']

const PEOPLE = encodeKey('user')

class KeycloakComponent implements Component {
  readonly name = 'keycloak'
  readonly kinds = keycloakKinds
  readonly #client: KeycloakClient
  readonly #directory: RealmDirectory
  readonly #source: CredentialSource | undefined
  readonly #life = new AbortController()
  readonly #probe: KeptAnswers<'rights'>
  readonly #identified: RecentlyFound

  constructor(
    settings: KeycloakSettings,
    { clock = systemClock, random = systemRandom, credentials }: KeycloakOptions,
  ) {
    this.#source = credentials ?? credentialSource(settings, clock)
    this.#client = new KeycloakClient(settings, { clock, random })
    this.#directory = new RealmDirectory(this.#client, clock, this.#life.signal)
    this.#probe = new KeptAnswers(clock, PROBE_KEPT_MS, this.#life.signal)
    this.#identified = new RecentlyFound(clock)
  }

  covers({ kind }: Slice): boolean {
    return kind !== 'group'
  }

  doctor(): AsyncIterable<Check> {
    return doctorKeycloak(this.#client, this.#source, this.#life.signal)
  }

  async *members({ signal }: ListContext): AsyncIterable<Member> {
    await this.#require(['view-users'], signal)
    for (const { username, isEnabled } of await listPeople(this.#client, signal)) {
      // A name that no slice can have: such accounts are saved with the shared state.
      if (isLocalName(Buffer.from(username)))
        yield { slice: userSlice(username), ...(isEnabled ? {} : { flags: ['disabled'] }) }
    }
  }

  async identify(slice: Slice, { signal }: ListContext): Promise<Identity | undefined> {
    if (slice.kind !== 'user') return undefined
    await this.#require(USER_RIGHTS, signal)
    const user = await findUser(this.#client, slice.local.toString('utf8'), signal)
    if (user === undefined) return undefined
    this.#identified.keep(user)
    return {
      id: user.id,
      ...(typeof user.createdTimestamp === 'number' ? { createdAt: new Date(user.createdTimestamp) } : {}),
    }
  }

  identityOf({ kept }: Resource): string | undefined {
    const id = kept?.['id']
    return typeof id === 'string' ? id : undefined
  }

  async *read(slice: Slice, context: ReadContext): AsyncIterable<Resource> {
    if (slice.kind === 'shared') yield* this.#readShared(context)
    else if (slice.kind === 'user') yield* this.#readUser(slice.local.toString('utf8'), context)
  }

  async close(): Promise<void> {
    this.#life.abort()
    await Promise.all([this.#client.close(), this.#source?.close()])
  }

  async *#readShared(context: ReadContext): AsyncIterable<Resource> {
    const { signal, after, note } = context
    const { organizations } = await this.#require(SHARED_RIGHTS, signal)
    let people: AsyncIterable<Resource> | undefined = this.#unnameable(context, organizations)
    for await (const resource of readShared(this.#client, {
      organizations,
      signal,
      note,
      ...(after === undefined ? {} : { after }),
    })) {
      // In the order of keys people come before `user-profile`.
      if (people !== undefined && compareKeys(resource.key, PEOPLE) > 0) {
        yield* people
        people = undefined
      }
      yield resource
    }
    if (people !== undefined) yield* people
  }

  /** Accounts whose names no slice can have, in the order of keys. */
  async *#unnameable(
    { signal, after, note }: ReadContext,
    organizations: Rights['organizations'],
  ): AsyncIterable<Resource> {
    const named = (await listPeople(this.#client, signal))
      .filter(({ username }) => !isLocalName(Buffer.from(username)))
      .map(({ username }) => ({ username, key: encodeKey('user', [username.toWellFormed()]) }))
      .sort((a, b) => compareKeys(a.key, b.key))
    for (const { username, key } of named) {
      if (after !== undefined && compareKeys(key, after) <= 0) continue
      note({
        code: 'saved-with-shared-state',
        message: 'The name of an account cannot be that of a slice: the account is saved here.',
        key,
      })
      yield* this.#person(username, { signal, note }, organizations)
    }
  }

  async *#readUser(username: string, { signal, after, note }: ReadContext): AsyncIterable<Resource> {
    const { organizations } = await this.#require(USER_RIGHTS, signal)
    if (after !== undefined && compareKeys(encodeKey('user', [username]), after) <= 0) return
    yield* this.#person(username, { signal, note }, organizations)
  }

  async *#person(
    username: string,
    { signal, note }: Pick<ReadContext, 'signal' | 'note'>,
    organizations: Rights['organizations'],
  ): AsyncIterable<Resource> {
    const reader = {
      client: this.#client,
      directory: this.#directory,
      source: this.#source,
      organizations,
    }
    // Found a moment ago: the search is spared. Its content is not used, and who is not there any more is searched for.
    const known = this.#identified.take(username)
    let resource = known && (await readUser(reader, known, signal, note))
    if (resource === undefined) {
      const found = await findUser(this.#client, username, signal)
      resource = found && (await readUser(reader, found, signal, note))
    }
    if (resource === undefined) note({ code: 'not-a-member', message: 'Keycloak knows nobody of this name.' })
    else yield resource
  }

  /** @throws TorikiError `source-rights` that names what is missing, and what asking throws. */
  async #require(rights: readonly Right[], signal: AbortSignal): Promise<Rights> {
    const known = await this.#probe.get('rights', signal, async (life) => {
      await probeVersion(this.#client, life)
      return probeRights(this.#client, life)
    })
    requireRights(known, rights)
    return known
  }
}

export function credentialSource(
  { credentials, realm, ca }: KeycloakSettings,
  clock: Clock,
): CredentialSource | undefined {
  if (credentials === undefined) return undefined
  return 'postgres' in credentials
    ? new PostgresCredentials({ address: credentials.postgres, realm, ca })
    : new ExportCredentials({ folder: credentials.export, realm, clock })
}
