/** What the stand-in does when it is written to: the sharp edges that a restore meets on real servers (seen there; keycloak's own tests of them: test/integration/keycloak). */
import { afterEach, describe, expect, test } from '@jest/globals'
import { demoPassword } from '../../../../../lib/embedded/demo/keycloak/password.ts'
import { startDemoKeycloak } from '../../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak } from '../../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoVersion } from '../../../../../lib/embedded/demo/keycloak/version.ts'

type Account = Parameters<DemoKeycloak['secretOf']>[0]
interface Answer {
  readonly status: number
  readonly body: unknown
}

const open: DemoKeycloak[] = []
afterEach(async () => {
  for (const demo of open.splice(0)) await demo.stop()
})

async function start(version: DemoVersion = '26.7.4', account: Account = 'toriki-restore'): Promise<Ground> {
  const demo = await startDemoKeycloak({ users: 12, version })
  open.push(demo)
  const token = await tokenOf(demo, {
    ...{ grant_type: 'client_credentials', client_id: account },
    client_secret: demo.secretOf(account),
  })
  const ask = async (
    method: string,
    path: string,
    body?: unknown,
    headers: object = JSON_ACCEPTED,
  ): Promise<Answer> => {
    const response = await fetch(`${demo.url}/admin/realms/nebari/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${(token.body as { access_token: string }).access_token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }
  return { demo, ask }
}

const JSON_ACCEPTED = { accept: 'application/json' }

interface Ground {
  readonly demo: DemoKeycloak
  readonly ask: (method: string, path: string, body?: unknown, headers?: object) => Promise<Answer>
}

async function tokenOf(demo: DemoKeycloak, form: Record<string, string>): Promise<Answer> {
  const response = await fetch(`${demo.url}/realms/nebari/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return { status: response.status, body: await response.json() }
}

function login(demo: DemoKeycloak, username: string, password: string, totp?: string): Promise<Answer> {
  const form = { grant_type: 'password', client_id: 'admin-cli', username, password }
  return tokenOf(demo, { ...form, ...(totp === undefined ? {} : { totp }) })
}

function importing(users: readonly object[], ifResourceExists = 'FAIL'): object {
  return { ifResourceExists, users }
}

const person = { username: 'zoe', enabled: true, id: '11111111-2222-4333-8444-555555555555' }

describe('an import', () => {
  test('keeps id, dates, hashes, and joins and grants nothing by itself', async () => {
    const { demo, ask } = await start()
    const record = {
      ...person,
      ...{ createdTimestamp: 1_500_000_000_000, notBefore: 1_600_000_000, groups: ['/projects/p1'], realmRoles: [] },
      credentials: [
        {
          id: 'kept-id',
          type: 'otp',
          userLabel: 'phone',
          createdDate: 5,
          secretData: '{"value":"x"}',
          credentialData: '{}',
        },
      ],
    }
    const { status, body } = await ask('POST', 'partialImport', importing([record]))
    expect([status, body]).toEqual([200, expect.objectContaining({ added: 1 })])
    const { body: read } = await ask('GET', `users/${person.id}`)
    expect(read).toMatchObject({ id: person.id, createdTimestamp: 1_500_000_000_000, notBefore: 1_600_000_000 })
    expect((await ask('GET', `users/${person.id}/groups`)).body).toMatchObject([{ path: '/projects/p1' }])
    expect((await ask('GET', `users/${person.id}/role-mappings`)).body).toMatchObject({ realmMappings: [] })
    expect((await ask('GET', `users/${person.id}/credentials`)).body).toMatchObject([{ id: 'kept-id' }])
    expect(demo.userNames).toContain('zoe')
  })

  test('makes roles that are missing without a word', async () => {
    const { ask } = await start()
    await ask('POST', 'partialImport', importing([{ ...person, realmRoles: ['never-made'] }]))
    expect((await ask('GET', 'roles')).body).toContainEqual(expect.objectContaining({ name: 'never-made' }))
  })

  test.each([
    ['an unknown group', { groups: ['/nowhere'] }, 500],
    ['a client that is not there, in its roles', { clientRoles: { nowhere: ['x'] } }, 500],
    ['an unknown member', { hobby: 'x' }, 500],
  ])('is refused as a whole for %s', async (_, more, status) => {
    const { demo, ask } = await start()
    const before = demo.userNames
    const users = [{ username: 'yann' }, { ...person, ...more }, { username: 'xena' }]
    expect((await ask('POST', 'partialImport', importing(users))).status).toBe(status)
    expect(demo.userNames).toEqual(before)
  })

  test('refuses, passes over or replaces who is there', async () => {
    const { demo, ask } = await start()
    const id = demo.userId('ann')
    expect((await ask('POST', 'partialImport', importing([{ username: 'ann' }]))).status).toBe(409)
    expect((await ask('POST', 'partialImport', importing([{ username: 'ann' }], 'SKIP'))).body).toMatchObject({
      skipped: 1,
    })
    expect((await ask('GET', `users/${id}/credentials`)).body).not.toEqual([])
    await ask('POST', 'partialImport', importing([{ username: 'ann', id }], 'OVERWRITE'))
    expect((await ask('GET', `users/${id}/credentials`)).body).toEqual([])
    expect((await ask('GET', `users/${id}/groups`)).body).toEqual([])
  })

  test('refuses ids that somebody else has, of people and of credentials', async () => {
    const { demo, ask } = await start()
    const id = demo.userId('ben')
    expect((await ask('POST', 'partialImport', importing([{ ...person, id }]))).status).toBe(409)
    const [credential] = (await ask('GET', `users/${id}/credentials`)).body as object[]
    const record = { ...person, credentials: [{ ...credential, secretData: '{}' }] }
    expect((await ask('POST', 'partialImport', importing([record]))).status).toBe(409)
  })

  test('looks at no name and no address', async () => {
    const { ask } = await start()
    const record = { ...person, username: 'bare2 x!', email: 'not an email' }
    expect((await ask('POST', 'partialImport', importing([record]))).status).toBe(200)
    expect((await ask('POST', 'users', { username: 'bare3 x!' })).status).toBe(400)
  })

  test('needs manage-realm, and nothing else', async () => {
    const { ask } = await start('26.7.4', 'toriki-restore-people')
    expect((await ask('POST', 'partialImport', importing([person]))).status).toBe(403)
  })

  test('15.0.2: gives its own id, and answers 500 to who does not take JSON though it is done', async () => {
    const { demo, ask } = await start('15.0.2')
    expect((await ask('POST', 'partialImport', importing([person]), { accept: '*/*' })).status).toBe(500)
    expect(demo.userId('zoe')).not.toBe(person.id)
  })

  test('15.0.2: does not grant beside a group what the group gives', async () => {
    const { demo, ask } = await start('15.0.2')
    const record = { ...person, groups: ['/projects/p3'], realmRoles: ['lab-member', 'offline_access'] }
    await ask('POST', 'partialImport', importing([record]))
    const { body } = await ask('GET', `users/${demo.userId('zoe')}/role-mappings`)
    expect(body).toMatchObject({ realmMappings: [{ name: 'offline_access' }] })
  })
})

describe('a change of a person', () => {
  test('POST ignores id, notBefore, roles and consents, and joins and grants by default', async () => {
    const { demo, ask } = await start()
    const { status } = await ask('POST', 'users', {
      ...{ ...person, notBefore: 5, realmRoles: ['lab-member'], groups: ['/projects/p1'] },
      clientConsents: [{ clientId: 'survey', grantedClientScopes: ['email'] }],
    })
    const id = demo.userId('zoe')
    expect([status, id === person.id]).toEqual([201, false])
    expect((await ask('GET', `users/${id}`)).body).toMatchObject({ notBefore: 0 })
    expect((await ask('GET', `users/${id}/role-mappings`)).body).toMatchObject({
      realmMappings: [{ name: 'default-roles-nebari' }],
    })
    expect(((await ask('GET', `users/${id}/groups`)).body as object[]).length).toBe(3)
    expect((await ask('GET', `users/${id}/consents`)).body).toEqual([])
  })

  test('PUT with attributes alone wipes names and address, without them it changes nothing', async () => {
    const { demo, ask } = await start()
    const id = demo.userId('ann')
    await ask('PUT', `users/${id}`, { username: 'ann' })
    expect((await ask('GET', `users/${id}`)).body).toMatchObject({ email: 'ann@example.org', firstName: 'Ann' })
    await ask('PUT', `users/${id}`, { attributes: { only: ['x'], blank: [''] } })
    const { body } = await ask('GET', `users/${id}`)
    expect(body).toMatchObject({ attributes: { only: ['x'] } })
    expect(Object.keys(body as object).filter((name) => ['email', 'firstName', 'lastName'].includes(name))).toEqual([])
  })

  test('15.0.2: PUT with attributes alone keeps names and address', async () => {
    const { demo, ask } = await start('15.0.2')
    await ask('PUT', `users/${demo.userId('ann')}`, { attributes: { only: ['x'] } })
    expect((await ask('GET', `users/${demo.userId('ann')}`)).body).toMatchObject({ email: 'ann@example.org' })
  })

  test('PUT refuses unknown members, another name, and an address that somebody has', async () => {
    const { demo, ask } = await start()
    const id = demo.userId('ann')
    expect((await ask('PUT', `users/${id}`, { hobby: 'x' })).status).toBe(400)
    expect((await ask('PUT', `users/${id}`, { username: 'anna' })).status).toBe(400)
    expect((await ask('PUT', `users/${id}`, { email: 'ben@example.org' })).status).toBe(409)
  })

  test('a hashed password in a PUT takes the place and the id of the old one', async () => {
    const { demo, ask } = await start()
    const id = demo.userId('ann')
    const [old] = (await ask('GET', `users/${id}/credentials`)).body as { id: string }[]
    const hashed = { type: 'password', createdDate: 7, secretData: '{"value":"eA==","salt":"eA=="}' }
    await ask('PUT', `users/${id}`, { credentials: [hashed] })
    const [now] = (await ask('GET', `users/${id}/credentials`)).body as { id: string; createdDate: number }[]
    expect(now).toMatchObject({ id: old?.id, createdDate: 7 })
    expect((await login(demo, 'ann', demo.passwordOf('ann'))).status).toBe(400)
  })

  test('roles of the realm’s own management are given by who has them only', async () => {
    const { demo, ask } = await start()
    const clients = (await ask('GET', 'clients?clientId=realm-management')).body as { id: string }[]
    const place = `clients/${clients[0]?.id}/roles`
    const roles = (await ask('GET', place)).body as { id: string; name: string }[]
    const give = async (name: string): Promise<number> =>
      (
        await ask(
          'POST',
          `users/${demo.userId('ann')}/role-mappings/clients/${clients[0]?.id}`,
          roles.filter((role) => role.name === name).map(({ id }) => ({ id, name })),
        )
      ).status
    expect(await give('realm-admin')).toBe(403)
    expect(await give('manage-users')).toBe(204)
  })

  test('who may only look is refused', async () => {
    const { demo, ask } = await start('26.7.4', 'toriki-backup')
    expect((await ask('DELETE', `users/${demo.userId('ann')}`)).status).toBe(403)
    expect(demo.userNames).toContain('ann')
  })
})

describe('a login', () => {
  test('is by the old password and a code that was not used before', async () => {
    const { demo } = await start()
    expect((await login(demo, 'ben', demoPassword('ben'))).status).toBe(200)
    expect((await login(demo, 'ben', 'wrong')).status).toBe(400)
    const withDevice = demo.userNames.find((name) => demo.codeOf(name) !== undefined) ?? ''
    demo.change(withDevice, { enabled: true, requiredActions: [] })
    const [password, code] = [demo.passwordOf(withDevice), demo.codeOf(withDevice)]
    expect((await login(demo, withDevice, password)).status).toBe(400)
    expect((await login(demo, withDevice, password, code)).status).toBe(200)
    expect((await login(demo, withDevice, password, code)).status).toBe(400)
  })

  test('of who is disabled or has something to do first is refused, and says so', async () => {
    const { demo } = await start()
    demo.change('ann', { enabled: false, requiredActions: [] })
    demo.change('ben', { requiredActions: ['UPDATE_PROFILE'] })
    expect((await login(demo, 'ann', demo.passwordOf('ann'))).body).toMatchObject({
      error_description: 'Account disabled',
    })
    expect((await login(demo, 'ben', demo.passwordOf('ben'))).body).toMatchObject({
      error_description: 'Account is not fully set up',
    })
  })

  test('a realm that is reset is as it was at the start', async () => {
    const { demo } = await start()
    const before = demo.userNames
    demo.setPassword('ben')
    demo.remove('carla')
    demo.reset()
    expect(demo.userNames).toEqual(before)
    expect((await login(demo, 'ben', demoPassword('ben'))).status).toBe(200)
  })
})
