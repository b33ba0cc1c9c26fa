/**
 * How fast people come back into an empty realm on a real Keycloak 26.7.4 with PostgreSQL: by our writer alone and by the whole product, beside what Keycloak itself offers. Arguments: how many.
 * `node test/bench/restore-people.ts 1000`; needs what test/kit/servers/README.md says.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import { keycloakComponent } from '../../lib/components/keycloak/component.ts'
import { keycloakWriter } from '../../lib/components/keycloak/write/writer.ts'
import type { WriteContext } from '../../lib/components/writer.ts'
import { systemClock } from '../../lib/platform/clock.ts'
import type { Change } from '../../lib/resources/change.ts'
import { userSlice } from '../../lib/resources/slice.ts'
import type { KeycloakSettings } from '../../lib/settings.ts'
import { buildSeedRealm } from '../kit/seed-realm/build-seed-realm.ts'
import { bulkUsers } from '../kit/seed-realm/bulk.ts'
import { connectAdmin, eachOf } from '../kit/servers/admin-rest.ts'
import type { AdminRest } from '../kit/servers/admin-rest.ts'
import { startKeycloak } from '../kit/servers/keycloak.ts'
import { startPostgres } from '../kit/servers/postgres.ts'
import { createReadOnlyDatabaseRole } from '../kit/servers/read-only-role.ts'
import { markdownTable } from './table.ts'

/** As `toriki restore` works. */
const PARALLEL = 8
const count = Number(process.argv[2] ?? 1000)

const postgres = await startPostgres()
const server = await startKeycloak({ version: '26.7.4', postgres })
const folder = mkdtempSync(join(tmpdir(), 'toriki-bench-'))
const rows: string[][] = []
try {
  const rest = connectAdmin(server)
  const seed = await buildSeedRealm(server, { bulk: count })
  const { clientId: client, secret } = seed.clients['backup-rw']
  const settings: KeycloakSettings = {
    url: server.url,
    realm: 'nebari',
    login: { client: 'backup-ro', secret: seed.clients['backup-ro'].secret },
    requestsPerSecond: 100_000,
    credentials: { postgres: await createReadOnlyDatabaseRole(postgres, server.database) },
    restore: { client, secret },
  }
  const names = bulkUsers(count).map(({ username }) => username)
  const changes = await readChanges(settings, names)

  await removeBulk(rest, count)
  const planned = await timed(() => everybody(settings, changes, 'foresee'))
  const applied = await timed(() => everybody(settings, changes, 'apply'))
  const proven = await timed(() => everybody(settings, changes, 'look'))
  row('our writer, 8 at once: foreseen', planned)
  row('our writer, 8 at once: made', applied)
  row('our writer, 8 at once: read again', proven)

  await removeBulk(rest, count)
  const once = await timed(() =>
    rest.post('/nebari/partialImport', { ifResourceExists: 'FAIL', users: bulkUsers(count) }),
  )
  row('one `partialImport` of all', once)

  await server.exportRealm('nebari', folder)
  await rest.delete('/nebari')
  row('`kc.sh import` of the realm, start of Java included', (await server.importRealm(folder)) / 1000)

  process.stdout.write(`${count} people, Keycloak 26.7.4, PostgreSQL ${postgres.major}, Node ${process.version}\n\n`)
  process.stdout.write(markdownTable(['way', 'time', 'people/s'], rows))
} finally {
  rmSync(folder, { recursive: true, force: true })
  await server.stop()
  await postgres.stop()
}

function row(what: string, seconds: number): void {
  rows.push([what, `${seconds.toFixed(1)} s`, String(Math.round(count / seconds))])
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return (performance.now() - begun) / 1000
}

async function removeBulk(rest: AdminRest, most: number): Promise<void> {
  const people = await rest.get<{ id: string }[]>(`/nebari/users?username=bulk-&max=${most}`)
  await eachOf(people, PARALLEL, ({ id }) => rest.delete(`/nebari/users/${id}`))
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
    options: { installerOwned: false, privileged: false },
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
