import { execFile } from 'node:child_process'
import { mkdir, readdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { silentLog } from '../../../lib/log.ts'
import { assemblePlatform, createPlatformKeys, platformParts } from '../../../lib/platform/assemble.ts'
import { parseSettings } from '../../../lib/settings.ts'
import type { Settings } from '../../../lib/settings.ts'
import { answeringServer } from '../../kit/servers/answering-server.ts'
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
    [
      'a bucket for keys beside a folder',
      'store: { folder: s }\nkeys: { kms: { key: alias/k, endpoint: "http://127.0.0.1:9" }, bucket: b }',
      'keys.bucket',
    ],
    [
      'a prefix that could not be a key',
      'store: { s3: { bucket: b, prefix: "a/../b", endpoint: "http://127.0.0.1:9" } }',
      'store.s3.prefix',
    ],
  ])('%s is refused, naming it', async (_, lines, names) => {
    await createPlatformKeys(settings('store: { folder: s }'))
    await expect(assemblePlatform(settings(lines), { log: silentLog })).rejects.toMatchObject({
      code: 'settings-invalid',
      message: expect.stringContaining(names),
    })
  })

  test.each(['store: { s3: { bucket: b } }', 'queue: { sqs: { prefix: p } }', 'keys: { kms: { key: alias/k } }'])(
    '%s: a region that only the machine names is held to the allow-list too',
    async (line) => {
      await createPlatformKeys(settings())
      const before = process.env['AWS_REGION']
      process.env['AWS_REGION'] = 'mars-north-1'
      try {
        await expect(
          assemblePlatform(settings(`${line}\nregions: [eu-central-1]`), { log: silentLog }),
        ).rejects.toMatchObject({ code: 'region-not-allowed', message: expect.stringContaining('mars-north-1') })
      } finally {
        if (before === undefined) delete process.env['AWS_REGION']
        else process.env['AWS_REGION'] = before
      }
    },
  )

  test('a region that only the address of AWS names is held to the allow-list too', async () => {
    await createPlatformKeys(settings())
    const s3 = 'store: { s3: { bucket: b, endpoint: "https://s3.mars-north-1.amazonaws.com" } }'
    await expect(
      assemblePlatform(settings(`${s3}\nregions: [eu-central-1]`), { log: silentLog }),
    ).rejects.toMatchObject({ code: 'region-not-allowed', message: expect.stringMatching(/store\.s3.*mars-north-1/) })
  })

  test('a key of KMS of another region than it is asked for in is refused by name, and nobody is asked', async () => {
    const kms = (region: string): Settings =>
      settings(`keys: { kms: { key: "arn:aws:kms:mars-north-1:123456789012:key/k", region: ${region} } }`)
    const parts = platformParts(kms('eu-central-1'), { log: silentLog })
    await expect(parts.keys()).rejects.toMatchObject({
      code: 'key-unusable',
      message: expect.stringMatching(/lies in the region mars-north-1, and is asked for in eu-central-1/),
      remedy: expect.stringContaining('region: mars-north-1'),
    })
    const fine = platformParts(kms('mars-north-1'), { log: silentLog })
    expect((await fine.keys()).description).toContain('mars-north-1')
    await fine.close()
  })

  test('a part that cannot be opened hides no other', async () => {
    const parts = platformParts(local('nowhere'), { log: silentLog })
    await expect(parts.keys()).rejects.toMatchObject({ code: 'keyring-missing' })
    expect((await (await parts.stores()).store.list('')).objects).toEqual([])
    expect(await (await parts.queues()).queue('settle-run').depth()).toMatchObject({ visible: 0 })
    await parts.close()
  })

  test('a platform of buckets, a key of KMS and a queue here works, below the prefix, with keys in their own bucket', async () => {
    const stored = new Map<string, string>()
    await using server = await answeringServer(({ method, url, body, headers }) => {
      const path = url.split('?')[0] ?? ''
      if (headers['x-amz-target'] !== undefined)
        return { status: 200, body: JSON.stringify({ KeyId: 'mrk-1', CiphertextBlob: 'AAAA', Plaintext: 'eQ==' }) }
      if (method === 'PUT') {
        stored.set(path, body)
        return { status: 200, headers: { etag: '"x"' } }
      }
      const found = stored.get(path) ?? ''
      return { status: 200, headers: { etag: '"x"', 'content-length': String(found.length) }, body: found }
    })
    const credentials = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' }
    Object.assign(process.env, credentials)
    try {
      const place = `endpoint: "${server.endpoint}"`
      const platform = await assemblePlatform(
        settings(
          `store: { s3: { bucket: campus, prefix: /one/, ${place} } }\nkeys: { kms: { key: mrk-1, ${place} }, bucket: campus-keys }\nqueue: { sqlite: queue }`,
        ),
        { log: silentLog },
      )
      await platform.store.create('a/b', Buffer.from('x'))
      await platform.keyStore.create('keys/c', Buffer.from('k'))
      expect((await platform.store.get('a/b')).toString()).toBe('x')
      expect([...stored]).toEqual([
        ['/campus/one/a/b', 'x'],
        ['/campus-keys/one/keys/c', 'k'],
      ])
      expect((await platform.keys.unwrap(await platform.keys.wrap(Buffer.from('y'), {}), {})).toString()).toBe('y')
      await platform.close()
    } finally {
      for (const name of Object.keys(credentials)) delete process.env[name]
    }
  })

  test('a platform on this machine loads no SDK of a supplier', async () => {
    const program = `
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
      await import(${JSON.stringify(new URL('../../../lib/assemble-service.ts', import.meta.url).href)})
      await import(${JSON.stringify(new URL('../../../lib/assemble-restore.ts', import.meta.url).href)})
      process.stdout.write(JSON.stringify(loaded))`
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '--no-warnings',
      '-e',
      program,
    ])
    const loaded = JSON.parse(stdout.slice(stdout.lastIndexOf('["'))) as string[]
    expect(loaded.some((url) => url.endsWith('lib/platform/assemble.ts'))).toBe(true)
    expect(loaded.filter((url) => /@aws-sdk|@smithy|\/aws\.ts$/.test(url))).toEqual([])
  })
})
