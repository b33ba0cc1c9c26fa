import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { silentLog } from '../../../lib/log.ts'
import { assemblePlatform, createPlatformKeys } from '../../../lib/platform/assemble.ts'
import { parseSettings } from '../../../lib/settings.ts'
import type { Settings } from '../../../lib/settings.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

describe('the assembly', () => {
  let folder: string
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  const settings = (lines = ''): Settings =>
    parseSettings(
      `deployment: campus\ncomponents: { files: { root: /mnt, home: "home/{user}" } }\n${lines}`,
      join(folder, 'toriki.yaml'),
      'platform',
    )
  const local = (keyring: string): Settings =>
    settings(
      `store: { folder: store }\nkeys: { keyring: ${keyring} }\nqueue: { sqlite: queue }\nlimits: { attempts: 1 }`,
    )

  test('of local settings gives a platform that works, over the places that are named', async () => {
    expect(await createPlatformKeys(local('keyring'))).toBe('created')
    expect(await createPlatformKeys(local('keyring'))).toBe('exists')
    const platform = await assemblePlatform(local('keyring'), { log: silentLog })
    await platform.store.create('a/b', Buffer.from('x'))
    expect((await platform.keyStore.get('a/b')).toString()).toBe('x')
    expect(await platform.keys.unwrap(await platform.keys.wrap(Buffer.from('y'), {}), {})).toEqual(Buffer.from('y'))
    const queue = platform.queues.queue('backup-slice')
    await queue.send([{ body: 'z' }])
    await queue.receive({ max: 1, waitMs: 0, visibilityMs: 0 })
    await queue.receive({ max: 1, waitMs: 0, visibilityMs: 0 })
    expect(await platform.queues.deadLetter('backup-slice').depth()).toMatchObject({ visible: 1 })
    await platform.close()
    expect((await readdir(folder)).toSorted()).toEqual(['keyring', 'queue', 'store'])
  })

  test('makes nothing when the keyring is missing', async () => {
    await expect(assemblePlatform(local('keyring'), { log: silentLog })).rejects.toMatchObject({
      code: 'keyring-missing',
    })
    expect(await readdir(folder)).toEqual([])
  })

  test.each(['linked/keyring', 'linked/deep/er/keyring', 'linked'])(
    'a keyring that lies inside the store by way of a link (%s) is refused before anything is written',
    async (keyring) => {
      await mkdir(join(folder, 'store'))
      await symlink('store', join(folder, 'linked'))
      await expect(createPlatformKeys(local(keyring))).rejects.toMatchObject({
        code: 'settings-invalid',
        message: expect.stringContaining('keys.keyring'),
      })
      await expect(assemblePlatform(local(keyring), { log: silentLog })).rejects.toMatchObject({
        code: 'settings-invalid',
      })
      expect(await readdir(join(folder, 'store'))).toEqual([])
    },
  )

  test('a neighbour of the store whose name begins alike is not inside it', async () => {
    expect(await createPlatformKeys(local('store-keyring'))).toBe('created')
    expect(await createPlatformKeys(local('..keyring'))).toBe('created')
  })

  test.each([
    ['store: { s3: { bucket: b } }', 'store.s3'],
    ['keys: { kms: { key: alias/k } }', 'keys.kms'],
    ['queue: { sqs: { prefix: p } }', 'queue.sqs'],
  ])('%s is refused: this build has no such driver', async (line, names) => {
    await expect(assemblePlatform(settings(line), { log: silentLog })).rejects.toMatchObject({
      code: 'settings-invalid',
      message: expect.stringContaining(names),
      remedy: expect.stringContaining('Write'),
    })
  })
})
