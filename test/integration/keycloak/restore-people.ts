/** People of the seed realm on one real Keycloak: removed and changed, brought back, read again, and logged in with what they logged in with before. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { keycloakComponent } from '../../../lib/components/keycloak/component.ts'
import { keycloakWriter } from '../../../lib/components/keycloak/write/writer.ts'
import type { Applied, ComponentWriter, Forecast, WriteContext } from '../../../lib/components/writer.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import type { Change } from '../../../lib/resources/change.ts'
import { isLocalName, userSlice } from '../../../lib/resources/slice.ts'
import { readSlice } from '../../contract/component.ts'
import type { ReadResource } from '../../contract/component.ts'
import { testSettings } from '../../contract/keycloak.ts'
import { buildSeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import type { SeedRealm } from '../../kit/seed-realm/build-seed-realm.ts'
import { loginWithPassword } from '../../kit/seed-realm/login.ts'
import { connectAdmin } from '../../kit/servers/admin-rest.ts'
import type { AdminRest } from '../../kit/servers/admin-rest.ts'
import type { KeycloakVersion } from '../../kit/servers/keycloak-install.ts'
import { startKeycloak } from '../../kit/servers/keycloak.ts'
import type { KeycloakServer } from '../../kit/servers/keycloak.ts'
import { startPostgres } from '../../kit/servers/postgres.ts'
import type { Postgres } from '../../kit/servers/postgres.ts'
import { createReadOnlyDatabaseRole } from '../../kit/servers/read-only-role.ts'

interface Ground {
  readonly postgres: Postgres
  readonly server: KeycloakServer
  readonly seed: SeedRealm
  readonly rest: AdminRest
  readonly read: (username: string) => Promise<ReadResource | undefined>
  readonly writer: ComponentWriter
  readonly close: () => Promise<void>
}

export function describeRestoredPeople(version: KeycloakVersion): void {
  describe(`people restored on Keycloak ${version}`, () => {
    let ground: Ground
    beforeAll(async () => {
      ground = await open(version)
    }, 900_000)
    afterAll(async () => {
      await ground?.close()
    }, 60_000)

    const names = (): readonly string[] =>
      ground.seed.users.map(({ username }) => username).filter((name) => isLocalName(Buffer.from(name)))

    test('who was deleted is there again as before, and nothing is left to do', async () => {
      const before = await readAll(names())
      for (const username of names()) await removePerson(username)
      for (const username of names()) {
        const change = changeTo(before.get(username), undefined)
        expect([username, await foresee(username, change)]).toEqual([
          username,
          expect.objectContaining({ kind: 'will', state: before.get(username)?.state, needsPerson: [] }),
        ])
        expect([username, await apply(username, change)]).toEqual([username, { kind: 'applied', complete: false }])
        expect([username, await apply(username, change)]).toEqual([username, { kind: 'already', complete: false }])
      }
      expect(bodiesOf(await readAll(names()))).toEqual(bodiesOf(before))
    }, 600_000)

    test('who was changed is as before, credentials included', async () => {
      const before = await readAll(names())
      await spoil()
      const spoiled = await readAll(names())
      const changed = names().filter((name) => JSON.stringify(spoiled.get(name)) !== JSON.stringify(before.get(name)))
      expect(changed.length).toBeGreaterThanOrEqual(8)
      for (const username of changed) {
        const change = changeTo(before.get(username), spoiled.get(username))
        const forecast = await foresee(username, change)
        expect([username, forecast]).toEqual([username, expect.objectContaining({ kind: 'will' })])
        expect([username, await apply(username, change)]).toEqual([username, { kind: 'applied', complete: false }])
        const after = await ground.read(username)
        expect([username, after?.state]).toEqual([username, (forecast as { state: object }).state])
        expect([username, after?.secrets]).toEqual([username, before.get(username)?.secrets])
        if (username !== 'consent') expect(after?.state).toEqual(before.get(username)?.state)
      }
    }, 600_000)

    test('everybody logs in as before', async () => {
      for (const { username, password, login, otp } of ground.seed.users) {
        if (password === undefined) continue
        const device = otp[0]
        const credentials = { username, password, ...(device === undefined ? {} : { device }) }
        const { accepted, reason } = await loginWithPassword(ground.server, credentials)
        expect([username, accepted, reason]).toEqual([
          username,
          login === 'accepted',
          login === 'accepted' ? undefined : expect.not.stringContaining('Invalid user credentials'),
        ])
      }
    }, 300_000)

    async function spoil(): Promise<void> {
      const { rest } = ground
      const id = async (username: string): Promise<string> =>
        (await rest.get<{ id: string }[]>(`/nebari/users?exact=true&username=${encodeURIComponent(username)}`))[0]
          ?.id ?? ''
      const put = async (username: string, change: object): Promise<void> => {
        const place = `/nebari/users/${await id(username)}`
        await rest.put(place, { ...(await rest.get(place)), ...change })
      }
      await put('full', { firstName: 'Other', email: 'other@elsewhere.example', attributes: { faculty: ['law'] } })
      await put('plain', { email: 'plain@elsewhere.example', firstName: 'Plain' })
      await put('disabled', { enabled: true })
      await put('pending', { requiredActions: [] })
      await rest.put(`/nebari/users/${await id('rich1')}/reset-password`, {
        ...{ type: 'password', value: 'another-password-1', temporary: false },
      })
      await rest.delete(`/nebari/users/${await id('fed-two')}/federated-identity/github`)
      const otp = await rest.get<{ id: string; type: string }[]>(`/nebari/users/${await id('totp-two')}/credentials`)
      const devices = otp.filter(({ type }) => type === 'otp')
      await rest.delete(`/nebari/users/${await id('totp-two')}/credentials/${devices[0]?.id}`)
      const deep = await id('deep-member')
      for (const group of await rest.get<{ id: string }[]>(`/nebari/users/${deep}/groups`))
        await rest.delete(`/nebari/users/${deep}/groups/${group.id}`)
      const many = await id('many-roles')
      const { realmMappings, clientMappings } = await rest.get<{
        realmMappings: object[]
        clientMappings: Record<string, { id: string; mappings: object[] }>
      }>(`/nebari/users/${many}/role-mappings`)
      await rest.delete(`/nebari/users/${many}/role-mappings/realm`, realmMappings)
      for (const { id: client, mappings } of Object.values(clientMappings))
        await rest.delete(`/nebari/users/${many}/role-mappings/clients/${client}`, mappings)
      const [group] = await rest.get<{ id: string }[]>('/nebari/groups?search=analyst&exact=true')
      await rest.put(`/nebari/users/${await id('no-groups')}/groups/${group?.id}`)
    }

    async function removePerson(username: string): Promise<void> {
      const [user] = await ground.rest.get<{ id: string }[]>(
        `/nebari/users?exact=true&username=${encodeURIComponent(username)}`,
      )
      await ground.rest.delete(`/nebari/users/${user?.id}`)
    }

    async function readAll(usernames: readonly string[]): Promise<ReadonlyMap<string, ReadResource | undefined>> {
      const all = new Map<string, ReadResource | undefined>()
      for (const username of usernames) all.set(username, await ground.read(username))
      return all
    }

    function foresee(username: string, change: Change): Promise<Forecast> {
      return ground.writer.foresee(userSlice(username), change, context())
    }

    function apply(username: string, change: Change): Promise<Applied> {
      return ground.writer.apply(userSlice(username), change, context())
    }
  })
}

function context(): WriteContext {
  return {
    clock: systemClock,
    signal: new AbortController().signal,
    restore: '20261121T020000000Z-restore-1f0c2d3e4a',
    options: { installerOwned: false, privileged: true },
  }
}

function changeTo(wanted: ReadResource | undefined, seen: ReadResource | undefined): Change {
  if (wanted === undefined) throw new Error('nobody was read')
  const { key, state, kept, secrets } = wanted
  return {
    key,
    ...(seen === undefined ? {} : { before: { state: seen.state, kept: seen.kept } }),
    after: {
      ...{ state, kept },
      secrets: Object.fromEntries(Object.entries(secrets).map(([name, text]) => [name, () => Promise.resolve(text)])),
    },
  }
}

/** Dates of consents are Keycloak's own. */
function bodiesOf(people: ReadonlyMap<string, ReadResource | undefined>): Readonly<Record<string, object>> {
  return Object.fromEntries(
    [...people].map(([name, person]) => {
      const { consentDates: _, ...kept } = person?.kept ?? {}
      return [name, { state: person?.state, kept, secrets: person?.secrets }]
    }),
  )
}

async function open(version: KeycloakVersion): Promise<Ground> {
  const postgres = await startPostgres()
  const server = await startKeycloak({ version, postgres })
  const seed = await buildSeedRealm(server, { bulk: 5 })
  const databaseUrl = await createReadOnlyDatabaseRole(postgres, server.database)
  const credentials = { postgres: databaseUrl }
  const component = keycloakComponent(testSettings(server, seed.clients['backup-ro'], { credentials }))
  const { clientId: client, secret } = seed.clients['backup-admin']
  const writer = keycloakWriter(
    testSettings(server, seed.clients['backup-ro'], { credentials, restore: { client, secret } }),
  )
  return {
    ...{ postgres, server, seed, writer },
    rest: connectAdmin(server),
    read: async (username) => (await readSlice(component, userSlice(username))).resources[0],
    async close() {
      await writer.close()
      await component.close()
      await server.stop()
      await postgres.stop()
    },
  }
}
