/** The contract of the writing half over the stand-in: people, in the versions it plays, and by an account that may not import. */
import { keycloakComponent } from '../../lib/components/keycloak/component.ts'
import { keycloakWriter } from '../../lib/components/keycloak/write/writer.ts'
import { startDemoKeycloak } from '../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak } from '../../lib/embedded/demo/keycloak/server.ts'
import type { DemoVersion } from '../../lib/embedded/demo/keycloak/version.ts'
import { systemClock } from '../../lib/platform/clock.ts'
import { decodeKey } from '../../lib/resources/key.ts'
import { userSlice } from '../../lib/resources/slice.ts'
import { describeWriter } from './component-writer.ts'
import type { WriterFixture } from './component-writer.ts'
import { testSettings } from './keycloak.ts'
import { peopleAsOneSlice } from './people-as-one-slice.ts'
import { cutWrites } from '../kit/cut-writes.ts'
import { demoCredentials } from '../kit/demo-credentials.ts'

const PEOPLE = 9
type Account = Parameters<DemoKeycloak['secretOf']>[0]

async function openPeople(
  version: DemoVersion,
  account: Account,
  more: Pick<WriterFixture, 'settles' | 'renews' | 'lacks'> = {},
): Promise<WriterFixture> {
  const cut = cutWrites()
  const demo = await startDemoKeycloak({ users: PEOPLE, version, intercept: cut.intercept })
  // What is kept of the realm ends when somebody else has been at it.
  let skewMs = 0
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skewMs }
  const options = { clock, credentials: demoCredentials(demo) }
  const login = { clientId: account, secret: demo.secretOf(account) }
  const settings = testSettings(demo, login, { restore: { client: account, secret: login.secret } })
  const component = keycloakComponent(settings, options)
  const [ann = '', ben = '', carla = '', ...rest] = demo.userNames
  const [dan = '', eve = '', fay = ''] = rest
  const touched = [ann, ben, carla, dan, eve, fay, 'newcomer']
  let turn = 0
  return {
    ...more,
    writer: keycloakWriter(settings, options),
    component: peopleAsOneSlice(component, () => demo.userNames.filter((name) => touched.includes(name))),
    slice: userSlice(ann),
    async fill() {
      demo.reset()
      demo.change(ann, { attributes: { faculty: ['law', 'physics'] } })
      skewMs += 120_000
    },
    async spoil() {
      demo.change(ann, {
        email: 'ann@elsewhere.example',
        enabled: false,
        attributes: { faculty: ['arts'], more: ['x'] },
      })
      demo.remove(ben)
      demo.join(carla, 'projects', 'p2')
      demo.change(carla, { realmRoles: [], clientRoles: { jupyterhub: ['allow-app-sharing-role'] } })
      demo.setPassword(dan)
      demo.change(dan, { requiredActions: ['VERIFY_EMAIL'] })
      demo.remove(eve)
      demo.add('newcomer')
      skewMs += 120_000
    },
    async interfere(key) {
      demo.change(nameOf(key), { firstName: `Somebody ${++turn}` })
    },
    outside: async () => demo.imageWithout(touched),
    writes: () => demo.writes,
    cutAt: cut.at,
    close: () => demo.stop(),
  }
}

function nameOf(key: Parameters<typeof decodeKey>[0]): string {
  return decodeKey(key).segments[0]?.toString('utf8') ?? ''
}

describeWriter('people on the stand-in, 26.7.4', () => openPeople('26.7.4', 'toriki-restore'))
describeWriter('people on the stand-in, 15.0.2', () => openPeople('15.0.2', 'toriki-restore', { renews: ['id'] }), {
  cutOffs: 3,
})
// Locked, and in what every new account is given, until it is whole.
describeWriter(
  'people on the stand-in, without the right to import',
  () =>
    openPeople('26.7.4', 'toriki-restore-people', {
      renews: ['id'],
      settles: ['enabled', 'groups', 'realmRoles', 'clientRoles'],
      lacks: ['manage-realm', 'manage-clients', 'manage-identity-providers'].map((right) => `keycloak: right ${right}`),
    }),
  { cutOffs: 3 },
)
