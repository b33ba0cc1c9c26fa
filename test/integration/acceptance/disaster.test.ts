/** docs/disaster.md is a script: its commands, as they stand there, with a new Keycloak, an empty folder, and nothing left of before but the store and the keys. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { BACKUP_ROLES, RESTORE_ROLES } from '../../../lib/cli/keycloak-steps.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Report } from '../../kit/acceptance/nebari.ts'
import { toriki } from '../../kit/command-line.ts'
import { buildHome, homeMap } from '../../kit/homes/build-home.ts'
import { buildSeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import type { SeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import { grant, REALM } from '../../kit/seed-realm/building.ts'
import { compareFingerprints } from '../../kit/seed-realm/compare-fingerprints.ts'
import { fingerprint } from '../../kit/seed-realm/fingerprint.ts'
import type { Fingerprint } from '../../kit/seed-realm/fingerprint.ts'
import { withoutForeseen } from '../../kit/seed-realm/foreseen.ts'
import type { ForeseenItem } from '../../kit/seed-realm/foreseen.ts'
import { buildInstallerLayer } from '../../kit/seed-realm/installer.ts'
import { loginWithPassword } from '../../kit/seed-realm/login.ts'
import { connectAdmin, eachOf } from '../../kit/servers/admin-rest.ts'
import { ensureRsync } from '../../kit/servers/install.ts'
import { installKeycloak } from '../../kit/servers/keycloak-install.ts'
import { startKeycloak } from '../../kit/servers/keycloak.ts'
import type { KeycloakServer } from '../../kit/servers/keycloak.ts'
import { startPostgres } from '../../kit/servers/postgres.ts'
import type { Postgres } from '../../kit/servers/postgres.ts'
import { createReadOnlyDatabaseRole } from '../../kit/servers/read-only-role.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))
const VERSION = '26.7.4'
const page = readFileSync(join(REPOSITORY, 'docs', 'disaster.md'), 'utf8')
const blocks = [...page.matchAll(/^```sh( fill-in)?\n(.*?)^```$/gms)].map(([, own, text = '']) => ({
  isOwn: own !== undefined,
  text,
}))
/** Homes of these, and whose holds every kind of entry. */
const PEOPLE = ['rich1', 'rich2', 'plain', 'bulk-00001']
const EVERYTHING = 'rich1'
const SECRETS = { KEYCLOAK_SECRET: 'a secret of before', KEYCLOAK_RESTORE_SECRET: 'another of before' }

let postgres: Postgres
let server: KeycloakServer
let seed: SeedRealm
let before: Fingerprint
let root: string
/** The homes as they were backed up. */
let wanted: string
let environment: Readonly<Record<string, string>>
/** Where Keycloak was before. */
let formerUrl: string

beforeAll(async () => {
  await ensureRsync()
  postgres = await startPostgres()
  server = await startKeycloak({ version: VERSION, postgres })
  seed = await buildSeedRealm(server, { bulk: 5 })
  formerUrl = server.url
  const outside = await temporaryFolder()
  const places = { STORE: join(outside, 'toriki-data'), KEYRING: join(outside, 'keyring') }
  const keycloak = await installKeycloak(VERSION, '/auth')
  const path = `${join(REPOSITORY, 'bin')}:${join(keycloak, 'bin')}:${process.env['PATH'] ?? ''}`
  environment = {
    ...{ PATH: path, HOME: outside, ...places, DEPLOYMENT: 'acceptance' },
    TORIKI_SETTINGS: join(outside, 'toriki.yaml'),
    ...(await placesOf(server)),
  }
  await makeAccounts()
  Object.assign(process.env, SECRETS, { KEYCLOAK_DATABASE_URL: environment['KEYCLOAK_DATABASE_URL'] })

  const nebari = await makeNebari({
    users: 0,
    homes: makeHomes,
    change(settings) {
      settings.components.keycloak = {
        url: server.url,
        realm: seed.realm,
        client: 'toriki-backup',
        secret: '${env:KEYCLOAK_SECRET}',
        credentials: { postgres: '${env:KEYCLOAK_DATABASE_URL}' },
        restore: { client: 'toriki-restore', secret: '${env:KEYCLOAK_RESTORE_SECRET}' },
      }
      settings.limits = { attempts: 2, requestsPerSecond: { keycloak: 5_000 } }
    },
  })
  const report = await nebari.json<Report>('backup')
  expect(report).toMatchObject({ outcome: 'complete', failures: [] })
  before = await fingerprint(server)
  root = nebari.root
  wanted = join(outside, 'wanted')
  execFileSync('cp', ['-a', root, wanted])

  // The disaster. What is outside: a copy of the store, and the keys.
  cpSync(nebari.store, places.STORE, { recursive: true })
  cpSync(join(nebari.folder, 'keyring'), places.KEYRING)
  for (const name of Object.keys(SECRETS)) Reflect.deleteProperty(process.env, name)
  rmSync(nebari.folder, { recursive: true })
  await server.stop()

  // What the installer of Nebari makes anew.
  server = await startKeycloak({ version: VERSION, postgres })
  const rest = connectAdmin(server)
  await buildInstallerLayer({ rest, version: VERSION, variant: 'A', organizations: true, large: false })
  mkdirSync(root, { recursive: true })
  environment = { ...environment, FILES: root, ...(await placesOf(server)) }
}, 900_000)
afterAll(async () => {
  await server?.stop()
  await postgres?.stop()
}, 60_000)

test('the first block names what is yours, and nothing else on the page has to be changed', () => {
  const [own, ...more] = blocks.filter(({ isOwn }) => isOwn)
  const names = [...(own?.text ?? '').matchAll(/^export ([A-Z_]+)=/gm)].map(([, name]) => name)
  expect(more).toEqual([])
  expect(new Set(names)).toEqual(new Set(Object.keys(environment).filter((name) => name !== 'PATH' && name !== 'HOME')))
  expect(blocks.filter(({ isOwn, text }) => !isOwn && /example\.org|campus|\/mnt\//.test(text))).toEqual([])
})

let printed = ''

test('with the store and the keys alone, the commands of the page end well', () => {
  const script = blocks.flatMap(({ isOwn, text }) => {
    if (isOwn) return []
    // What the page leaves to whoever looks at the settings: another address.
    if (text.includes('--from-store')) return [text, `sed -i 's|${formerUrl}|${server.url}|' "$TORIKI_SETTINGS"\n`]
    if (!text.includes('toriki restore --all')) return [text]
    return [`toriki --json restore plan --all --privileged >"$HOME/plan.json"\n`, text]
  })
  printed = run(script.join('\n'), environment)
  expect(printed).toMatch(/^Restore \S+: complete/m)
  expect(printed.match(/^Run \S+: \w+/gm)).toEqual([
    expect.stringMatching('partial'),
    expect.stringMatching('complete'),
  ])
}, 900_000)

test('the only check that fails on the way is the one that the page names, and none fails at the end', () => {
  const failed = [...printed.matchAll(/^FAIL (.*)$/gm)].map(([, check = '']) => check)
  expect(failed).toEqual(['files: homes found: 0'])
  expect(page).toContain(`\`${failed[0]}\``)
  expect(printed).toMatch(/^All \d+ checks passed\.$/m)
})

test('every account, group, role, binding and setting is as it was before, but for what the plan said beforehand', async () => {
  const after = await fingerprint(server)
  const { items } = JSON.parse(readFileSync(join(environment['HOME'] ?? '', 'plan.json'), 'utf8')) as PlanJson
  const [was, is] = [before, after].map((one) => withoutForeseen(one, items))
  expect(compareFingerprints(was ?? before, is ?? after)).toEqual([])
  expect(after.kept).toEqual(before.kept)
}, 300_000)

test('every home is as it was, to the last bit of its modes, owners, times, links and holes', () => {
  for (const folder of [...PEOPLE.map((name) => join('home', name)), join('shared', 'analyst')]) {
    const [from, to] = [join(wanted, folder), join(root, folder)]
    const differing = execFileSync('rsync', ['-naiHAX', '--checksum', '--delete', `${from}/`, `${to}/`])
    expect([folder, differing.toString('utf8')]).toEqual([folder, ''])
  }
  for (const folder of ['home', 'shared'])
    expect(readdirSync(join(root, folder))).toEqual(readdirSync(join(wanted, folder)))
})

test('a second restore plans nothing', async () => {
  Object.assign(process.env, SECRETS, { KEYCLOAK_DATABASE_URL: environment['KEYCLOAK_DATABASE_URL'] })
  const words = ['--json', 'restore', 'plan', '--all', '--in-place', '--privileged']
  const { changes, failures } = (await toriki(environment['TORIKI_SETTINGS'] ?? '', words)).json<PlanJson>()
  expect([changes, failures]).toEqual([expect.objectContaining({ create: 0, update: 0, delete: 0, cannot: 0 }), []])
}, 300_000)

test('all people log in with the password and the device that they had', async () => {
  const people = seed.users.filter(({ username }) => !username.includes('/'))
  const wrong = await eachOf(people, 4, async ({ username, password, login, otp }) => {
    if (password === undefined) return []
    const device = otp[0]
    const { accepted, reason } = await loginWithPassword(server, { username, password, ...(device && { device }) })
    return accepted === (login === 'accepted') ? [] : [`${username}: ${String(reason)}`]
  })
  expect(wrong.flat()).toEqual([])
}, 600_000)

interface PlanJson {
  readonly changes: Readonly<Record<string, number>>
  readonly items: readonly ForeseenItem[]
  readonly failures: readonly object[]
}

/** Toriki's own, as they were made when it was installed. */
async function makeAccounts(): Promise<void> {
  const rest = connectAdmin(server)
  const make = async (clientId: string, secret: string, roles: readonly string[]): Promise<void> => {
    const flows = { publicClient: false, serviceAccountsEnabled: true, standardFlowEnabled: false }
    const id = await rest.post(`/${REALM}/clients`, { clientId, secret, ...flows, directAccessGrantsEnabled: false })
    const account = await rest.get<{ id: string }>(`/${REALM}/clients/${id}/service-account-user`)
    await grant(rest, `/users/${account.id}`, { client: { 'realm-management': roles } })
  }
  await make('toriki-backup', SECRETS.KEYCLOAK_SECRET, [...BACKUP_ROLES, 'view-organizations'])
  const restoring = [...RESTORE_ROLES, 'view-organizations', 'manage-organizations']
  await make('toriki-restore', SECRETS.KEYCLOAK_RESTORE_SECRET, restoring)
}

/** What the page asks for of a Keycloak. */
async function placesOf(keycloak: KeycloakServer): Promise<Readonly<Record<string, string>>> {
  return {
    KEYCLOAK: keycloak.url,
    KEYCLOAK_ADMIN: keycloak.admin.username,
    KC_CLI_PASSWORD: keycloak.admin.password,
    KEYCLOAK_DATABASE_URL: await createReadOnlyDatabaseRole(postgres, keycloak.database),
  }
}

/** @returns what it printed. */
function run(script: string, env: Readonly<Record<string, string>>): string {
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    env: { ...env, LANG: 'C.UTF-8' },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  if (status !== 0) throw new Error(`the script ended with ${status}:\n${stderr.slice(-6000)}\n${stdout.slice(-6000)}`)
  return `${stdout}\n${stderr}`
}

async function makeHomes(base: string): Promise<readonly string[]> {
  mkdirSync(join(base, 'home'))
  await buildHome(join(base, 'home', EVERYTHING))
  // What nobody makes again, and paths longer than any call takes.
  for (const name of [homeMap.socket, homeMap.device.path])
    rmSync(join(base, 'home', EVERYTHING, name), { force: true })
  execFileSync('rm', ['-rf', join(base, 'home', EVERYTHING, 'deep')])
  for (const name of PEOPLE.filter((one) => one !== EVERYTHING)) {
    const notes = join(base, 'home', name, 'notes')
    mkdirSync(notes, { recursive: true })
    writeFileSync(join(notes, 'whose.txt'), name)
    writeFileSync(join(notes, 'plan.md'), `# Plan of ${name}\n`)
  }
  mkdirSync(join(base, 'shared', 'analyst'), { recursive: true })
  writeFileSync(join(base, 'shared', 'analyst', 'readme'), 'analyst')
  return PEOPLE
}
