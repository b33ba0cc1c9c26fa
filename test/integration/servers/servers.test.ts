/** The real servers and the seed realm hold what they say, and go away when told to. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { connectAdmin, type AdminRest } from '../../kit/servers/admin-rest.ts'
import { cacheFolder } from '../../kit/servers/cache-folder.ts'
import { isAlive, startProcess } from '../../kit/servers/owned-process.ts'
import { KEYCLOAK_VERSIONS } from '../../kit/servers/keycloak-install.ts'
import { startKeycloak, type KeycloakServer } from '../../kit/servers/keycloak.ts'
import { startPostgres, type Postgres } from '../../kit/servers/postgres.ts'
import { createReadOnlyDatabaseRole } from '../../kit/servers/read-only-role.ts'
import { waitUntil } from '../../kit/servers/wait-until.ts'
import { buildSeedRealm, type SeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import { clientUuid } from '../../kit/seed-realm/building.ts'
import { compareFingerprints } from '../../kit/seed-realm/compare-fingerprints.ts'
import { groupKey } from '../../kit/seed-realm/expected.ts'
import { fingerprint, type Fingerprint } from '../../kit/seed-realm/fingerprint.ts'
import { findGroup } from '../../kit/seed-realm/groups.ts'
import { clientToken, loginWithPassword } from '../../kit/seed-realm/login.ts'
import { CHANGED_PASSWORD, mutateRealm } from '../../kit/seed-realm/mutate-realm.ts'

interface Member {
  readonly username: string
}

let postgres: Postgres

beforeAll(async () => {
  postgres = await startPostgres()
})

afterAll(async () => {
  await postgres.stop()
})

/** The newest; the long suite (`test/long/keycloak/servers`) asks for all of them. */
const versions = process.env['TORIKI_SERVERS'] === 'all' ? KEYCLOAK_VERSIONS : KEYCLOAK_VERSIONS.slice(0, 1)

describe.each(versions)('Keycloak %s with the seed realm', (version) => {
  let server: KeycloakServer
  let seed: SeedRealm
  let rest: AdminRest
  let first: Fingerprint

  beforeAll(async () => {
    server = await startKeycloak({ version, postgres })
    seed = await buildSeedRealm(server)
    rest = connectAdmin(server)
    first = await fingerprint(server)
  })

  afterAll(async () => {
    await server.stop()
  })

  test('holds exactly the people of the seed', async () => {
    const people = await rest.get<Member[]>('/nebari/users?max=-1&briefRepresentation=true')
    expect(people.map(({ username }) => username).toSorted()).toEqual(seed.expected.usernames)
    expect(await rest.get<number>('/nebari/users/count')).toBe(seed.expected.userCount)
  })

  test('has the members of every group, people and service accounts', async () => {
    for (const path of seed.expected.groups) {
      const id = await findGroup(rest, path)
      const members = await rest.get<Member[]>(`/nebari/groups/${id}/members?max=100000`)
      const serviceAccounts = members.filter(({ username }) => username.startsWith('service-account-')).length
      const found = { people: members.length - serviceAccounts, serviceAccounts }
      expect([path, found]).toEqual([path, seed.expected.members.get(groupKey(path))])
    }
    expect(Object.keys(first.state.group ?? {}).toSorted()).toEqual(seed.expected.groups.map(groupKey).toSorted())
  })

  test('has the roles and their holders', async () => {
    const builtIn = ['default-roles-nebari', 'offline_access', 'uma_authorization']
    expect(Object.keys(first.state.realmRole ?? {}).toSorted()).toEqual(
      [...seed.expected.realmRoles, ...builtIn].toSorted(),
    )
    for (const [name, count] of seed.expected.realmRoleUsers) {
      const holders = await rest.get<Member[]>(`/nebari/roles/${encodeURIComponent(name)}/users?max=100000`)
      expect([name, holders.filter(({ username }) => !username.startsWith('service-account-')).length]).toEqual([
        name,
        count,
      ])
    }
    for (const [clientId, names] of Object.entries(seed.expected.clientRoles)) {
      const roles = await rest.get<{ name: string }[]>(`/nebari/clients/${await clientUuid(rest, clientId)}/roles`)
      expect([clientId, roles.map(({ name }) => name).toSorted()]).toEqual([clientId, names.toSorted()])
    }
  })

  test('gives each named person the groups and roles of the table', () => {
    for (const person of seed.users) {
      const { groups, roles } = (first.state.user ?? {})[person.username] as { groups: string[][]; roles: object }
      const clientRoles = Object.entries(person.clientRoles).map(([id, names]) => [id, names.toSorted()] as const)
      const realmRoles = person.realmRoles.length === 0 ? {} : { '': person.realmRoles.toSorted() }
      expect([person.username, groups.map(groupKey)]).toEqual([person.username, person.groups.map(groupKey).toSorted()])
      expect([person.username, roles]).toEqual([person.username, { ...realmRoles, ...Object.fromEntries(clientRoles) }])
    }
  })

  test('has the identity providers, organizations and service accounts', () => {
    const { identityProvider = {}, organization = {}, serviceAccount = {} } = first.state
    expect(Object.keys(identityProvider).toSorted()).toEqual(seed.expected.identityProviders.toSorted())
    expect(Object.keys(organization).toSorted()).toEqual(seed.expected.organizations.toSorted())
    const accounts = Object.keys(serviceAccount).map((clientId) => `service-account-${clientId}`)
    expect(accounts.toSorted()).toEqual(seed.expected.serviceAccounts.toSorted())
  })

  test('shows secrets of backup clients to be what the table says', async () => {
    const { url } = server
    const status = async (client: keyof SeedRealm['clients'], path: string): Promise<number> => {
      const headers = { Authorization: `Bearer ${await clientToken({ url }, seed.clients[client])}` }
      return (await fetch(`${url}/admin/realms/nebari${path}`, { headers })).status
    }
    expect(await status('backup-ro', '/components')).toBe(200)
    expect(await status('backup-ro', '/events')).toBe(403)
    expect(await status('backup-poor', '/users?max=1')).toBe(200)
    expect(await status('backup-poor', '/components')).toBe(403)
    await expect(clientToken({ url }, { clientId: 'backup-ro', secret: 'wrong' })).rejects.toThrow('was refused')
  })

  test('lets exactly a read-only role read the hashes, and nothing else', async () => {
    const url = await createReadOnlyDatabaseRole(postgres, server.database)
    const client = new Client({ connectionString: url })
    await client.connect()
    try {
      const { rows } = await client.query<{ count: string }>(
        'select count(*) from credential join user_entity on user_id = user_entity.id',
      )
      expect(Number(rows[0]?.count)).toBeGreaterThan(seed.expected.userCount - 2)
      await expect(client.query('select * from client')).rejects.toThrow('permission denied')
      await expect(client.query('delete from credential')).rejects.toThrow('permission denied')
    } finally {
      await client.end()
    }
    const wrong = new Client({ connectionString: url.replace('planted', 'wrong') })
    await expect(wrong.connect()).rejects.toThrow('password authentication failed')
  })

  test('exports every person with hashes beside the running server', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'toriki-test-export-'))
    try {
      await server.exportRealm('nebari', folder)
      const files = readdirSync(folder).filter((name) => name.startsWith('nebari-users-'))
      const people = files.flatMap(
        (name) => (JSON.parse(readFileSync(join(folder, name), 'utf8')) as { users: Member[] }).users,
      )
      const names = people.map(({ username }) => username).filter((name) => !name.startsWith('service-account-'))
      expect(names.toSorted()).toEqual(seed.expected.usernames)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('differs after the known changes by exactly these', async () => {
    const changes = await mutateRealm(server, seed)
    const second = await fingerprint(server)
    expect(compareFingerprints(first, second)).toEqual(changes)
    expect(changes.length).toBeGreaterThan(15)
    const login = await loginWithPassword(server, { username: 'self-changed', password: CHANGED_PASSWORD })
    expect(login.accepted).toBe(true)
  })

  test('accepts the named people with their passwords and codes, and refuses the others', async () => {
    const changed = new Set(['self-changed', 'to-be-deleted'])
    for (const { username, password, otp, login } of seed.users) {
      if (password === undefined || changed.has(username)) continue
      const [device] = otp
      const credentials = { username, password, ...(device === undefined ? {} : { device }) }
      const { accepted, reason } = await loginWithPassword(server, credentials)
      expect([username, accepted, accepted ? undefined : reason]).toEqual([
        username,
        login === 'accepted',
        login === 'accepted' ? undefined : expect.stringMatching(/disabled|not fully set up/),
      ])
      if (device !== undefined) expect((await loginWithPassword(server, { username, password })).accepted).toBe(false)
    }
    expect((await loginWithPassword(server, { username: 'plain', password: 'wrong' })).accepted).toBe(false)
  })
})

describe('the kit', () => {
  test('builds the same realm at another base path, and leaves nothing behind at stop', async () => {
    const build = async (basePath: '/auth' | '/'): Promise<{ server: KeycloakServer; found: Fingerprint }> => {
      const server = await startKeycloak({ version: '26.7.4', postgres, basePath })
      try {
        await buildSeedRealm(server, { bulk: 25 })
        return { server, found: await fingerprint(server) }
      } finally {
        await server.stop()
      }
    }
    const [one, other] = [await build('/auth'), await build('/')]
    expect(compareFingerprints(one.found, other.found)).toEqual([])
    for (const { server } of [one, other]) {
      expect(isAlive(server.pid)).toBe(false)
      expect(await refuses(server.port)).toBe(true)
    }
    expect(await postgres.query('postgres', "select datname from pg_database where datname like 'kc%'")).toBe('')
  })

  test('hides imported attributes in variant B', async () => {
    const server = await startKeycloak({ version: '26.7.4', postgres })
    try {
      await buildSeedRealm(server, { variant: 'B', bulk: 0 })
      const { state } = await fingerprint(server)
      expect(state.user?.['hidden-attribute']).not.toHaveProperty('attributes')
      const sql = "select value from user_attribute where name = 'secret_hobby'"
      expect((await postgres.query(server.database.name, sql)).trim()).toBe('Bonsai')
    } finally {
      await server.stop()
    }
  })

  test('ends its servers when its own process is killed', async () => {
    const main = startProcess(process.execPath, ['test/kit/servers/main.ts', '26.7.4', '--no-seed'], {
      env: { PATH: process.env.PATH ?? '', TORIKI_TEST_CACHE: cacheFolder() },
    })
    await waitUntil('servers by hand run', () => (main.output().includes('Running') ? true : undefined), {
      timeoutMs: 300_000,
    })
    const [, pid = ''] = /"javaPid": (\d+)/.exec(main.output()) ?? []
    const [, port = ''] = /"databaseUrl": "[^"]*127\.0\.0\.1:(\d+)/.exec(main.output()) ?? []
    expect(isAlive(Number(pid))).toBe(true)
    expect(await refuses(Number(port))).toBe(undefined)
    await main.end('SIGKILL')
    const [, javaPort = ''] = /"url": "http:[^"]*:(\d+)/.exec(main.output()) ?? []
    for (const [what, number] of Object.entries({ Java: javaPort, PostgreSQL: port })) {
      await waitUntil(`${what} is gone`, () => refuses(Number(number)), { timeoutMs: 20_000 })
    }
  })
})

/** True when nothing listens on a port of 127.0.0.1. */
function refuses(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(undefined)
    })
    socket.once('error', () => resolve(true))
  })
}
