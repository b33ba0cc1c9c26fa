/** What a plan of shared state refuses or leaves, before anything is written. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { keycloakWriter } from '../../../../../lib/components/keycloak/write/writer.ts'
import type { ComponentWriter, Forecast, WriteContext, WriteOptions } from '../../../../../lib/components/writer.ts'
import { startDemoKeycloak } from '../../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak } from '../../../../../lib/embedded/demo/keycloak/server.ts'
import { systemClock } from '../../../../../lib/platform/clock.ts'
import type { JsonObject } from '../../../../../lib/resources/json.ts'
import { encodeKey, formatKey } from '../../../../../lib/resources/key.ts'
import { SHARED } from '../../../../../lib/resources/slice.ts'
import { testSettings } from '../../../../contract/keycloak.ts'

const NO_ROLES = { realm: [], clients: {} }
const GROUP = { description: null, attributes: {}, realmRoles: [], clientRoles: {} }
const ROLE = { description: null, attributes: {}, composites: NO_ROLES }
const ACCOUNT = { enabled: true, attributes: {}, groups: [], realmRoles: [], clientRoles: {} }

let demo: DemoKeycloak
let writer: ComponentWriter
/** Of the restore: what one plan was told, another does not know. */
let serial = 0

beforeAll(async () => {
  demo = await startDemoKeycloak({ users: 2 })
  const login = { clientId: 'toriki-restore', secret: demo.secretOf('toriki-restore') } as const
  writer = keycloakWriter(testSettings(demo, login, { restore: { client: login.clientId, secret: login.secret } }))
})
beforeEach(() => {
  serial++
})
afterAll(async () => {
  await writer.close()
  await demo.stop()
})

function context(options: Partial<WriteOptions> = {}, planned?: readonly string[]): WriteContext {
  return {
    ...{ clock: systemClock, signal: new AbortController().signal, restore: `restore-${serial}` },
    options: { installerOwned: false, privileged: false, ...options },
    ...(planned === undefined ? {} : { planned: new Set(planned) }),
  }
}

interface Side {
  readonly before?: JsonObject
  readonly after?: JsonObject
}

async function foresee(path: readonly string[], { before, after }: Side, asking = context()): Promise<Forecast> {
  const [kind = '', ...segments] = path
  const change = {
    key: encodeKey(kind, segments),
    ...(before === undefined ? {} : { before: { state: before, kept: {} } }),
    ...(after === undefined ? {} : { after: { state: after, kept: {}, secrets: {} } }),
  }
  return await writer.foresee(SHARED, change, asking)
}

describe('a reference', () => {
  const after = { ...ROLE, composites: { realm: ['never-made'], clients: {} } }

  test('to something that nobody makes is refused, and named', async () => {
    expect(await foresee(['realm-role', 'whole'], { after })).toEqual({
      kind: 'cannot',
      code: 'reference-missing',
      reason: expect.stringContaining('realm-role/never-made'),
    })
  })

  test('to something that the plan makes later is not', async () => {
    const planned = [formatKey(encodeKey('realm-role', ['never-made']))]
    expect(await foresee(['realm-role', 'whole'], { after }, context({}, planned))).toMatchObject({ kind: 'will' })
  })

  test("to something of the installer's that is not there is refused, though the plan holds it", async () => {
    const planned = [formatKey(encodeKey('group', ['argocd-admins']))]
    const account = { ...ACCOUNT, groups: [['argocd-admins']] }
    const asking = context({}, planned)
    const side = { before: ACCOUNT, after: account }
    expect(await foresee(['service-account', 'conda_store'], side, asking)).toMatchObject({
      ...{ kind: 'cannot', code: 'reference-missing' },
    })
    const owning = context({ installerOwned: true, privileged: true }, planned)
    serial++
    expect(await foresee(['service-account', 'conda_store'], side, owning)).toMatchObject({ kind: 'will' })
  })
})

describe('a right to administrate', () => {
  test.each([
    [['group', 'projects', 'p1'], GROUP, { ...GROUP, clientRoles: { 'realm-management': ['manage-users'] } }],
    [
      ['realm-role', 'lab-member'],
      ROLE,
      { ...ROLE, composites: { realm: [], clients: { conda_store: ['conda_store_admin'] } } },
    ],
    [['service-account', 'conda_store'], ACCOUNT, { ...ACCOUNT, groups: [['superadmin']] }],
  ])('given by %j needs the option', async (path, before, after) => {
    expect(await foresee(path, { before, after })).toMatchObject({ kind: 'cannot', code: 'privileged' })
    serial++
    expect(await foresee(path, { before, after }, context({ privileged: true }))).toMatchObject({
      kind: 'will',
      privileged: true,
    })
  })

  test('given by a default group needs the option', async () => {
    expect(await foresee(['default-group', 'admin'], { after: {} })).toMatchObject({ code: 'privileged' })
  })
})

describe('left alone is', () => {
  test.each([
    ['the account that this restore logs in with', ['service-account', 'toriki-restore'], ACCOUNT],
    ['a role of the management of Keycloak', ['client-role', 'realm-management', 'view-users'], ROLE],
    ["a group of the installer's that is not there", ['group', 'users'], GROUP],
  ])('%s', async (_what, path, after) => {
    expect(await foresee(path, { after })).toMatchObject({ kind: 'left' })
  })

  test('the default role, when it would go', async () => {
    expect(await foresee(['realm-role', 'default-roles-nebari'], { before: ROLE })).toMatchObject({ kind: 'left' })
  })
})

describe('a delete', () => {
  test('of a group with one beneath it that stays is refused', async () => {
    expect(await foresee(['group', 'projects', 'p3'], { before: GROUP })).toMatchObject({ code: 'holds-others' })
  })

  test('of a group whose children go, too, is not', async () => {
    const asking = context()
    await foresee(['group', 'projects', 'p3', 'deep'], { before: GROUP }, asking)
    expect(await foresee(['group', 'projects', 'p3'], { before: GROUP }, asking)).toMatchObject({ kind: 'will' })
  })

  test('of a client that every realm needs is left', async () => {
    expect(await foresee(['client', 'account'], { before: {} })).toMatchObject({ kind: 'left' })
    expect(demo.writes).toBe(0)
  })
})

describe('a setting of the realm', () => {
  test('that an older version answers well and does not take is lost, and foreseen as it is', async () => {
    const name = 'webAuthnPolicyPasswordlessUserVerificationRequirement'
    const before = { [name]: 'not specified' }
    expect(await foresee(['realm'], { before, after: { [name]: 'required' } })).toMatchObject({
      kind: 'will',
      state: before,
      lost: [{ field: name }],
    })
  })
})
