/**
 * How fast people come back into a realm that has none of them, on a real Keycloak 26.7.4 with PostgreSQL: by our writer alone and by the whole product, beside what Keycloak itself offers.
 * `node test/bench/restore-people.ts 1000` (how many); needs what test/kit/servers/README.md says. Fails when people came back otherwise than they were: a wrong answer has no speed.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual, promisify } from 'node:util'
import pLimit from 'p-limit'
import { stringify } from 'yaml'
import { keycloakComponent } from '../../lib/components/keycloak/component.ts'
import { keycloakWriter } from '../../lib/components/keycloak/write/writer.ts'
import type { WriteContext } from '../../lib/components/writer.ts'
import { systemClock } from '../../lib/platform/clock.ts'
import type { Change } from '../../lib/resources/change.ts'
import { userSlice } from '../../lib/resources/slice.ts'
import type { KeycloakSettings } from '../../lib/settings.ts'
import { buildSeedRealm } from '../kit/seed-realm/build-seed-realm.ts'
import { bulkUsers } from '../kit/seed-realm/bulk.ts'
import { fingerprint } from '../kit/seed-realm/fingerprint.ts'
import { importUsers } from '../kit/seed-realm/import-users.ts'
import { connectAdmin, eachOf } from '../kit/servers/admin-rest.ts'
import type { AdminRest } from '../kit/servers/admin-rest.ts'
import { startKeycloak } from '../kit/servers/keycloak.ts'
import type { KeycloakServer } from '../kit/servers/keycloak.ts'
import { startPostgres } from '../kit/servers/postgres.ts'
import { createReadOnlyDatabaseRole } from '../kit/servers/read-only-role.ts'
import { torikiCommand } from './toriki-command.ts'
import { markdownTable } from './table.ts'

/** As `toriki restore` works with `limits.parallel: 8`, the width at which Keycloak is fastest. */
const PARALLEL = 8
const VERSION = '26.7.4'
const count = Number(process.argv[2] ?? 1000)
const run = promisify(execFile)

const folder = mkdtempSync(join(tmpdir(), 'toriki-bench-'))
const postgres = await startPostgres()
const server = await startKeycloak({ version: VERSION, postgres })
const rows: string[][] = []
const loads: number[] = []
try {
  const rest = connectAdmin(server)
  const seed = await buildSeedRealm(server, { bulk: count })
  // Keycloak's import refuses its own export when somebody is in a group with a slash in its name ("Unable to find group specified by path").
  for (const { id, name } of await rest.get<{ id: string; name: string }[]>('/nebari/groups?max=1000'))
    if (name.includes('/')) await rest.delete(`/nebari/groups/${id}`)
  const databaseUrl = await createReadOnlyDatabaseRole(postgres, server.database)
  const accounts = { reading: seed.clients['backup-ro'], writing: seed.clients['backup-rw'] }
  const settings: KeycloakSettings = {
    url: server.url,
    realm: 'nebari',
    login: { client: accounts.reading.clientId, secret: accounts.reading.secret },
    requestsPerSecond: 100_000,
    credentials: { postgres: databaseUrl },
    restore: { client: accounts.writing.clientId, secret: accounts.writing.secret },
  }
  const names = bulkUsers(count).map(({ username }) => username)
  const changes = await readChanges(settings, names)
  const before = await people(server)
  const settingsFile = writeSettings(settings, databaseUrl)
  await toriki(settingsFile, ['init'])
  row('(for comparison: `toriki backup` of them and the realm)', await timed(() => toriki(settingsFile, ['backup'])))
  await server.exportRealm('nebari', join(folder, 'with'))

  await removeBulk(rest)
  await server.exportRealm('nebari', join(folder, 'without'))
  const foreseen = await timed(() => everybody(settings, changes, 'foresee'))
  const made = await timed(() => everybody(settings, changes, 'apply'))
  const proven = await timed(() => everybody(settings, changes, 'look'))
  await mustBe(before, 'our writer')
  row('our writer, 8 people at once: foreseen', foreseen)
  row('our writer: made', made)
  row('our writer: read again', proven)

  await removeBulk(rest)
  const whole = await timed(() => toriki(settingsFile, ['restore', '--all', '--privileged', '--yes']))
  await mustBe(before, 'toriki restore')
  row('`toriki restore --all --privileged --yes`, whole: plan, safety snapshot, made, proven', whole)

  await removeBulk(rest)
  const chunked = await timed(() => importUsers(rest, bulkUsers(count)))
  await mustBe(before, 'partialImport')
  row('`partialImport`, 20 people a request, 8 requests at once', chunked)

  await removeBulk(rest)
  const once = await timed(() =>
    rest.post('/nebari/partialImport', { ifResourceExists: 'FAIL', users: bulkUsers(count) }),
  )
  await mustBe(before, 'one partialImport')
  row('one `partialImport` of all', once)

  await rest.delete('/nebari')
  const bare = (await server.importRealm(join(folder, 'without'))) / 1000
  await rest.delete('/nebari')
  const imported = (await server.importRealm(join(folder, 'with'))) / 1000
  await mustBe(before, 'kc.sh import')
  row('`kc.sh import` of the whole realm, server down', imported)
  row('`kc.sh import`, without what the realm alone takes', Math.max(0, imported - bare))

  const load = `load average ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)} (2 and more are its own: Keycloak and what writes to it)`
  process.stdout.write(
    `${count} people, Keycloak ${VERSION}, PostgreSQL ${postgres.major}, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${load}\n\n`,
  )
  process.stdout.write(markdownTable(['way', 'time', 'people/s'], rows))
} finally {
  rmSync(folder, { recursive: true, force: true })
  await server.stop()
  await postgres.stop()
}

function row(what: string, seconds: number): void {
  loads.push(loadavg()[0] ?? 0)
  rows.push([what, `${seconds.toFixed(1)} s`, seconds > 0 ? String(Math.round(count / seconds)) : '–'])
  process.stderr.write(`${what}: ${seconds.toFixed(1)} s\n`)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 1000
}

/** One command as a process of its own, as an admin starts it. */
async function toriki(settingsFile: string, words: readonly string[]): Promise<void> {
  const [program, ...start] = torikiCommand()
  await run(program, [...start, '--settings', settingsFile, '--json', ...words], { maxBuffer: 2 ** 30 })
}

function writeSettings({ url, realm, login, restore }: KeycloakSettings, databaseUrl: string): string {
  if (!('client' in login) || restore === undefined) throw new Error('the bench logs in by clients')
  const secret = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
    return `\${file:${join(folder, name)}}`
  }
  const file = join(folder, 'toriki.yaml')
  const keycloak = {
    url,
    realm,
    client: login.client,
    secret: secret('reading', login.secret),
    credentials: { postgres: secret('database', databaseUrl) },
    restore: { client: restore.client, secret: secret('writing', restore.secret) },
  }
  const limits = { parallel: PARALLEL, requestsPerSecond: { keycloak: 100_000 } }
  writeFileSync(file, stringify({ deployment: 'bench', components: { keycloak }, limits }))
  return file
}

async function removeBulk(rest: AdminRest): Promise<void> {
  const some = await rest.get<{ id: string }[]>(`/nebari/users?username=bulk-&max=${count}`)
  await eachOf(some, PARALLEL, ({ id }) => rest.delete(`/nebari/users/${id}`))
}

/** The many people as an independent reader sees them, hashes, ids and dates included. */
async function people(of: KeycloakServer): Promise<ReadonlyMap<string, unknown>> {
  const { state, kept } = await fingerprint(of)
  return new Map(
    Object.entries(state.user ?? {})
      .filter(([name]) => name.startsWith('bulk-'))
      .map(([name, value]) => [name, { ...kept[name], value: withAttributesAsSets(value) }]),
  )
}

/** The values of an attribute are a set: Keycloak keeps no order. */
function withAttributesAsSets(person: unknown): unknown {
  const { attributes = {}, ...rest } = person as { attributes?: Record<string, string[]> }
  return { ...rest, attributes: Object.entries(attributes).map(([name, values]) => [name, values.toSorted()]) }
}

async function mustBe(before: ReadonlyMap<string, unknown>, way: string): Promise<void> {
  const after = await people(server)
  const wrong = [...before].filter(([name, value]) => !isDeepStrictEqual(value, after.get(name)))
  if (before.size === count && after.size === count && wrong.length === 0) return
  throw new Error(`${way}: ${after.size} of ${before.size} people are there, ${wrong.length} not as they were`)
}

async function readChanges(settings: KeycloakSettings, usernames: readonly string[]): Promise<readonly Change[]> {
  const component = keycloakComponent(settings)
  const context = { clock: systemClock, signal: new AbortController().signal, note: () => undefined }
  const changes: Change[] = []
  await eachOf(usernames, PARALLEL, async (username) => {
    for await (const { key, state, kept = {}, secrets = {} } of component.read(userSlice(username), context)) {
      const texts = Object.entries(secrets).map(([name, text]) => [name, () => Promise.resolve(text)] as const)
      changes.push({ key, after: { state, kept, secrets: Object.fromEntries(texts) } })
    }
  })
  await component.close()
  return changes
}

async function everybody(
  settings: KeycloakSettings,
  changes: readonly Change[],
  what: 'foresee' | 'apply' | 'look',
): Promise<void> {
  const writer = keycloakWriter(settings)
  const limit = pLimit(PARALLEL)
  const context: WriteContext = {
    clock: systemClock,
    signal: new AbortController().signal,
    restore: '20261121T020000000Z-restore-1f0c2d3e4a',
    options: { installerOwned: false, privileged: true },
  }
  const slice = userSlice('somebody')
  const one = async (change: Change): Promise<void> => {
    if (what === 'look') {
      let found = 0
      for await (const _ of writer.look(slice, only(change.key), context)) found++
      if (found !== 1) throw new Error('somebody is not there')
      return
    }
    const answer = await writer[what](slice, change, context)
    if (answer.kind !== 'will' && answer.kind !== 'applied') throw new Error(`${what}: ${answer.kind}`)
  }
  await Promise.all(changes.map((change) => limit(one, change)))
  await writer.close()
}

async function* only<T>(value: T): AsyncGenerator<T> {
  yield value
}
