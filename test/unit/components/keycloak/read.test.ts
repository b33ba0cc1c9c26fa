import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import type { Component } from '../../../../lib/components/component.ts'
import { keycloakComponent } from '../../../../lib/components/keycloak/component.ts'
import { startDemoKeycloak } from '../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak, DemoRequest, Interception } from '../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoVersion } from '../../../../lib/embedded/demo/keycloak/version.ts'
import { SHARED, userSlice } from '../../../../lib/resources/slice.ts'
import type { Slice } from '../../../../lib/resources/slice.ts'
import { checksOf, listMembers, readSlice } from '../../../contract/component.ts'
import type { ReadResource } from '../../../contract/component.ts'
import { expectKnownReferences, testSettings } from '../../../contract/keycloak.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'
import { seededRandom } from '../../../kit/seeded-random.ts'

let demo: DemoKeycloak
let component: Component
let intercept: ((request: DemoRequest) => Interception | undefined) | undefined
let asked: string[] = []
let clock: FakeClock

async function start(version: DemoVersion = '26.7.4', users = 40): Promise<void> {
  await stop()
  demo = await startDemoKeycloak({
    users,
    version,
    intercept(request) {
      asked.push(
        `${request.path.replace('/admin/realms/nebari', '')}${request.query.size === 0 ? '' : `?${request.query.toString()}`}`,
      )
      return intercept?.(request)
    },
  })
  clock = new FakeClock({ auto: true })
  component = keycloakComponent(testSettings(demo, { clientId: demo.client, secret: demo.secret }), {
    clock,
    random: seededRandom(1),
  })
}
async function stop(): Promise<void> {
  await component?.close()
  await demo?.stop()
}

beforeEach(async () => {
  intercept = undefined
  asked = []
  await start()
})
afterEach(stop)

async function resourceOf(slice: Slice, key: string): Promise<ReadResource | undefined> {
  return (await readSlice(component, slice)).resources.find(({ written }) => written === key)
}

describe('one person', () => {
  test('is one resource, with everything that belongs to the person by name', async () => {
    const { resources, notes } = await readSlice(component, userSlice('ann'))
    expect(resources.map(({ written }) => written)).toEqual(['user/ann'])
    const [{ state, kept, secrets } = {} as ReadResource] = resources
    expect(state).toEqual({
      username: 'ann',
      enabled: true,
      email: 'ann@example.org',
      emailVerified: true,
      firstName: 'Ann',
      lastName: 'Okafor',
      attributes: { jupyterlab_profiles: ['Large Instance'], locale: ['de'] },
      requiredActions: [],
      federation: null,
      groups: [['a/b'], ['admin'], ['analyst'], ['developer'], ['projects', 'p3', 'deep'], ['users']],
      realmRoles: ['default-roles-nebari', 'lab-member'],
      clientRoles: { jupyterhub: ['my-perm'] },
      federatedIdentities: { github: { userId: '1000', userName: 'ann-gh' } },
      consents: { survey: ['email', 'profile'] },
      organizations: { 'org-1': { membership: 'UNMANAGED' } },
      credentials: {
        password: {
          type: 'password',
          position: 0,
          label: null,
          created: expect.any(Number),
          data: expect.stringContaining('pbkdf2-sha512'),
        },
        otp: {
          type: 'otp',
          position: 1,
          label: 'phone',
          created: expect.any(Number),
          data: expect.stringContaining('totp'),
        },
      },
    })
    expect(kept).toMatchObject({ id: demo.userId('ann'), createdTimestamp: expect.any(Number), notBefore: 0 })
    expect(secrets).toEqual({})
    expect(notes.map(({ code }) => code)).toEqual(['credentials-not-covered'])
  })

  test('what a person does not have is there, and empty', async () => {
    demo.change('ben', { attributes: {}, requiredActions: [] })
    expect((await resourceOf(userSlice('ben'), 'user/ben'))?.state).toMatchObject({
      attributes: {},
      requiredActions: [],
      clientRoles: {},
      consents: {},
      organizations: {},
    })
  })

  test('costs four calls, and one or two for what the realm has, once the realm is known', async () => {
    await readSlice(component, userSlice('ann'))
    asked = []
    await readSlice(component, userSlice('ben'))
    expect(asked.map((path) => path.replace(demo.userId('ben'), 'ID').replace(/\?.*/, '')).sort()).toEqual([
      '/organizations/members/ID/organizations',
      '/users',
      '/users/ID',
      '/users/ID/consents',
      '/users/ID/credentials',
      '/users/ID/groups',
      '/users/ID/role-mappings',
    ])
  })

  test('is searched for once when it was identified a moment before', async () => {
    const context = { clock, signal: new AbortController().signal }
    await component.identify?.(userSlice('ben'), context)
    await readSlice(component, userSlice('ann'))
    asked = []
    expect((await readSlice(component, userSlice('ben'))).resources.length).toBe(1)
    expect(asked.filter((path) => path.startsWith('/users?'))).toEqual([])
    expect((await readSlice(component, userSlice('ben'))).resources.length).toBe(1)
    expect(asked.filter((path) => path.startsWith('/users?')).length).toBe(1)
  })

  test('who was identified, deleted and made anew is read as who is there now', async () => {
    const context = { clock, signal: new AbortController().signal }
    const before = await component.identify?.(userSlice('ben'), context)
    demo.remove('ben')
    demo.add('ben', 'another')
    const [resource] = (await readSlice(component, userSlice('ben'))).resources
    expect(resource?.kept['id']).toBe(demo.userId('ben'))
    expect(resource?.kept['id']).not.toBe(before?.id)
  })

  test('is found by the exact name: neither a longer one nor other letters will do', async () => {
    demo.add('ann-longer')
    for (const name of ['an', 'Ann', 'ann-long']) {
      const { resources, notes } = await readSlice(component, userSlice(name))
      expect([name, resources, notes.map(({ code }) => code)]).toEqual([name, [], ['not-a-member']])
    }
    expect(await resourceOf(userSlice('ann-longer'), 'user/ann-longer')).toBeDefined()
  })

  test('a service account is nobody’s slice', async () => {
    expect((await readSlice(component, userSlice('service-account-jupyterhub'))).resources).toEqual([])
  })

  test('who is deleted between two calls is not a member, and no error', async () => {
    intercept = ({ path }) => {
      if (path.endsWith(`/users/${demo.userId('ben')}`)) {
        intercept = undefined
        demo.remove('ben')
      }
      return undefined
    }
    const { resources, notes } = await readSlice(component, userSlice('ben'))
    expect(resources).toEqual([])
    expect(notes.map(({ code }) => code)).toContain('not-a-member')
  })

  test('whose reading fails is an error with a code, and nobody else’s', async () => {
    demo.poison('ben')
    await expect(readSlice(component, userSlice('ben'))).rejects.toMatchObject({
      code: 'source-failed',
      retry: 'later',
    })
    expect((await readSlice(component, userSlice('ann'))).resources.length).toBe(1)
    expect((await listMembers(component)).length).toBe(40)
    demo.mend('ben')
    expect((await readSlice(component, userSlice('ben'))).resources.length).toBe(1)
  })

  test('a group that was made after the tree was read is found by reading the tree again', async () => {
    await readSlice(component, userSlice('ann'))
    demo.join('ben', 'new', 'lab')
    expect((await resourceOf(userSlice('ben'), 'user/ben'))?.state['groups']).toContainEqual(['new', 'lab'])
  })

  test('a group that was renamed stands with its new name', async () => {
    await readSlice(component, userSlice('ann'))
    demo.renameGroup('laboratory', 'projects', 'p3')
    expect((await resourceOf(userSlice('ann'), 'user/ann'))?.state['groups']).toContainEqual([
      'projects',
      'laboratory',
      'deep',
    ])
  })

  test('a stopped read of one does not end the read of another that waits for the same answer', async () => {
    const stop = new AbortController()
    intercept = ({ path }) => {
      if (path.endsWith('/users/count') || path.endsWith('/users')) stop.abort(new Error('stopped'))
      return undefined
    }
    const [one, other] = await Promise.allSettled([
      readSlice(component, userSlice('ann'), { signal: stop.signal }),
      readSlice(component, userSlice('ben')),
    ])
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'interrupted' } })
    expect(other.status).toBe('fulfilled')
  })

  test.each(['26.7.4', '26.3.4', '24.0.5', '15.0.2'] as const)(
    'refers only to what is in the shared state (%s)',
    async (version) => {
      await start(version)
      const shared = (await readSlice(component, SHARED)).resources
      const people: ReadResource[] = []
      for (const name of demo.userNames) people.push(...(await readSlice(component, userSlice(name))).resources)
      expectKnownReferences(shared, people)
    },
  )

  test('where credentials need a right to write, nothing is said of them but that', async () => {
    await start('15.0.2')
    const { resources, notes } = await readSlice(component, userSlice('ann'))
    expect(resources[0]?.state).not.toHaveProperty('credentials')
    expect(notes.map(({ code }) => code)).toEqual(['credentials-not-covered'])
  })

  test('the same person has the same state on every version, organizations apart', async () => {
    const states = new Set<string>()
    for (const version of ['26.7.4', '26.3.4', '24.0.5'] as const) {
      await start(version)
      const { organizations: _, ...state } = (await resourceOf(userSlice('ann'), 'user/ann'))?.state ?? {}
      states.add(JSON.stringify(state))
    }
    expect(states.size).toBe(1)
  })
})

describe('names that no slice can have', () => {
  test('are saved with the shared state, and said; they are not listed, and nobody else suffers', async () => {
    const odd = ['campus/doe', 'x'.repeat(256), '..']
    for (const name of odd) demo.add(name)
    expect((await listMembers(component)).length).toBe(40)
    const { resources, notes } = await readSlice(component, SHARED)
    const people = resources.filter(({ written }) => written.startsWith('user/'))
    expect(people.map(({ state }) => JSON.stringify(state['username'])).sort()).toEqual(
      odd.map((name) => JSON.stringify(name)).sort(),
    )
    expect(notes.filter(({ code }) => code === 'saved-with-shared-state').length).toBe(3)
    const after = people[0] as ReadResource
    expect((await readSlice(component, SHARED, { after: after.key })).resources.map(({ written }) => written)).toEqual([
      ...people.slice(1).map(({ written }) => written),
      'user-profile',
    ])
  })

  test('odd ones that a slice can have are people like others', async () => {
    const odd = ['a+b@example.org', 'dot.ted', 'ü-mlaut', 'per%cent', 'new\nline', 'x'.repeat(255), 'a b']
    for (const name of odd) demo.add(name)
    const listed = (await listMembers(component)).map(({ slice }) => slice)
    for (const name of odd) {
      const slice = userSlice(name)
      expect(listed).toContainEqual(slice)
      expect((await readSlice(component, slice)).resources.map(({ state }) => state['username'])).toEqual([name])
    }
  })
})

describe('the shared state', () => {
  test('has every group by its names, more than a page of children and a slash in a name', async () => {
    const keys = (await readSlice(component, SHARED)).resources
      .map(({ written }) => written)
      .filter((key) => key.startsWith('group/'))
    for (let index = 1; index <= 12; index++) expect(keys).toContain(`group/projects/p${index}`)
    expect(keys).toEqual(
      expect.arrayContaining(['group/a%2Fb', 'group/a/b', 'group/projects/p3/deep', 'group/superadmin']),
    )
  })

  test('names what roles are made of, and what a role says', async () => {
    expect((await resourceOf(SHARED, 'realm-role/lab-member'))?.state).toEqual({
      description: null,
      attributes: { building: ['B2'] },
      composites: { realm: ['zeta-role'], clients: { jupyterhub: ['my-perm'] } },
    })
    expect((await resourceOf(SHARED, 'client-role/jupyterhub/my-perm'))?.state).toMatchObject({
      attributes: { scopes: ['shares!user,read:users:name'] },
    })
  })

  test('nests the steps of a flow, each with its configuration', async () => {
    const flow = await resourceOf(SHARED, 'flow/first broker login')
    expect(flow?.state['executions']).toEqual([
      {
        requirement: 'REQUIRED',
        provider: 'idp-review-profile',
        config: { alias: 'review profile config', values: { 'update.profile.on.first.login': 'missing' } },
      },
      {
        requirement: 'REQUIRED',
        flow: 'User creation or linking',
        description: '',
        executions: [
          { requirement: 'ALTERNATIVE', provider: 'idp-create-user-if-unique' },
          {
            requirement: 'ALTERNATIVE',
            flow: 'Handle existing account',
            description: '',
            executions: [{ requirement: 'REQUIRED', provider: 'idp-confirm-link' }],
          },
        ],
      },
    ])
    expect((await resourceOf(SHARED, 'client/lab-portal'))?.state['flows']).toEqual({ browser: 'lab browser' })
  })

  test.each(['26.7.4', '15.0.2'] as const)(
    'keeps client secrets as secrets, however the version shows them (%s)',
    async (version) => {
      await start(version)
      expect((await resourceOf(SHARED, 'client/lab-portal'))?.secrets).toEqual({
        secret: demo.secretOf('lab-portal' as never),
      })
    },
  )

  test('stores no mask: three masked secrets are three notes', async () => {
    const { resources, notes } = await readSlice(component, SHARED)
    expect(JSON.stringify(resources)).not.toContain('*****')
    expect(notes.filter(({ code }) => code === 'secret-masked').map(({ message }) => message).length).toBe(3)
  })

  test('tells components of one name apart by what they hold, and nests the parts of one', async () => {
    const { resources } = await readSlice(component, SHARED)
    const components = resources.filter(({ written }) => written.startsWith('component/'))
    expect(components.map(({ written }) => written.replace('org.keycloak.', ''))).toEqual([
      'component/keys.KeyProvider/hmac-generated/twice',
      'component/keys.KeyProvider/hmac-generated/twice/#2',
      'component/keys.KeyProvider/rsa-generated/rsa',
      'component/storage.UserStorageProvider/ldap/campus',
    ])
    expect(components.slice(0, 2).map(({ state }) => state['config'])).toEqual([
      { algorithm: ['HS256'] },
      { algorithm: ['HS384'] },
    ])
    expect(Object.keys(components[3]?.state['mappers'] as object)).toEqual(['cn', 'mail'])
    expect(components[3]?.state['config']).not.toHaveProperty('lastSync')
  })

  test('has the same identity providers from versions that write empty members and from those that do not', async () => {
    const newest = await resourceOf(SHARED, 'identity-provider/github')
    await start('26.3.4')
    expect((await resourceOf(SHARED, 'identity-provider/github'))?.state).toEqual(newest?.state)
  })

  test('says that organizations are not covered where no right to read them exists', async () => {
    await start('26.3.4')
    const { resources, notes } = await readSlice(component, SHARED)
    expect(resources.some(({ written }) => written.startsWith('organization/'))).toBe(false)
    expect(notes.map(({ code }) => code)).toContain('organizations-not-covered')
    expect((await readSlice(component, userSlice('ann'))).notes.map(({ code }) => code)).toContain(
      'organizations-not-covered',
    )
  })
})

describe('rights', () => {
  test('are probed once, not per message, and again after a while', async () => {
    const probes = (): number => asked.filter((path) => path === '/admin/serverinfo').length
    await readSlice(component, userSlice('ann'))
    await readSlice(component, userSlice('ben'))
    await listMembers(component)
    expect(probes()).toBe(1)
    await clock.advance(601_000)
    await readSlice(component, userSlice('ann'))
    expect(probes()).toBe(2)
  })

  test('a failed probe is not kept', async () => {
    intercept = ({ path }) => (path === '/admin/serverinfo' ? { status: 500 } : undefined)
    await expect(readSlice(component, userSlice('ann'))).rejects.toMatchObject({ code: 'source-failed' })
    intercept = undefined
    expect((await readSlice(component, userSlice('ann'))).resources.length).toBe(1)
  })

  test('that are missing are named together; whether there are organizations is seen with the right to see the realm', async () => {
    const poor = keycloakComponent(
      testSettings(demo, { clientId: 'toriki-poor', secret: demo.secretOf('toriki-poor') }),
    )
    await expect(readSlice(poor, SHARED)).rejects.toMatchObject({
      message: 'Our credentials lack the rights view-realm, view-clients, view-identity-providers.',
    })
    expect((await listMembers(poor)).length).toBe(40)
    const failing = (await checksOf(poor)).filter(({ ok }) => !ok).map(({ check }) => check)
    expect(failing).toEqual([
      'keycloak: right view-realm',
      'keycloak: right view-clients',
      'keycloak: right view-identity-providers',
    ])
    await poor.close()
  })

  test('that can write are flagged, each by name', async () => {
    const administrator = keycloakComponent(
      testSettings(demo, { clientId: 'toriki-administrator', secret: demo.secretOf('toriki-administrator') }),
    )
    const flagged = (await checksOf(administrator)).filter(({ ok }) => !ok)
    expect(flagged).toEqual([
      {
        check: 'keycloak: rights are only to read',
        ok: false,
        remedy: expect.stringMatching(/manage-clients.*manage-users.*realm-admin/),
      },
    ])
    await administrator.close()
  })

  test('the doctor says what cannot be reached, and does not throw', async () => {
    const nobody = keycloakComponent(
      testSettings({ url: 'http://127.0.0.1:2/auth' }, { clientId: 'x', secret: 'planted' }),
      { clock, random: seededRandom(1) },
    )
    const checks = await checksOf(nobody)
    expect(checks[0]).toEqual({ check: 'keycloak: login', ok: false, remedy: expect.stringContaining('ECONNREFUSED') })
    expect(JSON.stringify(checks)).not.toContain('planted')
    await nobody.close()
  })

  test('a version that is too old is told', async () => {
    intercept = ({ path }) =>
      path === '/admin/serverinfo' ? { status: 200, body: '{"systemInfo":{"version":"9.0.3"}}' } : undefined
    await expect(listMembers(component)).rejects.toMatchObject({
      code: 'source-version',
      message: expect.stringContaining('9'),
    })
  })
})
