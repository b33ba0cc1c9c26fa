/** What `doctor` says of restoring. Rights of a real Keycloak are tried in the integration suite. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Check } from '../../../lib/components/component.ts'
import { checkRestore } from '../../../lib/doctor/check-restore.ts'
import { startDemoKeycloak } from '../../../lib/embedded/demo/keycloak/server.ts'
import type { DemoKeycloak } from '../../../lib/embedded/demo/keycloak/server.ts'
import { parseSettings } from '../../../lib/settings.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

const SECRET = 'CHECK_RESTORE_TEST_SECRET'
let keycloak: DemoKeycloak
let folder: string
beforeAll(async () => {
  keycloak = await startDemoKeycloak({ users: 2 })
  folder = await temporaryFolder()
  mkdirSync(join(folder, 'nebari/home'), { recursive: true })
})
afterAll(() => keycloak.stop())

async function lines(components: object): Promise<readonly Check[]> {
  const document = JSON.stringify({ deployment: 'campus', components })
  const found: Check[] = []
  for await (const check of checkRestore(() => parseSettings(document, join(folder, 'toriki.yaml'), 'restore')))
    found.push(check)
  return found
}
const realm = (restore?: object): object => ({
  keycloak: { url: keycloak.url, realm: 'nebari', client: 'toriki-backup', secret: `\${env:${SECRET}}`, ...restore },
})
const account = (client: string): object => realm({ restore: { client, secret: `\${env:${SECRET}}` } })

async function withSecret<T>(value: string, action: () => Promise<T>): Promise<T> {
  process.env[SECRET] = value
  try {
    return await action()
  } finally {
    delete process.env[SECRET]
  }
}

describe('restoring', () => {
  test('with an account that has every right and homes that can be written is well', async () => {
    const files = { root: join(folder, 'nebari'), home: 'home/{user}' }
    const found = await withSecret(keycloak.secretOf('toriki-restore'), () =>
      lines({ ...account('toriki-restore'), files }),
    )
    expect(found.filter(({ ok }) => !ok)).toEqual([])
    for (const check of ['keycloak: login to restore', 'keycloak: right manage-users', 'files: homes can be written'])
      expect(found.map((line) => line.check)).toContain(check)
  })

  test('names each right that is missing, and what to do', async () => {
    const found = await withSecret(keycloak.secretOf('toriki-backup'), () => lines(account('toriki-backup')))
    expect(found).toContainEqual({
      check: 'keycloak: right manage-users',
      ok: false,
      remedy: expect.stringContaining('manage-users'),
    })
  })

  test('without an account is said and not held against a machine that backs up', async () => {
    const [only, ...others] = await withSecret('any', () => lines(realm()))
    expect(only).toMatchObject({ check: 'restore: no account for Keycloak', ok: true })
    expect(only?.remedy).toContain('components.keycloak.restore')
    expect(others).toEqual([])
  })

  test('with a secret that this machine does not hold is said and not held against it', async () => {
    const [only, ...others] = await lines(account('toriki-restore'))
    expect(only).toMatchObject({ check: 'restore: not from this machine', ok: true })
    expect(only?.remedy).toContain(SECRET)
    expect(others).toEqual([])
  })

  test('asks the hub, and a hub that does not answer is a failure', async () => {
    const hub = { jupyterhub: { url: 'http://127.0.0.1:9/hub', token: `\${env:${SECRET}}` } }
    const files = { root: join(folder, 'nebari'), home: 'home/{user}' }
    const found = await withSecret('any', () => lines({ files, ...hub }))
    expect(found).toContainEqual({
      check: 'jupyterhub: says whose server runs',
      ok: false,
      remedy: expect.any(String),
    })
  })
})
