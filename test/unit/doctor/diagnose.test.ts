/** What `doctor` tries, and that one thing that is wrong hides no other. Buckets, queues and keys of AWS are tried in test/integration/aws/doctor*.test.ts. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import type { Check } from '../../../lib/components/component.ts'
import { diagnose } from '../../../lib/doctor/diagnose.ts'
import type { DiagnoseOptions } from '../../../lib/doctor/diagnose.ts'
import { silentLog } from '../../../lib/log.ts'
import { parseSettings } from '../../../lib/settings.ts'
import { answeringServer } from '../../kit/servers/answering-server.ts'
import { storeObjects } from '../../kit/acceptance/store-objects.ts'
import { toriki } from '../../kit/command-line.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

let folder: string
beforeEach(async () => {
  folder = await temporaryFolder()
  mkdirSync(join(folder, 'nebari/home/ann'), { recursive: true })
})
const files = (): object => ({ root: join(folder, 'nebari'), home: 'home/{user}' })
const keycloak = {
  url: 'http://127.0.0.1:9/auth',
  realm: 'nebari',
  username: 'u',
  password: '${env:DOCTOR_TEST_SECRET}',
}
const parsed = (more: object): DiagnoseOptions['settings'] => {
  const document = JSON.stringify({ deployment: 'campus', components: { files: files() }, ...more })
  return (resolve) => parseSettings(document, join(folder, 'toriki.yaml'), resolve)
}
async function lines(settings: DiagnoseOptions['settings'], asFunction = false): Promise<readonly Check[]> {
  const found: Check[] = []
  for await (const check of diagnose({ settings, log: silentLog, asFunction })) found.push(check)
  return found
}
const failed = (checks: readonly Check[]): readonly string[] => checks.filter(({ ok }) => !ok).map(({ check }) => check)

/** Runs with the secret that the settings refer to. */
async function withSecret<T>(value: string, action: () => Promise<T>): Promise<T> {
  process.env['DOCTOR_TEST_SECRET'] = value
  try {
    return await action()
  } finally {
    delete process.env['DOCTOR_TEST_SECRET']
  }
}

describe('on one machine', () => {
  test('all is well with a new deployment; nothing in its store changes, and each line is there once', async () => {
    const file = join(folder, 'toriki.yaml')
    writeFileSync(file, JSON.stringify({ deployment: 'campus', components: { files: files() } }))
    expect((await toriki(file, ['init'])).status).toBe(0)
    const before = storeObjects(join(folder, 'toriki-data'))
    const checks = await lines(parsed({}))
    expect(failed(checks)).toEqual([])
    expect(checks.map(({ check }) => check)).toEqual([...new Set(checks.map(({ check }) => check))])
    expect(checks.map(({ check }) => check)).toEqual(
      expect.arrayContaining([
        'keys: keyring opens',
        'store: can be listed',
        'queue: backup-slice',
        'store: holds this deployment, and the keys open it',
        'store: takes new objects, and writes over none',
        'keys: wrap a slice’s tree and open it',
        'keys: wrap a slice’s content',
        'files: our own folders lie apart from the root',
      ]),
    )
    expect(storeObjects(join(folder, 'toriki-data'))).toEqual(before)
  })

  test('a keyring that is missing hides neither store, queues nor files', async () => {
    const checks = await lines(parsed({}))
    expect(failed(checks)).toEqual(['keys: keyring opens'])
    for (const check of ['store: can be listed', 'queue: settle-run', 'files: root present'])
      expect(checks).toContainEqual({ check, ok: true })
  })

  test('a root that is missing hides nothing, and a deployment that is missing is told', async () => {
    rmSync(join(folder, 'nebari'), { recursive: true })
    const file = join(folder, 'toriki.yaml')
    writeFileSync(file, JSON.stringify({ deployment: 'campus', components: { files: files() } }))
    expect((await toriki(file, ['init'])).status).toBe(0)
    const elsewhere = await lines(parsed({ store: { folder: './elsewhere' } }))
    expect(failed(elsewhere)).toEqual(['store: holds this deployment, and the keys open it', 'files: root present'])
    expect(elsewhere.find(({ ok }) => !ok)?.remedy).toContain('toriki init')
  })
})

describe('settings', () => {
  test('that are wrong are the only line', async () => {
    expect(failed(await lines(parsed({ retension: {} })))).toEqual(['settings'])
    expect(await lines(parsed({ retension: {} }))).toHaveLength(1)
  })

  test('with a secret that is missing are told, and the platform is tried without it', async () => {
    const checks = await lines(parsed({ components: { files: files(), keycloak } }))
    expect(checks[0]).toEqual({ check: 'settings', ok: false, remedy: expect.stringContaining('DOCTOR_TEST_SECRET') })
    expect(checks).toContainEqual({ check: 'store: can be listed', ok: true })
  })

  test('of one component that cannot be understood hide no other component', async () => {
    const broken = { ...keycloak, credentials: { postgres: '${env:DOCTOR_TEST_SECRET}' } }
    const checks = await withSecret('no address', () =>
      lines(parsed({ components: { files: files(), keycloak: broken } })),
    )
    expect(failed(checks)).toContain('keycloak: settings')
    expect(checks).toContainEqual({ check: 'files: root present', ok: true })
  })
})

describe('who does the work', () => {
  const database = { ...keycloak, credentials: { postgres: '${env:DOCTOR_TEST_SECRET}' } }
  const both = (): object => ({ components: { files: files(), keycloak: database }, workers: 'functions' })
  const worker = (checks: readonly Check[]): Check | undefined =>
    checks.find(({ check }) => check.startsWith('workers:'))

  test('is said where functions do it: which components need a worker in the cluster, and why', async () => {
    const reach = await lines(parsed({ workers: 'functions' }))
    expect(worker(reach)).toEqual({ check: 'workers: functions reach every component', ok: true })
    const need = await withSecret('postgres://u:p@127.0.0.1:9/k', () => lines(parsed(both())))
    expect(worker(need)).toEqual({
      check: 'workers: needed in the cluster for keycloak',
      ok: true,
      remedy: expect.stringMatching(/`toriki work`.*`components\.keycloak\.credentials\.postgres`/),
    })
    expect(worker(await lines(parsed({})))).toBeUndefined()
  })

  test('from a function, a database in the cluster is not held against it, but Keycloak itself is', async () => {
    await using server = await answeringServer(() => ({ status: 503 }))
    const here = { ...database, url: `${server.endpoint}/auth` }
    const settings = parsed({ ...both(), components: { files: files(), keycloak: here } })
    const [outside, inside] = await withSecret('postgres://u:p@127.0.0.1:9/k', async () => [
      await lines(settings),
      await lines(settings, true),
    ])
    const reads = 'keycloak: database of credentials can be read'
    expect(failed(outside)).toEqual(expect.arrayContaining([reads, 'keycloak: login']))
    expect(failed(inside)).toContain('keycloak: login')
    expect(inside).toContainEqual({
      check: reads,
      ok: true,
      remedy: expect.stringContaining('where `toriki work` runs'),
    })
  }, 60_000)
})
