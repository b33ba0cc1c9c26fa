/** The component's contract on the stand-in, in each version it plays. What only the stand-in can be made to do: test/unit/components/keycloak. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keycloakComponent } from '../../lib/components/keycloak/component.ts'
import { startDemoKeycloak } from '../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak } from '../../lib/embedded/demo/keycloak/server.ts'
import type { DemoVersion } from '../../lib/embedded/demo/keycloak/version.ts'
import { SHARED, userSlice } from '../../lib/resources/slice.ts'
import { describeComponent } from './component.ts'
import type { ComponentFixture } from './component.ts'
import { brokenConnections, testSettings } from './keycloak.ts'

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/
const PEOPLE = 120

async function openDemo(version: DemoVersion): Promise<ComponentFixture> {
  const demo = await startDemoKeycloak({ users: PEOPLE, version })
  const folder = mkdtempSync(join(tmpdir(), 'toriki-demo-keycloak-'))
  await demo.writeExport(folder)
  const account = (clientId: Parameters<DemoKeycloak['secretOf']>[0]): { clientId: string; secret: string } => ({
    clientId,
    secret: demo.secretOf(clientId),
  })
  const settings = testSettings(demo, account('toriki-backup'), { credentials: { export: folder } })
  const poor = account('toriki-poor')
  return {
    component: keycloakComponent(settings),
    members: demo.userNames.map((name) => userSlice(name).name),
    slices: [SHARED, ...demo.userNames.slice(0, 12).map((name) => userSlice(name))],
    absent: { slice: userSlice('nobody-of-that-name'), note: 'not-a-member' },
    planted: demo.plantedSecrets,
    forbiddenInState: UUID,
    changes: [
      {
        what: 'an address',
        slice: userSlice('ann'),
        make: async () => demo.change('ann', { email: 'ann@elsewhere.example' }),
        expected: { changed: { 'user/ann': ['email'] } },
      },
      {
        what: 'a group',
        slice: userSlice('ben'),
        make: async () => demo.join('ben', 'projects', 'p2'),
        expected: { changed: { 'user/ben': ['groups'] } },
      },
      {
        what: 'an attribute',
        slice: userSlice('carla'),
        make: async () => demo.change('carla', { attributes: { faculty: ['law'] } }),
        expected: { changed: { 'user/carla': ['attributes.faculty'] } },
      },
      {
        what: 'the attributes of a role',
        slice: SHARED,
        make: async () =>
          demo.setRoleAttributes('jupyterhub', 'my-perm', { component: ['jupyterhub'], scopes: ['read:users'] }),
        expected: { changed: { 'client-role/jupyterhub/my-perm': ['attributes.scopes'] } },
      },
      {
        what: 'a role that a group gets',
        slice: SHARED,
        make: async () => demo.grantToGroup('grafana', 'grafana_admin', 'developer'),
        expected: { changed: { 'group/developer': ['clientRoles.grafana'] } },
      },
      {
        what: 'a setting of the realm',
        slice: SHARED,
        make: async () => demo.changeRealm({ ssoSessionIdleTimeout: 60 }),
        expected: { changed: { realm: ['ssoSessionIdleTimeout'] } },
      },
    ],
    broken: [
      ...brokenConnections(settings, poor).map((broken) =>
        broken.code === 'source-rights' ? { ...broken, slice: SHARED } : broken,
      ),
      {
        what: 'no right at all',
        open: async () => keycloakComponent(testSettings(demo, account('toriki-powerless'))),
        code: 'source-rights',
      },
      {
        what: 'an export that is not there',
        open: async () => keycloakComponent({ ...settings, credentials: { export: join(folder, 'nothing') } }),
        code: 'credentials-unreadable',
        slice: userSlice('ann'),
      },
    ],
    writes: () => demo.writes,
    async close() {
      await demo.stop()
      rmSync(folder, { recursive: true })
    },
  }
}

describeComponent('keycloak on the stand-in, 26.7.4', () => openDemo('26.7.4'))
describeComponent('keycloak on the stand-in, 26.3.4', () => openDemo('26.3.4'))
describeComponent('keycloak on the stand-in, 24.0.5', () => openDemo('24.0.5'))
describeComponent('keycloak on the stand-in, 15.0.2', () => openDemo('15.0.2'))
