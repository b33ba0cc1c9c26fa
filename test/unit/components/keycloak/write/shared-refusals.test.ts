/** What a plan of shared state refuses or leaves, before anything is written. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import { keycloakWriter } from '../../../../../lib/components/keycloak/write/writer.ts'
import type { ComponentWriter, Forecast, WriteContext, WriteOptions } from '../../../../../lib/components/writer.ts'
import { startDemoKeycloak } from '../../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoAccount } from '../../../../../lib/embedded/demo/keycloak/installer.ts'
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

/** What backups log in with. */
const BACKUP = 'toriki-backup'

let demo: DemoKeycloak
let writer: ComponentWriter
let administrator: ComponentWriter
/** Of the restore: what one plan was told, another does not know. */
let serial = 0

beforeAll(async () => {
  demo = await startDemoKeycloak({ users: 2 })
  writer = writerFor(demo)
  administrator = writerFor(demo, 'toriki-administrator')
})
beforeEach(() => {
  serial++
})
afterAll(async () => {
  await writer.close()
  await administrator.close()
  await demo.stop()
})

function writerFor(server: DemoKeycloak, client: DemoAccount = 'toriki-restore'): ComponentWriter {
  return keycloakWriter(
    testSettings(
      server,
      { clientId: BACKUP, secret: server.secret },
      { restore: { client, secret: server.secretOf(client) } },
    ),
  )
}

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

async function foresee(
  path: readonly string[],
  { before, after }: Side,
  asking = context(),
  by = writer,
): Promise<Forecast> {
  const [kind = '', ...segments] = path
  const change = {
    key: encodeKey(kind, segments),
    ...(before === undefined ? {} : { before: { state: before, kept: {} } }),
    ...(after === undefined ? {} : { after: { state: after, kept: {}, secrets: {} } }),
  }
  return await by.foresee(SHARED, change, asking)
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

describe('a role of the management of Keycloak', () => {
  const given = { 'realm-management': ['realm-admin'] }

  test.each([
    [['group', 'projects', 'p1'], GROUP, { ...GROUP, clientRoles: given }],
    [['service-account', 'conda_store'], ACCOUNT, { ...ACCOUNT, clientRoles: given }],
    [['realm-role', 'lab-member'], ROLE, { ...ROLE, composites: { realm: [], clients: given } }],
  ])('that we do not have ourselves is refused in %j, with the right that it takes', async (path, before, after) => {
    const asking = context({ privileged: true })
    expect(await foresee(path, { before, after }, asking)).toEqual({
      ...{ kind: 'cannot', code: 'right-missing' },
      reason: expect.stringContaining('Grant realm-admin'),
    })
    serial++
    expect(await foresee(path, { before: after, after: { ...after, attributes: { a: ['b'] } } }, asking)).toMatchObject(
      { kind: 'will' },
    )
  })
})

test.each(['view-users', 'create-client', 'query-users'])(
  'the role %s of the management of Keycloak is given by who has what stands above it',
  async (name) => {
    const after = { ...GROUP, clientRoles: { 'realm-management': [name] } }
    const path = ['group', 'projects', 'p1']
    const planned = [formatKey(encodeKey('client-role', ['realm-management', name]))]
    expect(await foresee(path, { before: GROUP, after }, context({ privileged: true }, planned))).toMatchObject({
      kind: 'will',
    })
  },
)

describe('what backups log in with', () => {
  const reading = (...names: readonly string[]): JsonObject => ({
    ...ACCOUNT,
    clientRoles: { 'realm-management': names },
  })
  const before = reading('manage-users', 'view-organizations', 'view-users')
  const after = reading('view-realm', 'view-users')
  const see = async (client: string): Promise<Forecast> =>
    await foresee(['service-account', client], { before, after }, context({ privileged: true }), administrator)

  test('goes on to read what it may read here, and gets no other right', async () => {
    expect(await see(BACKUP)).toMatchObject({
      kind: 'will',
      state: reading('view-organizations', 'view-realm', 'view-users'),
    })
  })

  test('is the only one of which that is so', async () => {
    expect(await see('toriki-poor')).toMatchObject({
      state: reading('view-realm', 'view-users'),
    })
  })
})

describe('left alone is', () => {
  test.each([
    [
      'one of several keys of one name that sign',
      ['component', 'org.keycloak.keys.KeyProvider', 'hmac-generated', 'twice', '#2'],
      {},
    ],
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
  const name = 'webAuthnPolicyPasswordlessUserVerificationRequirement'

  test('that a newer version requires where nothing is specified is as wanted on an older one', async () => {
    for (const [is, will] of [
      ['not specified', 'required'],
      ['required', 'not specified'],
    ] as const)
      expect(await foresee(['realm'], { before: { [name]: is }, after: { [name]: will } })).toMatchObject({
        ...{ kind: 'will', state: { [name]: will }, lost: [] },
      })
  })

  test('that this version requires where nothing is specified stays required, and the plan says so', async () => {
    const newer = await startDemoKeycloak({ users: 1 })
    newer.changeRealm({ webAuthnPolicyPasswordlessResidentKey: 'Yes' })
    const there = writerFor(newer)
    const before = { [name]: 'required' }
    const change = {
      key: encodeKey('realm', []),
      before: { state: before, kept: {} },
      after: { state: { [name]: 'not specified' }, kept: {}, secrets: {} },
    }
    try {
      expect(await there.foresee(SHARED, change, context())).toMatchObject({
        ...{ kind: 'will', state: before, lost: [{ field: name }] },
      })
    } finally {
      await there.close()
      await newer.stop()
    }
  })
})
