import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { ExportCredentials } from '../../../../lib/components/keycloak/credentials-export.ts'
import { keycloakComponent } from '../../../../lib/components/keycloak/component.ts'
import { startDemoKeycloak } from '../../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak } from '../../../../lib/embedded/demo/keycloak/server.ts'
import { userSlice } from '../../../../lib/resources/slice.ts'
import { readSlice } from '../../../contract/component.ts'
import { testSettings } from '../../../contract/keycloak.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'

const never = new AbortController().signal
const DAY_MS = 24 * 3_600_000

let demo: DemoKeycloak
let folder: string

beforeEach(async () => {
  // More than one file of 500.
  demo = await startDemoKeycloak({ users: 620 })
  folder = mkdtempSync(join(tmpdir(), 'toriki-export-'))
  await demo.writeExport(folder)
})
afterEach(async () => {
  await demo.stop()
  rmSync(folder, { recursive: true, force: true })
})

function source(clock = new FakeClock(), realm = 'nebari'): ExportCredentials {
  return new ExportCredentials({ folder, realm, clock })
}
const person = (username: string): { id: string; username: string } => ({ id: demo.userId(username), username })

describe('an export as the source of hashes', () => {
  test('has everybody’s, in every file', async () => {
    const hashes = source()
    for (const username of demo.userNames) {
      const answer = await hashes.read(person(username), never)
      for (const { secretData } of answer?.credentials ?? [])
        expect(demo.plantedSecrets).toContain((JSON.parse(secretData ?? '{}') as { value: string }).value)
      expect(answer?.asOf).toBeInstanceOf(Date)
    }
    expect((await hashes.read(person('ann'), never))?.credentials.map(({ type }) => type)).toEqual(['password', 'otp'])
    expect(await hashes.read({ id: 'nobody', username: 'nobody' }, never)).toBeUndefined()
  })

  test('of another realm is refused', async () => {
    await expect(source(new FakeClock(), 'other').read(person('ann'), never)).rejects.toMatchObject({
      code: 'credentials-unreadable',
      message: 'The export is of another realm.',
    })
  })

  test('that is not there, is no folder or lacks a file is refused', async () => {
    renameSync(join(folder, 'nebari-users-0.json'), join(folder, 'elsewhere'))
    await expect(source().read(person('ann'), never)).rejects.toMatchObject({
      code: 'credentials-unreadable',
      message: 'The export lacks one of its files.',
    })
    rmSync(folder, { recursive: true })
    await expect(source().read(person('ann'), never)).rejects.toMatchObject({
      code: 'credentials-unreadable',
      message: expect.stringContaining('ENOENT'),
    })
    writeFileSync(folder, '')
    await expect(source().read(person('ann'), never)).rejects.toMatchObject({
      code: 'credentials-unreadable',
      message: expect.stringContaining('ENOTDIR'),
    })
  })

  test('that is still being written is refused', async () => {
    const file = join(folder, 'nebari-users-1.json')
    truncateSync(file, readFileSync(file).length - 10)
    await expect(source().read(person('ann'), never)).rejects.toMatchObject({
      code: 'credentials-unreadable',
      message: expect.stringContaining('cut off'),
    })
  })

  test('that is not what it should be gives no text of its own away', async () => {
    writeFileSync(join(folder, 'nebari-users-0.json'), '{"users":[{"id":"a","credentials":planted}]}')
    const error: unknown = await source()
      .read(person('ann'), never)
      .catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'credentials-unreadable' })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('planted')
  })

  test('is looked at again when it was written anew', async () => {
    const clock = new FakeClock()
    const hashes = source(clock)
    const before = await hashes.read(person('ann'), never)
    demo.setPassword('ann')
    await demo.writeExport(folder)
    utimesSync(join(folder, 'nebari-users-0.json'), new Date(), new Date(Date.now() + 5000))
    await clock.advance(31_000)
    const after = await hashes.read(person('ann'), never)
    expect(after?.credentials[0]?.secretData).not.toBe(before?.credentials[0]?.secretData)
  })

  test('the doctor tells one that is old', async () => {
    const checks: unknown[] = []
    for await (const check of source(new FakeClock({ start: new Date(Date.now() + 9 * DAY_MS).toISOString() })).check())
      checks.push(check)
    expect(checks).toEqual([
      { check: 'keycloak: export with credentials can be read', ok: true },
      {
        check: 'keycloak: export with credentials is fresh',
        ok: false,
        remedy: expect.stringContaining('kc.sh export'),
      },
    ])
  })

  test('people in the realm’s own file are found too', async () => {
    const users = JSON.parse(readFileSync(join(folder, 'nebari-users-0.json'), 'utf8')) as { users: unknown[] }
    const realm = JSON.parse(readFileSync(join(folder, 'nebari-realm.json'), 'utf8')) as object
    writeFileSync(join(folder, 'nebari-realm.json'), JSON.stringify({ ...realm, users: users.users }))
    for (const file of ['nebari-users-0.json', 'nebari-users-1.json']) rmSync(join(folder, file))
    expect((await source().read(person('ann'), never))?.credentials.length).toBe(2)
    appendFileSync(join(folder, 'nebari-realm.json'), '\n')
  })
})

describe('an export is true for its own day', () => {
  async function readPerson(
    username: string,
  ): Promise<{ codes: readonly string[]; secrets: readonly string[]; credentials: readonly string[] }> {
    const component = keycloakComponent(
      testSettings(demo, { clientId: demo.client, secret: demo.secret }, { credentials: { export: folder } }),
    )
    try {
      const { resources, notes } = await readSlice(component, userSlice(username))
      return {
        codes: notes.map(({ code }) => code),
        secrets: Object.keys(resources[0]?.secrets ?? {}).sort(),
        credentials: Object.keys((resources[0]?.state['credentials'] ?? {}) as object),
      }
    } finally {
      await component.close()
    }
  }

  test('a hash that is still valid is stored without a note', async () => {
    expect(await readPerson('ann')).toEqual({
      codes: [],
      secrets: ['otp', 'password'],
      credentials: ['password', 'otp'],
    })
  })

  test('a password changed since is not stored, and said; the rest is', async () => {
    demo.setPassword('ann')
    expect(await readPerson('ann')).toEqual({
      codes: ['credentials-not-covered'],
      secrets: ['otp'],
      credentials: ['password', 'otp'],
    })
  })

  test('an account made since is saved without its hash, and said', async () => {
    demo.add('later')
    expect(await readPerson('later')).toMatchObject({ codes: ['credentials-not-covered'], secrets: [] })
  })

  test('whoever has no credential is not reported as lost', async () => {
    const without = demo.userNames.find((name) => demo.hasNoCredential(name)) ?? ''
    expect(await readPerson(without)).toEqual({ codes: [], secrets: [], credentials: [] })
  })
})
