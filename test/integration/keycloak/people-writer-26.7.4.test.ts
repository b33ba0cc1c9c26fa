/** The contract of the writing half for people, over a real Keycloak: by the account that restores everything, and by one that may not import. */
import { afterAll, beforeAll } from '@jest/globals'
import { keycloakComponent } from '../../../lib/components/keycloak/component.ts'
import { keycloakWriter } from '../../../lib/components/keycloak/write/writer.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import { decodeKey } from '../../../lib/resources/key.ts'
import { userSlice } from '../../../lib/resources/slice.ts'
import { describeWriter } from '../../contract/component-writer.ts'
import type { WriterFixture } from '../../contract/component-writer.ts'
import { testSettings } from '../../contract/keycloak.ts'
import { peopleAsOneSlice } from '../../contract/people-as-one-slice.ts'
import { clientRoles, clientUuid, grant } from '../../kit/seed-realm/building.ts'
import { importUsers } from '../../kit/seed-realm/import-users.ts'
import { cuttingProxy } from '../../kit/servers/cutting-proxy.ts'
import type { CuttingProxy } from '../../kit/servers/cutting-proxy.ts'
import { startPostgres } from '../../kit/servers/postgres.ts'
import type { Postgres } from '../../kit/servers/postgres.ts'
import { findGroup } from '../../kit/seed-realm/groups.ts'
import { seededServer } from './restore-ground.ts'
import type { SeededServer } from './restore-ground.ts'

/** Each for what can be lost of it: an update, a create or a delete is made of it. */
const TOUCHED = ['full', 'totp-two', 'fed-two', 'deep-member', 'many-roles', 'not-analyst', 'webauthn-like', 'newcomer']

let postgres: Postgres
let ground: SeededServer
let proxy: CuttingProxy

beforeAll(async () => {
  postgres = await startPostgres()
  ground = await seededServer(postgres, '26.7.4', 5)
  proxy = await cuttingProxy(ground.server)
  const { rest } = ground
  const uuid = await rest.post('/nebari/clients', {
    ...{ clientId: 'restore-people', secret: 'restore-people-secret', publicClient: false },
    ...{ standardFlowEnabled: false, serviceAccountsEnabled: true },
  })
  const account = await rest.get<{ id: string }>(`/nebari/clients/${uuid}/service-account-user`)
  const names = ['manage-users', 'view-realm', 'view-clients', 'view-identity-providers', 'manage-organizations']
  await grant(rest, `/users/${account.id}`, { client: { 'realm-management': names } })
}, 900_000)
afterAll(async () => {
  await proxy?.stop()
  await ground?.server.stop()
  await postgres?.stop()
}, 60_000)

type More = Pick<WriterFixture, 'settles' | 'renews' | 'lacks'>

async function open(client: string, secret: string, more: More): Promise<WriterFixture> {
  const { rest, databaseUrl, seed } = ground
  // What is kept of the realm ends when somebody else has been at it.
  let skewMs = 0
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skewMs }
  const settings = testSettings({ url: proxy.url }, seed.clients['backup-ro'], {
    ...{ credentials: { postgres: databaseUrl }, restore: { client, secret } },
  })
  const component = keycloakComponent(settings, { clock })
  const place = async (username: string): Promise<string> => `/nebari/users/${await ground.idOf(username)}`
  const put = async (username: string, change: object): Promise<void> => {
    const path = await place(username)
    await rest.put(path, { ...(await rest.get(path)), ...change })
  }
  let turn = 0
  return {
    ...more,
    writer: keycloakWriter(settings, { clock }),
    component: peopleAsOneSlice(component, () => TOUCHED),
    slice: userSlice('full'),
    async fill() {
      for (const name of TOUCHED) if ((await ground.idOf(name)) !== '') await rest.delete(await place(name))
      const people = seed.users.filter(({ username }) => TOUCHED.includes(username))
      await importUsers(
        rest,
        people.map(({ record }) => record),
      )
      await rest.put(`${await place('deep-member')}/groups/${await findGroup(rest, ['a/b'])}`)
      skewMs += 120_000
    },
    async spoil() {
      await put('full', { firstName: 'Other', email: 'other@elsewhere.example', enabled: false })
      await rest.put(`${await place('totp-two')}/reset-password`, {
        ...{ type: 'password', value: 'another-password-1', temporary: false },
      })
      const devices = await rest.get<{ id: string; type: string }[]>(`${await place('totp-two')}/credentials`)
      const device = devices.find(({ type }) => type === 'otp')
      await rest.delete(`${await place('totp-two')}/credentials/${device?.id}`)
      await rest.delete(`${await place('fed-two')}/federated-identity/github`)
      const deep = await place('deep-member')
      for (const path of [['a/b'], ['projects', 'p3', 'deep']])
        await rest.delete(`${deep}/groups/${await findGroup(rest, path)}`)
      const uuid = await clientUuid(rest, 'lab-portal')
      await rest.delete(
        `${await place('many-roles')}/role-mappings/clients/${uuid}`,
        await clientRoles(rest, uuid, ['editor', 'lab role/odd']),
      )
      await rest.delete(await place('not-analyst'))
      await rest.delete(await place('webauthn-like'))
      await rest.post('/nebari/users', { username: 'newcomer', enabled: true, email: 'newcomer@uni.example' })
      skewMs += 120_000
    },
    async interfere(key) {
      await put(decodeKey(key).segments[0]?.toString('utf8') ?? '', { lastName: `Somebody ${++turn}` })
    },
    async outside() {
      const people = await rest.get<{ username: string }[]>('/nebari/users?max=-1')
      return JSON.stringify([
        people.filter(({ username }) => !TOUCHED.includes(username)),
        await rest.get('/nebari/roles?briefRepresentation=false'),
        await rest.get('/nebari/groups?briefRepresentation=false'),
        await rest.get('/nebari/identity-provider/instances'),
      ])
    },
    writes: proxy.writes,
    cutAt: proxy.cutAt,
    close: () => Promise.resolve(),
  }
}

describeWriter(
  'people on Keycloak 26.7.4',
  () => open('backup-rw', ground.seed.clients['backup-rw'].secret, { renews: ['credentialIds'] }),
  {
    cutOffs: 3,
  },
)
// Locked, and in what every new account is given, until it is whole.
describeWriter(
  'people on Keycloak 26.7.4, without the right to import',
  () =>
    open('restore-people', 'restore-people-secret', {
      renews: ['id', 'notBefore', 'credentialIds'],
      settles: ['enabled', 'groups', 'realmRoles', 'clientRoles'],
      lacks: ['manage-realm', 'manage-clients', 'manage-identity-providers'].map((right) => `keycloak: right ${right}`),
    }),
  { cutOffs: 2 },
)
