/** The whole product on a real Keycloak with its real database, and real homes with every kind of entry. */
import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isLocalName } from '../../../lib/resources/slice.ts'
import { checkIndependently } from '../../kit/acceptance/check-independently.ts'
import { findBelow } from '../../kit/acceptance/find-planted.ts'
import { homeFiles } from '../../kit/acceptance/home-files.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Nebari, Report } from '../../kit/acceptance/nebari.ts'
import { storeObjects, writtenSince } from '../../kit/acceptance/store-objects.ts'
import { storedFiles, storedSnapshots, withStored } from '../../kit/acceptance/stored-snapshots.ts'
import { buildHome } from '../../kit/homes/build-home.ts'
import { buildSeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import type { SeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import { mutateRealm } from '../../kit/seed-realm/mutate-realm.ts'
import { startKeycloak } from '../../kit/servers/keycloak.ts'
import type { KeycloakServer } from '../../kit/servers/keycloak.ts'
import { startPostgres } from '../../kit/servers/postgres.ts'
import type { Postgres } from '../../kit/servers/postgres.ts'
import { createReadOnlyDatabaseRole } from '../../kit/servers/read-only-role.ts'

/** Past the first page of every list. */
const BULK = 130
/** Whose home holds every kind of entry. */
const EVERYTHING = 'rich1'

let postgres: Postgres
let server: KeycloakServer
let seed: SeedRealm
let nebari: Nebari
/** People whose names can be those of directories. */
let people: readonly string[]

beforeAll(async () => {
  postgres = await startPostgres()
  server = await startKeycloak({ version: '26.7.4', postgres })
  seed = await buildSeedRealm(server, { bulk: BULK })
  const databaseUrl = await createReadOnlyDatabaseRole(postgres, server.database)
  people = seed.expected.usernames.filter((name) => isLocalName(Buffer.from(name)))
  nebari = await makeNebari({
    users: 0,
    async homes(root) {
      mkdirSync(join(root, 'home'))
      await buildHome(join(root, 'home', EVERYTHING))
      // Paths longer than any call takes are looked at by the component's own tests: nothing plain could compare them here.
      execFileSync('rm', ['-rf', join(root, 'home', EVERYTHING, 'deep')])
      for (const name of people.filter((one) => one !== EVERYTHING)) {
        mkdirSync(join(root, 'home', name))
        writeFileSync(join(root, 'home', name, 'whose.txt'), name)
        writeFileSync(join(root, 'home', name, 'plan.md'), `# Plan of ${name}\n`)
      }
      for (const group of ['analyst', 'developer']) {
        mkdirSync(join(root, 'shared', group), { recursive: true })
        writeFileSync(join(root, 'shared', group, 'readme'), group)
      }
      writeFileSync(join(root, '..', 'client-secret'), seed.clients['backup-ro'].secret)
      writeFileSync(join(root, '..', 'database-url'), databaseUrl)
      return people
    },
    change(settings) {
      settings.components.keycloak = {
        url: server.url,
        realm: seed.realm,
        client: seed.clients['backup-ro'].clientId,
        secret: '${file:client-secret}',
        credentials: { postgres: '${file:database-url}' },
      }
      settings.limits = { ...settings.limits, requestsPerSecond: { keycloak: 5_000 } }
    },
  })
}, 900_000)
afterAll(async () => {
  await server?.stop()
  await postgres?.stop()
}, 60_000)

const slices = (): number => people.length + 2 + 1

test('`doctor` finds nothing wrong', async () => {
  const doctor = await nebari.toriki(['doctor'])
  expect(doctor.out).not.toContain('FAIL')
  expect(doctor.status).toBe(0)
})

test('every person, group, role and file is in the snapshots, counts equal the source’s, hashes are there, and nothing of it in clear', async () => {
  const report = await nebari.json<Report>('backup')
  expect(report).toMatchObject({ outcome: 'complete', slices: { total: slices(), saved: slices() }, failures: [] })

  const users = await nebari.json<{ name: string; known: Record<string, boolean> }[]>('users')
  expect(users.map(({ name }) => name).sort()).toEqual([...people].sort())
  expect(users.filter(({ known }) => known['keycloak'] !== true || known['files'] !== true)).toEqual([])
  expect(seed.expected.userCount - people.length).toBe(seed.expected.usernames.length - people.length)

  const keys = (await nebari.json<{ key: string }[]>('ls', 'latest', 'keycloak', '--shared')).map(({ key }) => key)
  const segment = (text: string): string => text.replaceAll('%', '%25').replaceAll('/', '%2F')
  const { groups, realmRoles, clients, clientRoles, organizations, identityProviders } = seed.expected
  expect(keys).toEqual(
    expect.arrayContaining([
      ...groups.map((path) => `group/${path.map(segment).join('/')}`),
      ...realmRoles.map((name) => `realm-role/${segment(name)}`),
      ...clients.map((name) => `client/${segment(name)}`),
      ...Object.entries(clientRoles).flatMap(([client, roles]) =>
        roles.map((role) => `client-role/${segment(client)}/${segment(role)}`),
      ),
      ...identityProviders.map((name) => `identity-provider/${segment(name)}`),
      ...organizations.map((name) => `organization/${segment(name)}`),
    ]),
  )
  expect(keys.filter((key) => key.startsWith('group/'))).toHaveLength(groups.length)

  let files = 0
  await withStored(nebari.settings, async (repository) => {
    for await (const stored of storedSnapshots(repository)) {
      const [kind, name = ''] = stored.slice.split('/')
      if (kind === 'shared') continue
      if (kind === 'user') expect(stored.snapshot.components['keycloak']?.resources).toBe(1)
      const directory = kind === 'user' ? nebari.home(name) : join(nebari.root, 'shared', name)
      const there = homeFiles(directory)
      expect(await storedFiles(stored)).toEqual(there)
      files += there.size
    }
  })
  expect(files).toBeGreaterThan(2 * people.length)

  for (const { username, record } of seed.users.filter((user) => people.includes(user.username))) {
    const body = await nebari.json<{ secrets?: Record<string, string> }>(
      'cat',
      'latest',
      'keycloak',
      `user/${segment(username)}`,
      `--user=${username}`,
      '--secrets',
    )
    const stored = Object.values(body.secrets ?? {}).join('\n')
    for (const { secretData } of record.credentials) {
      const { value } = JSON.parse(secretData) as { value?: string }
      if (value !== undefined && username !== 'self-changed')
        expect([username, stored]).toEqual([username, expect.stringContaining(value)])
    }
  }
  expect([...findBelow(nebari.store, seed.plantedSecrets), ...findBelow(nebari.queue, seed.plantedSecrets)]).toEqual([])
  expect((await checkIndependently(nebari)).violations).toEqual([])
}, 600_000)

test('a second run of the unchanged deployment stores no content and 2 objects per slice', async () => {
  const before = storeObjects(nebari.store)
  expect(await nebari.json<Report>('backup')).toMatchObject({ outcome: 'complete', slices: { saved: slices() } })
  // Ticks are counted by the minutes that a run takes.
  const { 'runs/ticks': _, ...written } = writtenSince(before, storeObjects(nebari.store))
  expect(written).toEqual({
    'slices/snapshots': slices(),
    'runs/events': slices(),
    'runs/run': 1,
    'runs/slices': 1,
    'runs/summaries': 1,
  })
}, 600_000)

test('`diff` of two nights shows exactly what was changed between them', async () => {
  const before = new Map<string, string>()
  for (const { id, slice } of await nebari.json<{ id: string; slice: string }[]>('snapshots'))
    if (!before.has(slice)) before.set(slice, id)
  await mutateRealm(server, seed)
  appendFileSync(join(nebari.home('rich1'), 'modes/private'), ' and more')
  writeFileSync(join(nebari.home('totp-two'), 'new.txt'), 'new')
  rmSync(join(nebari.home('fed-two'), 'whose.txt'))
  const report = await nebari.json<Report>('backup')
  // An account that is gone while its home is there is doubted until somebody says that it is true.
  expect(report).toMatchObject({ outcome: 'partial', failures: [], slices: { suspect: 1, failed: 0, partial: 0 } })
  expect((await nebari.toriki(['accept', report.run, '--user', 'to-be-deleted', '--yes'])).status).toBe(0)
  expect(await nebari.json<Report>('status')).toMatchObject({ outcome: 'complete' })

  const seen = { added: [] as string[], removed: [] as string[], changed: {} as Record<string, readonly string[]> }
  for (const [slice, id] of before) {
    const now = (await nebari.json<{ id: string }[]>('snapshots', ...selectionOf(slice)))[0]?.id ?? ''
    const diff = await nebari.json<{
      added: { component: string; key: string }[]
      removed: { component: string; key: string }[]
      changed: { component: string; key: string; fields: string[] }[]
    }>('diff', id, now)
    const where = ({ component, key }: { component: string; key: string }): string =>
      component === 'files' ? `${slice}: ${key}` : key
    seen.added.push(...diff.added.map(where))
    seen.removed.push(...diff.removed.map(where))
    for (const change of diff.changed) seen.changed[where(change)] = change.fields
  }
  expect({ ...seen, added: seen.added.sort(), removed: seen.removed.sort() }).toEqual({
    added: ['group/projects/p16', 'realm-role/role-added', 'user/totp-two: new.txt'],
    removed: ['group/empty', 'user/fed-two: whose.txt', 'user/to-be-deleted'],
    changed: {
      'client/lab-portal': ['redirectUris'],
      'client-role/jupyterhub/my-perm': ['attributes.scopes'],
      'group/admin': ['attributes.jupyterlab_profiles'],
      'group/b/x': ['realmRoles'],
      'identity-provider/oidc-uni': ['displayName'],
      'localization/de': ['texts.greeting'],
      realm: ['displayName'],
      'realm-role/level-two': ['composites.realm'],
      'organization/org-2': ['description'],
      'user/fed-two': ['federatedIdentities.oidc-uni'],
      'user/old-created': ['email', 'lastName'],
      'user/rich1': ['clientRoles.jupyterhub', 'groups', 'realmRoles'],
      'user/self-changed': expect.arrayContaining(['credentials.password.created', 'secrets.password']),
      'user/totp-two': expect.arrayContaining(['credentials.otp-2', 'secrets.otp-2']),
      'user/rich1: modes/private': expect.arrayContaining(['content', 'mtime', 'size']),
      'user/totp-two: .': ['mtime'],
      'user/fed-two: .': ['mtime'],
    },
  })
  expect(await nebari.json('snapshots', '--user', 'to-be-added')).toHaveLength(1)
}, 600_000)

function selectionOf(slice: string): readonly string[] {
  const [kind, name = ''] = slice.split('/')
  return kind === 'shared' ? ['--shared'] : [`--${kind}=${name}`]
}
