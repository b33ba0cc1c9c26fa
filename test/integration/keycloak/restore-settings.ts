/**
 * Settings of the seed realm on one real Keycloak (profile, realm, texts, required actions, flows, policies for clients, providers, federations): spoiled, planned, restored,
 * read again. What is not theirs and what is the installer's does not move by a byte; secrets that Keycloak hides are as they were.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import type { Component } from '../../../lib/components/component.ts'
import { keycloakComponent } from '../../../lib/components/keycloak/component.ts'
import { keycloakWriter } from '../../../lib/components/keycloak/write/writer.ts'
import type { Applied, ComponentWriter, Forecast, WriteContext } from '../../../lib/components/writer.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import type { Change } from '../../../lib/resources/change.ts'
import { compareKeys, decodeKey } from '../../../lib/resources/key.ts'
import { SHARED } from '../../../lib/resources/slice.ts'
import { readSlice } from '../../contract/component.ts'
import type { ReadResource } from '../../contract/component.ts'
import { testSettings } from '../../contract/keycloak.ts'
import { buildSeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import type { SeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import { connectAdmin } from '../../kit/servers/admin-rest.ts'
import type { AdminRest } from '../../kit/servers/admin-rest.ts'
import type { KeycloakVersion } from '../../kit/servers/keycloak-install.ts'
import { startKeycloak } from '../../kit/servers/keycloak.ts'
import type { KeycloakServer } from '../../kit/servers/keycloak.ts'
import { startPostgres } from '../../kit/servers/postgres.ts'
import { addSettings, spoilSettings } from './spoil-settings.ts'

export interface SettingsGround {
  readonly server: KeycloakServer
  readonly seed: SeedRealm
}

const KINDS: ReadonlySet<string> = new Set([
  ...['user-profile', 'realm', 'localization', 'required-action', 'flow', 'client-profile', 'client-policy'],
  ...['identity-provider', 'component'],
])
/** Of the installer's, spoiled too: they stay as they are found. */
const LEFT_ALONE = ['identity-provider/github'] as const

type Realm = ReadonlyMap<string, ReadResource>

/** On a server of its own. */
export function describeRestoredSettings(version: KeycloakVersion): void {
  describe(`settings restored on Keycloak ${version}`, () => {
    let ground: SettingsGround & { readonly close: () => Promise<void> }
    beforeAll(async () => {
      const postgres = await startPostgres()
      const server = await startKeycloak({ version, postgres })
      const seed = await buildSeedRealm(server, { bulk: 2 })
      ground = {
        ...{ server, seed },
        async close() {
          await server.stop()
          await postgres.stop()
        },
      }
    }, 900_000)
    afterAll(async () => {
      await ground?.close()
    }, 60_000)
    testRestoredSettings(() => ground)
  })
}

/** On a server that is there, with the seed realm. */
export function testRestoredSettings(ground: () => SettingsGround): void {
  test('settings that were changed, removed and added are as they were, and nothing else moved', async () => {
    await using work = openWork(ground())
    const { rest } = work
    await addSettings(rest)
    const [wanted, others, secrets] = [await work.read(), await work.readOthers(), await hiddenSecrets(ground().server)]
    await spoilSettings(rest)
    const before = await work.read()
    const changes = changesBetween(before, wanted, work.writer.kinds)
    const touched = [...new Set(changes.map(({ key }) => decodeKey(key).kind))].sort()
    expect(touched).toEqual([...KINDS].sort())

    const foreseen = new Map<Change, Forecast>()
    for (const change of changes) foreseen.set(change, await work.writer.foresee(SHARED, change, context()))
    const not = changes.filter((change) => foreseen.get(change)?.kind !== 'will')
    expect(not.map((change) => [writtenOf(change), foreseen.get(change)])).toEqual([])
    expect(await work.readTexts()).toEqual(textsOf(before))

    const meant = changes.filter((change) => {
      const forecast = foreseen.get(change)
      // What would stay as it is has no place in a plan.
      return forecast?.kind === 'will' && !isSameState(forecast.state, change.before?.state)
    })
    for (const change of meant)
      expect([writtenOf(change), (await work.apply(change)).kind]).toEqual([writtenOf(change), 'applied'])
    const after = await work.read()
    for (const change of meant) {
      const forecast = foreseen.get(change) as Extract<Forecast, { kind: 'will' }>
      expect([writtenOf(change), after.get(writtenOf(change))?.state]).toEqual([writtenOf(change), forecast.state])
    }
    expect(differing(after, wanted)).toEqual(['identity-provider/github', 'realm'])
    expect(fieldsBetween(after.get('realm'), wanted.get('realm'))).toEqual(['displayName'])
    for (const key of LEFT_ALONE)
      expect(fieldsBetween(after.get(key), wanted.get(key))).toEqual(['displayName', 'enabled'])

    for (const change of meant)
      expect([writtenOf(change), (await work.apply(change)).kind]).toEqual([writtenOf(change), 'already'])
    for (const change of changesBetween(after, wanted, work.writer.kinds)) {
      const forecast = await work.writer.foresee(SHARED, change, context())
      const state = forecast.kind === 'will' ? forecast.state : undefined
      expect([writtenOf(change), state]).toEqual([writtenOf(change), after.get(writtenOf(change))?.state])
    }
    expect(await work.readOthers()).toEqual(others)
    // The federation and the provider that were removed and made again have none until somebody enters it.
    expect(await hiddenSecrets(ground().server)).toEqual(secrets.filter((secret) => !secret.includes('second-secret')))
  }, 300_000)
}

interface Work extends AsyncDisposable {
  readonly rest: AdminRest
  readonly writer: ComponentWriter
  read(): Promise<Realm>
  readTexts(): Promise<Readonly<Record<string, string>>>
  /** Everything of the realm that is of another kind. */
  readOthers(): Promise<Readonly<Record<string, string>>>
  apply(change: Change): Promise<Applied>
}

function openWork({ server, seed }: SettingsGround): Work {
  const settings = testSettings(server, seed.clients['backup-admin'])
  const component: Component = keycloakComponent(settings)
  const { clientId: client, secret } = seed.clients['backup-rw']
  const writer = keycloakWriter({ ...settings, restore: { client, secret } })
  const all = async (): Promise<readonly ReadResource[]> => (await readSlice(component, SHARED)).resources
  const read = async (): Promise<Realm> =>
    new Map((await all()).filter(isOurs).map((resource) => [resource.written, resource]))
  return {
    rest: connectAdmin(server),
    writer,
    read,
    readTexts: async () => textsOf(await read()),
    readOthers: async () =>
      textsOf(new Map((await all()).filter((one) => !isOurs(one)).map((one) => [one.written, one]))),
    apply: (change) => writer.apply(SHARED, change, context()),
    async [Symbol.asyncDispose]() {
      await writer.close()
      await component.close()
    },
  }
}

function isOurs({ key }: ReadResource): boolean {
  return KINDS.has(decodeKey(key).kind)
}

function context(): WriteContext {
  return {
    clock: systemClock,
    signal: new AbortController().signal,
    restore: '20261121T020000000Z-restore-1f0c2d3e4a',
    options: { installerOwned: false, privileged: false },
  }
}

/** Every difference, in the order of applying. */
function changesBetween(before: Realm, wanted: Realm, kinds: readonly string[]): readonly Change[] {
  const changes: Change[] = []
  for (const [written, want] of wanted) {
    const is = before.get(written)
    if (is !== undefined && textOf(is) === textOf(want)) continue
    const { state, kept } = want
    const secrets = Object.entries(want.secrets).map(([name, text]) => [name, () => Promise.resolve(text)] as const)
    const after = { state, kept, secrets: Object.fromEntries(secrets) }
    changes.push({ key: want.key, ...(is === undefined ? {} : { before: is }), after })
  }
  for (const [written, is] of before) if (!wanted.has(written)) changes.push({ key: is.key, before: is })
  const rank = ({ key }: Change): number => kinds.indexOf(decodeKey(key).kind)
  const sorted = [...changes].sort((a, b) => rank(a) - rank(b) || compareKeys(a.key, b.key))
  return [
    ...sorted.filter(({ after }) => after !== undefined),
    ...sorted.filter(({ after }) => after === undefined).reverse(),
  ]
}

function writtenOf({ key }: Change): string {
  const { kind, segments } = decodeKey(key)
  return [
    kind,
    ...segments.map((segment) => segment.toString('utf8').replaceAll('%', '%25').replaceAll('/', '%2F')),
  ].join('/')
}

function textOf({ state, kept, secrets }: ReadResource): string {
  return JSON.stringify([sorted(state), sorted(kept), sorted(secrets)])
}

function textsOf(realm: Realm): Readonly<Record<string, string>> {
  return Object.fromEntries([...realm].map(([key, one]) => [key, textOf(one)]))
}

function differing(one: Realm, other: Realm): readonly string[] {
  const keys = [...new Set([...one.keys(), ...other.keys()])].sort()
  const text = (realm: Realm, key: string): string => JSON.stringify(sorted(realm.get(key)?.state ?? null))
  return keys.filter((key) => text(one, key) !== text(other, key))
}

function isSameState(one: object | undefined, other: object | undefined): boolean {
  return JSON.stringify(sorted(one ?? null)) === JSON.stringify(sorted(other ?? null))
}

function fieldsBetween(one: ReadResource | undefined, other: ReadResource | undefined): readonly string[] {
  const names = new Set([...Object.keys(one?.state ?? {}), ...Object.keys(other?.state ?? {})])
  return [...names].filter((name) => JSON.stringify(one?.state[name]) !== JSON.stringify(other?.state[name])).sort()
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  )
}

/** What Keycloak shows to nobody, from its database. */
async function hiddenSecrets({
  database: { host, port, name, user, password },
}: KeycloakServer): Promise<readonly string[]> {
  const client = new pg.Client({ host, port, database: name, user, password })
  await client.connect()
  try {
    const { rows } = await client.query<{ secret: string }>(`
      select 'smtp ' || value as secret from realm_smtp_config where name = 'password'
      union all select 'provider ' || value from identity_provider_config where name = 'clientSecret'
      union all select 'federation ' || value from component_config where name = 'bindCredential'
      order by 1`)
    return rows.map(({ secret }) => secret)
  } finally {
    await client.end()
  }
}
