/** What a plan says of people on targets that keep less, and what is never done to them. That what is said comes true: test/contract/keycloak-writer.test.ts. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { keycloakComponent } from '../../../../../lib/components/keycloak/component.ts'
import { renameInRealm } from '../../../../../lib/components/keycloak/write/rename.ts'
import { keycloakWriter } from '../../../../../lib/components/keycloak/write/writer.ts'
import { AS_IT_WAS } from '../../../../../lib/components/naming.ts'
import type { Applied, ComponentWriter, Forecast, WriteContext } from '../../../../../lib/components/writer.ts'
import { startDemoKeycloak } from '../../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak, DemoRequest } from '../../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoVersion } from '../../../../../lib/embedded/demo/keycloak/version.ts'
import { systemClock } from '../../../../../lib/platform/clock.ts'
import type { Change } from '../../../../../lib/resources/change.ts'
import { userSlice } from '../../../../../lib/resources/slice.ts'
import { readSlice } from '../../../../contract/component.ts'
import type { ReadResource } from '../../../../contract/component.ts'
import { testSettings } from '../../../../contract/keycloak.ts'
import { demoCredentials } from '../../../../kit/demo-credentials.ts'

type Account = Parameters<DemoKeycloak['secretOf']>[0]
const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0)) await close()
})

interface Ground {
  readonly demo: DemoKeycloak
  readonly asked: DemoRequest[]
  /** Whether ben could log in, as each write found it. */
  readonly enabledAtWrites: (boolean | undefined)[]
  readonly read: (username: string) => Promise<ReadResource | undefined>
  readonly foresee: (change: Change, made?: readonly string[]) => Promise<Forecast>
  readonly apply: (change: Change) => Promise<Applied>
}

async function open(account: Account = 'toriki-restore', version: DemoVersion = '26.7.4'): Promise<Ground> {
  const asked: DemoRequest[] = []
  const enabledAtWrites: (boolean | undefined)[] = []
  const demo: DemoKeycloak = await startDemoKeycloak({
    ...{ users: 40, version },
    intercept: (request) => {
      asked.push(request)
      const isWrite = request.method !== 'GET' && !request.path.endsWith('/token')
      if (isWrite) enabledAtWrites.push(demo.userNames.includes('ben') ? demo.isEnabled('ben') : undefined)
      return undefined
    },
  })
  const login = { clientId: account, secret: demo.secretOf(account) }
  const settings = testSettings(demo, login, { restore: { client: account, secret: login.secret } })
  const options = { credentials: demoCredentials(demo) }
  const component = keycloakComponent(
    { ...settings, login: { client: 'toriki-administrator', secret: demo.secretOf('toriki-administrator') } },
    options,
  )
  const writer: ComponentWriter = keycloakWriter(settings, options)
  opened.push(async () => {
    await writer.close()
    await component.close()
    await demo.stop()
  })
  return {
    ...{ demo, asked, enabledAtWrites },
    read: async (username) => (await readSlice(component, userSlice(username))).resources[0],
    foresee: async (change, made) =>
      await writer.foresee(userSlice('somebody'), change, { ...context(), ...(made && { made: new Set(made) }) }),
    apply: async (change) => await writer.apply(userSlice('somebody'), change, context()),
  }
}

function context(): WriteContext {
  return {
    clock: systemClock,
    signal: new AbortController().signal,
    restore: '20261121T020000000Z-restore-1f0c2d3e4a',
    options: { installerOwned: false, privileged: true },
  }
}

/** From what is there (nobody, where absent) to `wanted`. */
function changeTo(wanted: ReadResource | undefined, seen?: ReadResource): Change {
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

function lostBy(forecast: Forecast): readonly string[] {
  return forecast.kind === 'will' ? forecast.lost.map(({ field }) => field) : [forecast.kind]
}

describe('without the right to import', () => {
  test('the plan says that id, notBefore, consents and empty values do not come back', async () => {
    const ground = await open('toriki-restore-people')
    const { demo } = ground
    demo.change('ann', { notBefore: 5, consents: { survey: ['email'] }, attributes: { note: [''] } })
    const ann = await ground.read('ann')
    demo.remove('ann')
    const forecast = await ground.foresee(changeTo(ann))
    expect(lostBy(forecast)).toEqual(['consents.survey', 'attributes.note', 'id', 'notBefore', 'consentDates'])
    expect(forecast).toMatchObject({ kind: 'will', keeps: false, state: { consents: {}, attributes: {} } })
  })

  test('nobody can log in before the account is whole', async () => {
    const ground = await open('toriki-restore-people')
    const ben = await ground.read('ben')
    ground.demo.remove('ben')
    ground.asked.splice(0)
    await ground.apply(changeTo(ben))
    const writes = ground.asked
      .filter(({ method, path }) => method !== 'GET' && !path.endsWith('/token'))
      .map(({ method, path }) => `${method} ${path.replace(/[0-9a-f-]{36}/g, 'ID')}`)
    const enabled = ground.enabledAtWrites.splice(0)
    expect(writes[0]).toBe('POST /admin/realms/nebari/users')
    // Each as the write found it: first nobody, then locked.
    expect(enabled).toEqual([undefined, ...writes.slice(1).map(() => false)])
    expect((await ground.read('ben'))?.state['enabled']).toBe(true)
  })

  test('a role of the realm’s own management is refused, and the right that it needs is named', async () => {
    const ground = await open('toriki-restore-people')
    ground.demo.change('ben', { clientRoles: { 'realm-management': ['view-events'] } })
    const ben = await ground.read('ben')
    ground.demo.remove('ben')
    expect(await ground.foresee(changeTo(ben))).toMatchObject({
      kind: 'cannot',
      code: 'right-missing',
      reason: expect.stringContaining('realm-admin'),
    })
  })
})

test('an account that may only look plans nothing, and the missing right is named', async () => {
  const ground = await open('toriki-backup')
  const ben = await ground.read('ben')
  ground.demo.change('ben', { firstName: 'Other' })
  expect(await ground.foresee(changeTo(ben, await ground.read('ben')))).toMatchObject({
    kind: 'cannot',
    code: 'right-missing',
    reason: expect.stringContaining('manage-users'),
  })
})

test('15.0.2: the plan says that the id is a new one, and that a role which a group gives is not given beside it', async () => {
  const ground = await open('toriki-restore', '15.0.2')
  ground.demo.join('ben', 'projects', 'p3')
  ground.demo.change('ben', { realmRoles: ['default-roles-nebari', 'lab-member'] })
  const ben = await ground.read('ben')
  ground.demo.remove('ben')
  const change = changeTo(ben)
  const forecast = await ground.foresee(change)
  expect(lostBy(forecast)).toEqual(['realmRoles', 'id'])
  await ground.apply(change)
  expect((await ground.read('ben'))?.state).toEqual((forecast as { state: object }).state)
})

test('of an account that is there an empty value and an unknown action are lost, and said to be', async () => {
  const ground = await open()
  const plain = await ground.read('ben')
  ground.demo.change('ben', { attributes: { note: ['', 'x'], stays: [''] }, requiredActions: ['ODD_ACTION'] })
  const ben = await ground.read('ben')
  ground.demo.change('ben', { attributes: { stays: [''] }, requiredActions: [] })
  const change = changeTo(ben, await ground.read('ben'))
  const forecast = await ground.foresee(change)
  expect(lostBy(forecast)).toEqual(['attributes.note', 'requiredActions'])
  await ground.apply(change)
  const state = (await ground.read('ben'))?.state
  expect(state).toEqual((forecast as { state: object }).state)
  expect(state).toEqual({ ...plain?.state, attributes: { note: ['x'], stays: [''] } })
})

test('26.3.4: the plan says that an attribute without a value is not shown any more; it is kept all the same, and a newer version loses none', async () => {
  const attributes = { note: [''], blank: [' ', ''], mixed: ['', 'x'] }
  const newest = await open()
  newest.demo.change('ben', { attributes })
  const ben = await newest.read('ben')
  expect(ben?.state).toMatchObject({ attributes: { note: [''] } })
  newest.demo.remove('ben')
  expect(lostBy(await newest.foresee(changeTo(ben)))).toEqual([])
  const older = await open('toriki-restore', '26.3.4')
  older.demo.remove('ben')
  const change = changeTo(ben)
  const forecast = await older.foresee(change)
  expect(lostBy(forecast)).toEqual(expect.arrayContaining(['attributes.note', 'attributes.blank']))
  expect(lostBy(forecast)).not.toContain('attributes.mixed')
  older.asked.splice(0)
  await older.apply(change)
  expect((await older.read('ben'))?.state['attributes']).toEqual({ mixed: ['', 'x'] })
  expect(await older.apply(change)).toMatchObject({ kind: 'already' })
})

test('who refers to a role, a group or a provider that is not there is refused before the first write', async () => {
  const ground = await open()
  const ben = await ground.read('ben')
  ground.demo.remove('ben')
  const referring = {
    realmRoles: ['never-made'],
    clientRoles: { jupyterhub: ['nor-this'] },
    federatedIdentities: { nowhere: { userId: '1', userName: 'ben' } },
  }
  ground.asked.splice(0)
  const wanted = ben && { ...ben, state: { ...ben.state, ...referring } }
  expect(await ground.foresee(changeTo(wanted))).toEqual({
    kind: 'cannot',
    code: 'reference-missing',
    reason: expect.stringContaining(
      'client-role/jupyterhub/nor-this, identity-provider/nowhere, realm-role/never-made',
    ),
  })
  expect(ground.asked.filter(({ method, path }) => method !== 'GET' && !path.endsWith('/token'))).toEqual([])
})

test('what the same restore makes before may be referred to: roles, groups, clients that ask for consent', async () => {
  const ground = await open()
  ground.demo.change('ben', { consents: { survey: ['email'] } })
  const ben = await ground.read('ben')
  ground.demo.remove('ben')
  ground.demo.stopAskingForConsent()
  const wanted = ben && { ...ben, state: { ...ben.state, realmRoles: ['never-made'] } }
  const [role, client] = ['realm-role/never-made', 'client/survey']
  expect(await ground.foresee(changeTo(wanted), [role])).toMatchObject({ kind: 'will', state: { consents: {} } })
  expect(await ground.foresee(changeTo(wanted), [role, client])).toMatchObject({
    kind: 'will',
    state: { consents: { survey: ['email'] }, realmRoles: ['never-made'] },
  })
})

test('a hash that nobody saved or the target cannot check is a password to choose anew', async () => {
  const ground = await open('toriki-restore', '15.0.2')
  const ben = await ground.read('ben')
  ground.demo.remove('ben')
  const bare = changeTo(ben === undefined ? undefined : { ...ben, secrets: {} })
  const data = JSON.stringify({ hashIterations: 5, algorithm: 'argon2', additionalParameters: {} })
  const { credentials } = (ben?.state ?? {}) as { credentials?: { password: object } }
  const newer = changeTo(
    ben === undefined
      ? undefined
      : { ...ben, state: { ...ben.state, credentials: { password: { ...credentials?.password, data } } } },
  )
  for (const change of [bare, newer]) {
    expect(await ground.foresee(change)).toMatchObject({
      kind: 'will',
      state: { credentials: {}, requiredActions: ['UPDATE_PASSWORD'] },
      needsPerson: [expect.stringContaining('new password')],
    })
  }
})

test('nothing is asked of the server that sends mail', async () => {
  const ground = await open()
  const ben = await ground.read('ben')
  ground.demo.remove('ben')
  await ground.apply(changeTo(ben))
  expect(ground.asked.filter(({ path }) => path.includes('email'))).toEqual([])
})

describe('under another name', () => {
  const renamed = (person: ReadResource | undefined, to: string): ReadResource | undefined =>
    person && {
      ...person,
      ...renameInRealm(person, { ...AS_IT_WAS, user: { from: 'ann', to }, asAnother: true }),
    }

  test('an address that somebody has is no address for another account, made or changed', async () => {
    const ground = await open()
    const ann = await ground.read('ann')
    expect(ann?.state['email']).toEqual(expect.any(String))
    const taken = { kind: 'cannot', code: 'occupied', reason: expect.stringContaining('e-mail') }
    expect(await ground.foresee(changeTo(renamed(ann, 'anna')))).toMatchObject(taken)
    expect(await ground.foresee(changeTo(renamed(ann, 'ben'), await ground.read('ben')))).toMatchObject(taken)
  })

  test('a person is another account with an id of its own, and the hash of the old password', async () => {
    const ground = await open()
    const ann = await ground.read('ann')
    ground.demo.change('ann', { email: 'elsewhere@example.org' })
    const change = changeTo(renamed(ann, 'anna'))
    const forecast = await ground.foresee(change)
    expect(forecast).toMatchObject({ kind: 'will' })
    expect(await ground.apply(change)).toMatchObject({ kind: 'applied' })
    const anna = await ground.read('anna')
    expect(anna?.state).toEqual((forecast as { state: object }).state)
    expect(anna?.kept['id']).not.toBe(ann?.kept['id'])
    expect(anna?.secrets).toEqual(ann?.secrets)
    expect((await ground.read('ann'))?.kept).toEqual(ann?.kept)
  })
})
