/** One real Keycloak with the seed realm: the component's contract on it, and what issue and reference promise about counts, hashes and differences. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import pg from 'pg'
import type { Component } from '../../../lib/components/component.ts'
import { keycloakComponent } from '../../../lib/components/keycloak/component.ts'
import { SHARED, isLocalName, userSlice } from '../../../lib/resources/slice.ts'
import type { KeycloakSettings } from '../../../lib/settings.ts'
import { checksOf, compareReads, describeComponent, listMembers, readSlice } from '../../contract/component.ts'
import type { ReadResult, SliceChange } from '../../contract/component.ts'
import { brokenConnections, expectKnownReferences, testSettings } from '../../contract/keycloak.ts'
import { buildSeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import type { SeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import { importUsers } from '../../kit/seed-realm/import-users.ts'
import { mutateRealm } from '../../kit/seed-realm/mutate-realm.ts'
import { connectAdmin } from '../../kit/servers/admin-rest.ts'
import { isAtLeast } from '../../kit/servers/keycloak-install.ts'
import type { KeycloakVersion } from '../../kit/servers/keycloak-install.ts'
import { startKeycloak } from '../../kit/servers/keycloak.ts'
import type { KeycloakServer } from '../../kit/servers/keycloak.ts'
import { startPostgres } from '../../kit/servers/postgres.ts'
import type { Postgres } from '../../kit/servers/postgres.ts'
import { createReadOnlyDatabaseRole } from '../../kit/servers/read-only-role.ts'

/** A key of a person's own device has one, and keeps it. */
const GENERATED_ID = /(?<!aaguid\\":\\")[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/
/** More than three pages of people, so that a page can be missed. */
const BULK = 1400

interface Ground {
  readonly postgres: Postgres
  readonly server: KeycloakServer
  readonly seed: SeedRealm
  readonly databaseUrl: string
  readonly exported: string
}

export function describeRealServer(version: KeycloakVersion): void {
  describe(`Keycloak ${version}`, () => {
    let ground: Ground
    const settings = (
      more: Partial<KeycloakSettings> = {},
      account: keyof SeedRealm['clients'] = 'backup-ro',
    ): KeycloakSettings =>
      testSettings(ground.server, ground.seed.clients[account], {
        credentials: { postgres: ground.databaseUrl },
        ...more,
      })

    beforeAll(async () => {
      const postgres = await startPostgres()
      const server = await startKeycloak({ version, postgres })
      const seed = await buildSeedRealm(server, { bulk: BULK })
      const databaseUrl = await createReadOnlyDatabaseRole(postgres, server.database)
      const exported = await server.exportRealm('nebari', mkdtempSync(join(tmpdir(), 'toriki-test-export-')))
      ground = { postgres, server, seed, databaseUrl, exported }
    }, 900_000)
    afterAll(async () => {
      await ground?.server.stop()
      await ground?.postgres.stop()
      if (ground !== undefined) rmSync(ground.exported, { recursive: true, force: true })
    }, 60_000)

    describeComponent(`keycloak on ${version}`, async () => ({
      component: keycloakComponent(settings()),
      members: ground.seed.expected.usernames
        .filter((name) => isLocalName(Buffer.from(name)))
        .map((name) => userSlice(name).name),
      slices: [SHARED, ...ground.seed.users.map(({ username }) => userSlice(username))],
      absent: { slice: userSlice('nobody-of-that-name'), note: 'not-a-member' },
      planted: ground.seed.plantedSecrets,
      forbiddenInState: GENERATED_ID,
      broken: [
        ...brokenConnections(settings(), ground.seed.clients['backup-poor']).map((broken) =>
          broken.code === 'source-rights' ? { ...broken, slice: SHARED } : broken,
        ),
        {
          what: 'another database',
          open: () =>
            Promise.resolve(
              keycloakComponent(
                settings({ credentials: { postgres: ground.databaseUrl.replace(/\/[^/]+$/, '/postgres') } }),
              ),
            ),
          code: 'credentials-unreadable',
          slice: userSlice('plain'),
        },
        {
          what: 'a role that the database does not know',
          open: () =>
            Promise.resolve(
              keycloakComponent(
                settings({ credentials: { postgres: ground.databaseUrl.replace(/\/\/[^@]+@/, '//nobody:wrong@') } }),
              ),
            ),
          code: 'credentials-unreadable',
          slice: userSlice('plain'),
        },
      ],
      close: () => Promise.resolve(),
    }))

    describe('is saved whole', () => {
      test('the same number of people as the server counts, each by name', async () => {
        await using source = open(settings())
        const { expected } = ground.seed
        const names = (await listMembers(source.component)).map(({ slice }) => slice.name)
        expect(names.length).toBe(expected.userCount)
        expect(await connectAdmin(ground.server).get('/nebari/users/count')).toBe(names.length)
      })

      test('every group, role, client and provider that the seed made', async () => {
        await using source = open(settings())
        const keys = new Set((await readSlice(source.component, SHARED)).resources.map(({ written }) => written))
        const { expected } = ground.seed
        const segment = (text: string): string => text.replaceAll('%', '%25').replaceAll('/', '%2F')
        const wanted = [
          ...expected.groups.map((path) => `group/${path.map(segment).join('/')}`),
          ...expected.realmRoles.map((name) => `realm-role/${segment(name)}`),
          ...expected.clients.map((name) => `client/${segment(name)}`),
          ...Object.entries(expected.clientRoles).flatMap(([client, roles]) =>
            roles.map((role) => `client-role/${segment(client)}/${segment(role)}`),
          ),
          ...expected.serviceAccounts.map((name) => `service-account/${name.replace('service-account-', '')}`),
          ...expected.identityProviders.map((name) => `identity-provider/${segment(name)}`),
          // Before 26.7 there is no right to read organizations: noted, see below.
          ...(version === '26.7.4' ? expected.organizations.map((name) => `organization/${segment(name)}`) : []),
        ]
        expect(wanted.filter((key) => !keys.has(key))).toEqual([])
        expect([...keys].filter((key) => key.startsWith('group/')).length).toBe(expected.groups.length)
      })

      test('members of each group and holders of each role, as many as the seed put there', async () => {
        const { people } = await readEverything(settings())
        const { expected } = ground.seed
        const groups = people.flatMap(({ state }) =>
          (state['groups'] as readonly (readonly string[])[]).map((path) => JSON.stringify(path)),
        )
        for (const [group, { people: count }] of expected.members)
          expect([group, groups.filter((name) => name === group).length]).toEqual([group, count])
        for (const [role, count] of expected.realmRoleUsers) {
          expect([
            role,
            people.filter(({ state }) => (state['realmRoles'] as readonly string[]).includes(role)).length,
          ]).toEqual([role, count])
        }
      }, 300_000)

      test('every reference of a person is to something in the shared state', async () => {
        const { shared, people } = await readEverything(settings())
        const named = new Set(ground.seed.users.map(({ username }) => `user/${username}`))
        // Where organizations cannot be read, a person has none.
        expectKnownReferences(
          shared.resources,
          people.filter(({ written }) => named.has(written)),
        )
      }, 300_000)

      test('every hash that the database has, to the byte, and every person who has none has none', async () => {
        const { people } = await readEverything(settings())
        const rows = await rowsOf(
          ground,
          `select u.username, c.type, c.secret_data from user_entity u join realm r on r.id = u.realm_id join credential c on c.user_id = u.id
           where r.name = 'nebari' and u.service_account_client_link is null`,
        )
        const stored = people.flatMap(({ state, secrets }) =>
          Object.values(secrets).map((value) => `${JSON.stringify(state['username'])} ${value}`),
        )
        expect(stored.sort()).toEqual(
          rows.map(([username, , secret]) => `${JSON.stringify(username)} ${secret}`).sort(),
        )
        const uncovered = people.filter(
          ({ state, secrets }) => Object.keys(state['credentials'] as object).length !== Object.keys(secrets).length,
        )
        expect(uncovered.map(({ written }) => written)).toEqual([])
      }, 300_000)

      test('client secrets as secrets, masked ones as notes', async () => {
        await using source = open(settings())
        const { resources, notes } = await readSlice(source.component, SHARED)
        const secretOf = (key: string): string | undefined =>
          resources.find(({ written }) => written === key)?.secrets['secret']
        expect(secretOf('client/backup-rw')).toBe(ground.seed.clients['backup-rw'].secret)
        const masked = notes.filter(({ code }) => code === 'secret-masked').length
        // SMTP, two providers, LDAP.
        expect(masked).toBe(4)
        expect(resources.some(({ secrets }) => Object.values(secrets).includes('**********'))).toBe(false)
      })

      test('the same state from the database, from an export, and without hashes', async () => {
        const stateOf = async (more: Partial<KeycloakSettings>): Promise<readonly string[]> => {
          await using source = open(settings(more))
          const states: string[] = []
          for (const { username } of ground.seed.users) {
            const { resources } = await readSlice(source.component, userSlice(username))
            for (const { written, state, kept } of resources) states.push(`${written} ${JSON.stringify([state, kept])}`)
          }
          return states
        }
        const database = await stateOf({})
        const { credentials: _, ...without } = settings()
        await using bare = open(without)
        const bareStates: string[] = []
        const notes = new Set<string>()
        for (const { username } of ground.seed.users) {
          const { resources, notes: said } = await readSlice(bare.component, userSlice(username))
          for (const { written, state, kept } of resources)
            bareStates.push(`${written} ${JSON.stringify([state, kept])}`)
          for (const { code } of said) notes.add(`${code} ${username}`)
        }
        expect(await stateOf({ credentials: { export: ground.exported } })).toEqual(database)
        expect(bareStates).toEqual(database)
        expect(notes.has('credentials-not-covered plain') || notes.has('credentials-not-covered full')).toBe(true)
        expect(notes.has('credentials-not-covered no-credential')).toBe(false)
      }, 300_000)

      test('the person behind a slice, by the id of the server', async () => {
        await using source = open(settings())
        const context = {
          clock: { now: () => new Date(), monotonicMs: () => 0, sleep: () => Promise.resolve() },
          signal: new AbortController().signal,
        }
        const [user] = await connectAdmin(ground.server).get<{ id: string }[]>(
          '/nebari/users?exact=true&username=rich1',
        )
        const identity = await source.component.identify?.(userSlice('rich1'), context)
        expect(identity?.id).toBe(user?.id)
        expect(identity?.createdAt).toBeInstanceOf(Date)
      })
    })

    describe('is told apart from something that only looks like it', () => {
      test('an account that may write is flagged, whatever else it may', async () => {
        for (const account of ['backup-rw', 'backup-admin'] as const) {
          await using source = open(settings({}, account))
          const check = (await checksOf(source.component)).find(
            (found) => found.check === 'keycloak: rights are only to read',
          )
          expect([account, check?.ok, check?.remedy]).toEqual([
            account,
            false,
            expect.stringContaining(account === 'backup-rw' ? 'manage-users' : 'realm-admin'),
          ])
        }
      })

      test('a database role that may write is flagged', async () => {
        await using source = open(settings({ credentials: { postgres: ground.server.database.url } }))
        expect(await checksOf(source.component)).toContainEqual({
          check: 'keycloak: database role can only read',
          ok: false,
          remedy: expect.stringContaining('SELECT'),
        })
      })

      test('each missing right is named, for the shared state and for a person', async () => {
        await using source = open(settings({}, 'backup-poor'))
        await expect(readSlice(source.component, SHARED)).rejects.toMatchObject({
          code: 'source-rights',
          message: expect.stringMatching(/view-realm.*view-clients.*view-identity-providers/),
        })
        // Without these a person's roles come back empty, and no error.
        await expect(readSlice(source.component, userSlice('rich1'))).rejects.toMatchObject({
          code: 'source-rights',
          message: expect.stringMatching(/view-realm.*view-clients/),
        })
      })

      test('an administrator of the master realm reads the same', async () => {
        await using one = open(settings())
        await using other = open({ ...settings(), login: { ...ground.server.admin, adminRealm: 'master' } })
        const slice = userSlice('full')
        const stateOf = async ({ component }: { readonly component: Component }): Promise<object> => {
          // Before 26.7 only administrators see organizations.
          const { organizations: _, ...state } = (await readSlice(component, slice)).resources[0]?.state ?? {}
          return state
        }
        expect(await stateOf(other)).toEqual(await stateOf(one))
      })

      test('what is not covered is said', async () => {
        await using source = open(settings())
        const { notes } = await readSlice(source.component, SHARED)
        const codes = new Set(notes.map(({ code }) => code))
        expect(codes.has('organizations-not-covered')).toBe(isAtLeast(version, 26) && version !== '26.7.4')
        expect(codes.has('name-not-unique')).toBe(true)
      })
    })

    describe('while it changes', () => {
      test('no surviving person is missing while others are added and deleted', async () => {
        await using source = open(settings())
        const rest = connectAdmin(ground.server)
        const stable = new Set(ground.seed.expected.usernames)
        let isOver = false
        let serial = 0
        const churn = async (): Promise<void> => {
          while (!isOver) {
            const batch = Array.from({ length: 12 }, () => `aa-passing-${++serial}`)
            await importUsers(
              rest,
              batch.map((username) => ({ username, enabled: true })) as unknown as Parameters<typeof importUsers>[1],
            )
            for (const user of await rest.get<{ id: string }[]>('/nebari/users?username=aa-passing&max=12'))
              await rest.delete(`/nebari/users/${user.id}`)
          }
        }
        const running = churn()
        try {
          for (let times = 0; times < 8; times++) {
            const names = (await listMembers(source.component)).map(({ slice }) =>
              slice.kind === 'user' ? slice.local.toString() : '',
            )
            expect([...stable].filter((name) => !names.includes(name))).toEqual([])
            expect(new Set(names).size).toBe(names.length)
          }
        } finally {
          isOver = true
          await running
          for (const user of await rest.get<{ id: string }[]>('/nebari/users?username=aa-passing&max=1000'))
            await rest.delete(`/nebari/users/${user.id}`)
        }
      }, 300_000)

      // Last: it cannot be undone.
      test('a difference shows exactly what was changed between two reads', async () => {
        const before = await readEverything(settings())
        await mutateRealm(ground.server, ground.seed)
        const after = await readEverything(settings())
        const whole = (read: Everything): ReadResult => ({
          resources: [...read.shared.resources, ...read.people],
          notes: [],
        })
        const { added, removed, changed } = compareReads(whole(before), whole(after))
        expect({ added: [...added].sort(), removed: [...removed].sort(), changed }).toEqual(expectedDifference(version))
      }, 600_000)
    })
  })
}

/** What `mutateRealm` does, in the words of the command `diff`. */
function expectedDifference(version: KeycloakVersion): SliceChange {
  return {
    added: ['group/projects/p16', 'realm-role/role-added', 'user/to-be-added'],
    removed: ['group/empty', 'user/to-be-deleted'],
    changed: {
      'client/lab-portal': ['redirectUris'],
      'client-role/jupyterhub/my-perm': ['attributes.scopes'],
      'group/admin': ['attributes.jupyterlab_profiles'],
      'group/b/x': ['realmRoles'],
      'identity-provider/oidc-uni': ['displayName'],
      'localization/de': ['texts.greeting'],
      realm: ['displayName'],
      'realm-role/level-two': ['composites.realm'],
      'user/fed-two': ['federatedIdentities.oidc-uni'],
      'user/old-created': ['email', 'lastName'],
      'user/rich1': ['clientRoles.jupyterhub', 'groups', 'realmRoles'],
      'user/self-changed': expect.arrayContaining([
        'credentials.password.created',
        'secrets.password',
      ]) as unknown as readonly string[],
      'user/totp-two': expect.arrayContaining(['credentials.otp-2', 'secrets.otp-2']) as unknown as readonly string[],
      ...(version === '26.7.4' ? { 'organization/org-2': ['description'] } : {}),
    },
  }
}

interface Everything {
  readonly shared: ReadResult
  readonly people: ReadResult['resources']
}

/** The shared state and every person, eight side by side. */
async function readEverything(settings: KeycloakSettings): Promise<Everything> {
  await using source = open(settings)
  const shared = await readSlice(source.component, SHARED)
  const left = [...(await listMembers(source.component))]
  const people: ReadResult['resources'][number][] = []
  const work = async (): Promise<void> => {
    for (let member = left.pop(); member !== undefined; member = left.pop())
      people.push(...(await readSlice(source.component, member.slice)).resources)
  }
  await Promise.all(Array.from({ length: 8 }, work))
  return { shared, people }
}

function open(settings: KeycloakSettings): AsyncDisposable & { readonly component: Component } {
  const component = keycloakComponent(settings)
  return { component, [Symbol.asyncDispose]: () => component.close() }
}

/** Rows of the server's own database. */
async function rowsOf({ server }: Ground, sql: string): Promise<readonly (readonly string[])[]> {
  const client = new pg.Client({ connectionString: server.database.url })
  await client.connect()
  try {
    return (await client.query<string[]>({ text: sql, rowMode: 'array' })).rows
  } finally {
    await client.end()
  }
}
