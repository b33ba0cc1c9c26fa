/** The contract of the writing half over the stand-in: client scopes, roles, clients with their service accounts, groups. Organizations, and every version: test/integration/keycloak. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keycloakComponent } from '../../lib/components/keycloak/component.ts'
import { keycloakWriter } from '../../lib/components/keycloak/write/writer.ts'
import { startDemoKeycloak } from '../../lib/embedded/demo/keycloak/server.ts'
import type { DemoVersion } from '../../lib/embedded/demo/keycloak/version.ts'
import { systemClock } from '../../lib/platform/clock.ts'
import { decodeKey } from '../../lib/resources/key.ts'
import { SHARED } from '../../lib/resources/slice.ts'
import { cutWrites } from '../kit/cut-writes.ts'
import { connectAdmin } from '../kit/servers/admin-rest.ts'
import type { AdminRest } from '../kit/servers/admin-rest.ts'
import { describeWriter } from './component-writer.ts'
import type { WriterFixture } from './component-writer.ts'
import { testSettings } from './keycloak.ts'

async function openShared(version: DemoVersion): Promise<WriterFixture> {
  const cut = cutWrites()
  const demo = await startDemoKeycloak({ users: 5, version, intercept: cut.intercept })
  // What is kept of the realm ends when somebody else has been at it.
  let skewMs = 0
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skewMs }
  const login = { clientId: 'toriki-restore', secret: demo.secretOf('toriki-restore') } as const
  const settings = testSettings(demo, login, { restore: { client: login.clientId, secret: login.secret } })
  const rest = connectAdmin({ url: demo.url, admin: demo.administrator })
  let turn = 0
  return {
    writer: keycloakWriter(settings, { clock }),
    component: keycloakComponent(settings, { clock }),
    slice: SHARED,
    async fill() {
      demo.reset()
      await fill(rest)
      skewMs += 700_000
    },
    async spoil() {
      await spoil(rest)
      skewMs += 700_000
    },
    async interfere(key) {
      const { kind, segments } = decodeKey(key)
      await interfere(
        rest,
        kind,
        segments.map((segment) => segment.toString('utf8')),
        String(++turn),
      )
      skewMs += 700_000
    },
    async outside() {
      const folder = mkdtempSync(join(tmpdir(), 'toriki-demo-outside-'))
      await demo.writeExport(folder)
      const exported = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
      rmSync(folder, { recursive: true })
      // Service accounts are the slice's.
      return JSON.stringify(
        exported
          .flatMap((text) => (JSON.parse(text) as { readonly users?: readonly object[] }).users ?? [])
          .filter((user) => !('serviceAccountClientId' in user)),
      )
    },
    writes: () => demo.writes,
    cutAt: cut.at,
    // A role or scope refers to later ones at the end; a group has its roles, and a service account what is wanted, after it is made.
    settles: ['composites', 'roleScope', 'newClients', 'groups', 'realmRoles', 'clientRoles', 'attributes'],
    close: () => demo.stop(),
  }
}

interface Named {
  readonly id: string
  readonly name: string
}

async function fill(rest: AdminRest): Promise<void> {
  const scope = await rest.post('/nebari/client-scopes', {
    ...{ name: 'lab-scope', protocol: 'openid-connect', description: 'Of the lab', attributes: { order: '7' } },
    protocolMappers: [claim('one', '1'), claim('two', '2')],
  })
  await rest.put(`/nebari/default-optional-client-scopes/${scope}`)
  await rest.post(`/nebari/client-scopes/${scope}/scope-mappings/realm`, [await realmRole(rest, 'zeta-role')])
  await rest.post('/nebari/roles', { name: 'guest/of the lab', description: 'Guest', attributes: { a: ['1', '2'] } })
  const service = await rest.post('/nebari/clients', {
    ...{ clientId: 'lab service/1', secret: 'lab-service-secret', serviceAccountsEnabled: true, description: 'Runs' },
    ...{ defaultClientScopes: ['email', 'lab-scope'], optionalClientScopes: [], protocolMappers: [claim('c', '3')] },
  })
  await rest.post(`/nebari/clients/${service}/roles`, { name: 'editor', attributes: { on: ['lab'] } })
  await rest.post(`/nebari/clients/${service}/scope-mappings/realm`, [await realmRole(rest, 'lab-member')])
  const account = await rest.get<Named>(`/nebari/clients/${service}/service-account-user`)
  await rest.post(`/nebari/users/${account.id}/role-mappings/realm`, [await realmRole(rest, 'lab-member')])
  await rest.put(`/nebari/users/${account.id}/groups/${await group(rest, ['projects', 'p3', 'deep'])}`)
  await rest.put(`/nebari/default-groups/${await group(rest, ['projects', 'p1'])}`)
}

async function spoil(rest: AdminRest): Promise<void> {
  const { email, 'lab-scope': lab } = await scopes(rest)
  await rest.delete(`/nebari/client-scopes/${lab}`)
  await rest.put(`/nebari/client-scopes/${email}`, { name: 'email', attributes: { stray: 'yes' } })
  await rest.post(`/nebari/client-scopes/${email}/protocol-mappers/models`, claim('stray', 'yes'))
  await rest.post('/nebari/client-scopes', { name: 'stray-scope', protocol: 'openid-connect' })
  for (const name of ['lab-member', 'zeta-role'])
    await rest.delete(`/nebari/roles-by-id/${(await realmRole(rest, name)).id}`)
  const guest = await realmRole(rest, 'guest/of the lab')
  await rest.put(`/nebari/roles-by-id/${guest.id}`, { ...guest, attributes: { b: ['3'] } })
  await rest.post('/nebari/roles', { name: 'stray' })
  await rest.delete(`/nebari/clients/${await client(rest, 'lab service/1')}`)
  const portal = await client(rest, 'lab-portal')
  await rest.put(`/nebari/clients/${portal}`, {
    ...{ clientId: 'lab-portal', secret: 'another', description: 'Changed', attributes: { stray: 'yes' } },
    ...{ protocolMappers: [], authenticationFlowBindingOverrides: { browser: '' } },
  })
  await rest.delete(`/nebari/clients/${portal}/default-client-scopes/${email}`)
  await rest.put(`/nebari/clients/${portal}/optional-client-scopes/${email}`)
  await rest.post(`/nebari/clients/${portal}/roles`, { name: 'stray' })
  await rest.post('/nebari/clients', { clientId: 'stray-client', publicClient: true })
  const hub = await client(rest, 'jupyterhub')
  const [mine] = (await rest.get<Named[]>(`/nebari/clients/${hub}/roles`)).filter(({ name }) => name === 'my-perm')
  await rest.delete(`/nebari/roles-by-id/${mine?.id}`)
  const conda = await client(rest, 'conda_store')
  const account = await rest.get<Named>(`/nebari/clients/${conda}/service-account-user`)
  await rest.post(`/nebari/users/${account.id}/role-mappings/realm`, [guest])
  await rest.delete(`/nebari/groups/${await group(rest, ['projects', 'p3'])}`)
  await rest.put(`/nebari/groups/${await group(rest, ['projects', 'p2'])}`, { name: 'p2', attributes: { x: ['1'] } })
  await rest.delete(`/nebari/default-groups/${await group(rest, ['projects', 'p1'])}`)
  const stray = await rest.post('/nebari/groups', { name: 'stray' })
  await rest.post(`/nebari/groups/${stray}/children`, { name: 'below' })
}

async function interfere(rest: AdminRest, kind: string, segments: readonly string[], turn: string): Promise<void> {
  const [first = '', second = ''] = segments
  if (kind === 'client-scope') {
    const id = (await scopes(rest))[first]
    return await rest.put(`/nebari/client-scopes/${id}`, { name: first, attributes: { somebody: turn } })
  }
  if (kind === 'realm-role' || kind === 'client-role') {
    const roles = kind === 'realm-role' ? '/nebari/roles' : `/nebari/clients/${await client(rest, first)}/roles`
    const name = kind === 'realm-role' ? first : second
    const [role] = (await rest.get<Named[]>(roles)).filter((one) => one.name === name)
    return await rest.put(`/nebari/roles-by-id/${role?.id}`, { ...role, description: `Somebody ${turn}` })
  }
  if (kind === 'client')
    return await rest.put(`/nebari/clients/${await client(rest, first)}`, { clientId: first, description: turn })
  if (kind === 'service-account') {
    const account = await rest.get<Named>(`/nebari/clients/${await client(rest, first)}/service-account-user`)
    return await rest.put(`/nebari/users/${account.id}`, { ...account, attributes: { somebody: [turn] } })
  }
  const id = await group(rest, segments)
  return await rest.put(`/nebari/groups/${id}`, { name: segments.at(-1), attributes: { somebody: [turn] } })
}

async function scopes(rest: AdminRest): Promise<Readonly<Record<string, string>>> {
  const all = await rest.get<Named[]>('/nebari/client-scopes')
  return Object.fromEntries(all.map(({ name, id }) => [name, id]))
}

async function realmRole(rest: AdminRest, wanted: string): Promise<Named> {
  const [role] = (await rest.get<Named[]>('/nebari/roles')).filter(({ name }) => name === wanted)
  if (role === undefined) throw new Error(`There is no role ${wanted}.`)
  return role
}

async function client(rest: AdminRest, clientId: string): Promise<string> {
  const [found] = await rest.get<Named[]>(`/nebari/clients?clientId=${encodeURIComponent(clientId)}`)
  return found?.id ?? ''
}

async function group(rest: AdminRest, path: readonly string[]): Promise<string> {
  let id: string | undefined
  for (const name of path) {
    const list: Named[] = await rest.get(
      id === undefined ? '/nebari/groups?max=1000' : `/nebari/groups/${id}/children?max=1000`,
    )
    id = list.find((one) => one.name === name)?.id
  }
  return id ?? ''
}

function claim(name: string, value: string): object {
  return {
    ...{ name, protocol: 'openid-connect', protocolMapper: 'oidc-hardcoded-claim-mapper', consentRequired: false },
    config: { 'claim.name': name, 'claim.value': value },
  }
}

describeWriter('shared state on the stand-in, 26.7.4', () => openShared('26.7.4'), { cutOffs: 3 })
