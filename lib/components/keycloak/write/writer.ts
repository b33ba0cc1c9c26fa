/**
 * The writing half: makes one realm agree with one change after the other, with credentials of its own (`components.keycloak.restore`), which no process that backs up
 * holds. What is made how, and what cannot be: README.md of the component.
 */
import { TorikiError } from '../../../errors.ts'
import { systemClock } from '../../../platform/clock.ts'
import { systemRandom } from '../../../platform/random.ts'
import type { Change } from '../../../resources/change.ts'
import { compareKeys, decodeKey, formatKey } from '../../../resources/key.ts'
import type { ResourceKey } from '../../../resources/key.ts'
import type { Resource } from '../../../resources/resource.ts'
import type { Slice } from '../../../resources/slice.ts'
import type { KeycloakSettings } from '../../../settings.ts'
import type { Check } from '../../component.ts'
import type { Applied, ComponentWriter, Forecast, WriteContext } from '../../writer.ts'
import { KeycloakClient } from '../client.ts'
import { credentialSource, keycloakKinds } from '../component.ts'
import type { KeycloakOptions } from '../component.ts'
import type { CredentialSource } from '../credential-source.ts'
import { RealmDirectory } from '../directory.ts'
import { KeptAnswers } from '../kept-answers.ts'
import { findUser, readUser } from '../read-user.ts'
import { probeRights, requireRights } from '../rights.ts'
import type { Rights } from '../rights.ts'
import { readShared } from '../shared/read-shared.ts'
import { doctorRestore } from './doctor.ts'
import { Expectations, Expected } from './expectations.ts'
import { INSTALLER_LEFT, isInstallerOwned } from './installer.ts'
import { kindWriters } from './kind-writers.ts'
import { groupPart, renameInRealm } from './rename.ts'
import { decided } from './send.ts'
import { Target } from './target.ts'
import { cannot } from './work.ts'
import type { KindWriter, Work } from './work.ts'

/** Opens nothing yet. @throws TorikiError `settings-invalid` where no account to restore with is configured. */
export function keycloakWriter(settings: KeycloakSettings, options: KeycloakOptions = {}): ComponentWriter {
  const { restore, ...rest } = settings
  if (restore === undefined)
    throw new TorikiError('settings-invalid', {
      message: 'No account to restore with is configured (components.keycloak.restore).',
      remedy:
        'Make a client with a service account that has manage-realm, manage-users, manage-clients and manage-identity-providers, and name it under components.keycloak.restore.',
    })
  const { login } = rest
  return new KeycloakWriter({ ...rest, login: restore }, 'client' in login ? login.client : undefined, options)
}

/** What is known of the server is asked for again after so long. */
const PROBE_KEPT_MS = 10 * 60_000
const READING = ['view-users', 'view-realm', 'view-clients'] as const

class KeycloakWriter implements ComponentWriter {
  readonly name = 'keycloak'
  readonly kinds = keycloakKinds
  readonly rename = renameInRealm
  readonly groups = groupPart
  readonly #client: KeycloakClient
  readonly #backupClient: string | undefined
  readonly #source: CredentialSource | undefined
  readonly #directory: RealmDirectory
  readonly #target: Target
  readonly #life = new AbortController()
  readonly #probe: KeptAnswers<'rights'>
  readonly #expectations = new Expectations()

  constructor(
    settings: KeycloakSettings,
    backupClient: string | undefined,
    { clock = systemClock, random = systemRandom, credentials }: KeycloakOptions,
  ) {
    this.#source = credentials ?? credentialSource(settings, clock)
    this.#client = new KeycloakClient(settings, { clock, random })
    this.#backupClient = backupClient
    this.#directory = new RealmDirectory(this.#client, clock, this.#life.signal)
    this.#target = new Target(this.#client, clock, this.#life.signal)
    this.#probe = new KeptAnswers(clock, PROBE_KEPT_MS, this.#life.signal)
  }

  doctor(): AsyncIterable<Check> {
    return doctorRestore(this.#client, this.#life.signal)
  }

  async *look(_slice: Slice, keys: AsyncIterable<ResourceKey>, context: WriteContext): AsyncIterable<Resource> {
    const { signal } = context
    const rights = await this.#rights(signal)
    // Kind by kind, as they come: a kind is listed once, and only what is asked for is read further.
    let kind = ''
    let wanted: ResourceKey[] = []
    for await (const key of keys) {
      const next = decodeKey(key).kind
      if (next !== kind) {
        yield* this.#lookAt(kind, wanted, rights, signal)
        kind = next
        wanted = []
      }
      wanted.push(key)
    }
    yield* this.#lookAt(kind, wanted, rights, signal)
  }

  async foresee(slice: Slice, change: Change, context: WriteContext): Promise<Forecast> {
    const expected = this.#expectations.of(context.restore, slice.name)
    if (context.planned !== undefined) expected.planned = context.planned
    if (context.made !== undefined) expected.before = context.made
    const work = await this.#work(context, expected)
    const forecast = await foresee(work, change)
    expected.note(formatKey(change.key), forecast.kind, change.after === undefined)
    return forecast
  }

  async apply(_slice: Slice, change: Change, context: WriteContext): Promise<Applied> {
    const [writer, segments] = writerOf(change)
    if (writer === undefined)
      throw new TorikiError('restore-conflict', { message: 'A plan holds a change that Keycloak cannot be asked for.' })
    const work = await this.#work(context, new Expected())
    return await decided(async () => {
      const applied = await writer.apply(work, change, segments, await work.read(change.key))
      if (applied.kind === 'applied' && writer.kind !== 'user') this.#forget()
      return applied
    })
  }

  async complete(_slice: Slice, change: Change, context: WriteContext): Promise<void> {
    const [writer, segments] = writerOf(change)
    const work = await this.#work(context, new Expected())
    await decided(async () => await writer?.complete?.(work, change, segments))
    if (writer?.complete !== undefined) this.#forget()
  }

  async close(): Promise<void> {
    this.#life.abort()
    await Promise.all([this.#client.close(), this.#source?.close()])
  }

  /** We changed what others refer to. */
  #forget(): void {
    this.#target.forget()
    this.#directory.forgetGroups()
  }

  async #work(context: WriteContext, expected: Expected): Promise<Work> {
    const { signal, options } = context
    const rights = await this.#rights(signal)
    return {
      ...{ client: this.#client, target: this.#target, rights, options, signal, expected },
      ...(this.#backupClient === undefined ? {} : { backupClient: this.#backupClient }),
      read: async (key) => {
        for await (const resource of this.#lookAt(decodeKey(key).kind, [key], rights, signal)) return resource
        return undefined
      },
    }
  }

  async *#lookAt(
    kind: string,
    keys: readonly ResourceKey[],
    rights: Rights,
    signal: AbortSignal,
  ): AsyncIterable<Resource> {
    if (keys.length === 0) return
    if (kind === 'user') {
      for (const key of keys) {
        const person = await this.#person(segmentsOf(key)[0] ?? '', rights, signal)
        if (person !== undefined) yield person
      }
      return
    }
    const wanted = new Set(keys.map((key) => JSON.stringify(segmentsOf(key))))
    const { organizations } = rights
    const resources = readShared(this.#client, {
      ...{ organizations, signal, note: () => undefined },
      only: { kind, wants: (segments) => wanted.has(JSON.stringify(segments)) },
    })
    for await (const resource of resources) if (keys.some((key) => compareKeys(key, resource.key) === 0)) yield resource
  }

  async #person(username: string, rights: Rights, signal: AbortSignal): Promise<Resource | undefined> {
    const found = await findUser(this.#client, username, signal)
    if (found === undefined) return undefined
    const { organizations } = rights
    const reader = { client: this.#client, directory: this.#directory, source: this.#source, organizations }
    return await readUser(reader, found, signal, () => undefined)
  }

  async #rights(signal: AbortSignal): Promise<Rights> {
    const rights = await this.#probe.get('rights', signal, (life) => probeRights(this.#client, life))
    requireRights(rights, READING)
    return rights
  }
}

/** The installer's objects are neither made nor removed unless asked; what of them is an administrator's, the kinds know. */
async function foresee(work: Work, change: Change): Promise<Forecast> {
  const [writer, segments] = writerOf(change)
  const { kind } = decodeKey(change.key)
  const changes = change.before !== undefined && change.after !== undefined
  if (!changes && !work.options.installerOwned && isInstallerOwned(kind, segments))
    return { kind: 'left', reason: INSTALLER_LEFT }
  return writer === undefined
    ? cannot('not-restored', `This kind (${kind}) is not restored yet: it is compared only.`)
    : await writer.foresee(work, change, segments)
}

function writerOf({ key }: Change): readonly [KindWriter | undefined, readonly string[]] {
  return [kindWriters.get(decodeKey(key).kind), segmentsOf(key)]
}

function segmentsOf(key: ResourceKey): readonly string[] {
  return decodeKey(key).segments.map((segment) => segment.toString('utf8'))
}
