/** The whole product on S3, SQS and KMS with a real Keycloak, its real database and real homes: one person who cannot be read, replay, and a worker killed on the way. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { isLocalName } from '../../../lib/resources/slice.ts'
import { startAwsPlaces } from '../../kit/acceptance/aws-places.ts'
import type { AwsPlaces } from '../../kit/acceptance/aws-places.ts'
import { checkIndependently } from '../../kit/acceptance/check-independently.ts'
import { findIn } from '../../kit/acceptance/find-planted.ts'
import { homeFiles } from '../../kit/acceptance/home-files.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Nebari, Report } from '../../kit/acceptance/nebari.ts'
import { onePoisoned } from '../../kit/acceptance/one-poisoned.ts'
import { poisonedHome } from '../../kit/acceptance/poisoned-home.ts'
import { storedBytes, withPlatform } from '../../kit/acceptance/stored-objects.ts'
import { storedFiles, storedSnapshots, withStored } from '../../kit/acceptance/stored-snapshots.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'
import { workToTheEnd } from '../../kit/acceptance/workers-elsewhere.ts'
import { buildHome } from '../../kit/homes/build-home.ts'
import { buildSeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import type { SeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import { startKeycloak } from '../../kit/servers/keycloak.ts'
import type { KeycloakServer } from '../../kit/servers/keycloak.ts'
import { startPostgres } from '../../kit/servers/postgres.ts'
import type { Postgres } from '../../kit/servers/postgres.ts'
import { createReadOnlyDatabaseRole } from '../../kit/servers/read-only-role.ts'

/** Whose home holds every kind of entry. */
const EVERYTHING = 'rich1'
const POISONED = 'totp-two'

let places: AwsPlaces
let postgres: Postgres
let server: KeycloakServer
let seed: SeedRealm
let nebari: Nebari
/** People whose names can be those of directories. */
let people: readonly string[]

beforeAll(async () => {
  ;[places, postgres] = await Promise.all([startAwsPlaces(), startPostgres()])
  server = await startKeycloak({ version: '26.7.4', postgres })
  seed = await buildSeedRealm(server)
  const databaseUrl = await createReadOnlyDatabaseRole(postgres, server.database)
  people = seed.expected.usernames.filter((name) => isLocalName(Buffer.from(name)))
  const made = await places.make('aws', 'real-keycloak')
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
      }
      writeFileSync(join(root, '..', 'client-secret'), seed.clients['backup-ro'].secret)
      writeFileSync(join(root, '..', 'database-url'), databaseUrl)
      return people
    },
    change(settings) {
      Object.assign(settings, made)
      settings.components.files = { ...settings.components.files, group: undefined }
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
  await places?.stop()
}, 60_000)

const slices = (): number => people.length + 1

test('one home that is a link: everybody else whole; mended, replay completes the same run; again, nothing is written', async () => {
  const { backup, replay, again, writtenAgain } = await onePoisoned(nebari, poisonedHome(nebari, POISONED))
  expect(backup).toMatchObject({
    status: 3,
    report: { outcome: 'partial', slices: { total: slices(), saved: slices() - 1, partial: 1 } },
  })
  expect(backup.report.failures).toMatchObject([
    { slice: `user/${POISONED}`, component: 'files', code: 'home-is-link' },
  ])
  expect(replay).toMatchObject({
    status: 0,
    report: { run: backup.report.run, outcome: 'complete', slices: { total: slices(), saved: slices() } },
  })
  expect(again).toMatchObject({ status: 0, report: { run: backup.report.run, outcome: 'complete' } })
  const { 'runs/ticks': _, ...written } = writtenAgain
  expect(written).toEqual({})
})

test('a worker killed (-9) in the middle of the next run, another one ends it: every file and account is there, nothing in clear', async () => {
  nebari.configure((settings) => {
    settings.workers = 'functions'
  })
  const { run } = await nebari.json<{ run: string }>('backup', '--detach')
  const worker = startToriki(nebari.settings, ['work'], { leaseMs: 2_000 })
  let report: Report
  do report = await nebari.json<Report>('status', run)
  while (report.slices.saved < slices() / 4)
  worker.kill('SIGKILL')
  await worker.ended
  const ended = await workToTheEnd(nebari)
  expect(ended.json<Report>()).toMatchObject({ run, outcome: 'complete', slices: { total: slices(), saved: slices() } })

  let seen = 0
  await withStored(nebari.settings, async (repository) => {
    for await (const stored of storedSnapshots(repository)) {
      if (stored.snapshot.run !== run) continue
      seen++
      const [kind, name = ''] = stored.slice.split('/')
      if (kind === 'shared') continue
      expect(stored.snapshot.components['keycloak']?.resources).toBe(1)
      expect(await storedFiles(stored)).toEqual(homeFiles(nebari.home(name)))
    }
  })
  expect(seen).toBe(slices())
  const objects = await withPlatform(nebari.settings, storedBytes)
  const clear = [...objects].flatMap(([key, bytes]) => [
    ...findIn(`the key ${key}`, key, seed.plantedSecrets),
    ...findIn(key, bytes, seed.plantedSecrets),
  ])
  expect(clear).toEqual([])
  expect((await checkIndependently(nebari)).violations).toEqual([])
})
