import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from '@jest/globals'
import { createKeyring, readKeyring, rotateKeyring } from '../../../../lib/platform/key-service/keyring.ts'
import { openLocalKeyService } from '../../../../lib/platform/key-service/local.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'
import { seededRandom } from '../../../kit/seeded-random.ts'
import { temporaryFolder } from '../../../kit/temporary-folder.ts'

const random = seededRandom('keyring')
const clock = new FakeClock()

describe('a keyring', () => {
  let path: string
  beforeEach(async () => {
    path = join(await temporaryFolder(), 'etc', 'keyring')
  })
  const create = (deployment = 'campus'): Promise<'created' | 'exists'> =>
    createKeyring(path, { deployment, clock, random })

  test('is made with one key of 32 bytes, for its owner only, and leaves nothing beside it', async () => {
    expect(await create()).toBe('created')
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600')
    expect(await readdir(join(path, '..'))).toEqual(['keyring'])
    const { deployment, keys } = await readKeyring(path)
    expect(deployment).toBe('campus')
    expect(keys).toHaveLength(1)
    expect(keys[0]?.secret).toHaveLength(32)
    expect(keys[0]?.createdAt).toEqual(clock.now())
  })

  test('is never made over what is there, whatever that is', async () => {
    await create()
    const before = await readFile(path, 'utf8')
    expect(await create('other')).toBe('exists')
    expect(await readFile(path, 'utf8')).toBe(before)
    expect(await readdir(join(path, '..'))).toEqual(['keyring'])
  })

  test('of 20 who make it at the same time one does', async () => {
    const results = await Promise.all(Array.from({ length: 20 }, () => create()))
    expect(results.filter((result) => result === 'created')).toHaveLength(1)
    expect((await readKeyring(path)).keys).toHaveLength(1)
  })

  test('missing is keyring-missing, and the remedy says what hangs on it', async () => {
    await expect(readKeyring(path)).rejects.toMatchObject({
      code: 'keyring-missing',
      message: expect.stringContaining(path),
      remedy: expect.stringContaining('Without it nothing can be opened'),
    })
  })

  test.each([0o640, 0o604, 0o660])(
    'readable for others (%o) is refused with the command that mends it',
    async (mode) => {
      await create()
      await chmod(path, mode)
      await expect(readKeyring(path)).rejects.toMatchObject({
        code: 'keyring-invalid',
        remedy: expect.stringContaining(`chmod 600 ${path}`),
      })
    },
  )

  test.each([
    ['', 'JSON'],
    ['not json: SECRETSECRET', 'JSON'],
    ['{}', 'format'],
    ['{"format":"toriki-keyring","v":2,"deployment":"campus","keys":[]}', 'v'],
    ['{"format":"toriki-keyring","v":1,"deployment":"campus","keys":[]}', 'keys'],
    [
      '{"format":"toriki-keyring","v":1,"deployment":"campus","keys":[{"id":"00112233445566778899aabbccddeeff","key":"c2hvcnQ=","createdAt":"2026-03-01T02:00:00.000Z"}]}',
      'keys.0.key',
    ],
  ])('that holds %j is keyring-invalid, names what is wrong and repeats nothing', async (text, names) => {
    await create()
    await writeFile(path, text)
    const error: unknown = await readKeyring(path).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'keyring-invalid', message: expect.stringContaining(names) })
    expect(JSON.stringify(error) + String((error as Error).stack) + String((error as Error).cause)).not.toContain(
      'SECRETSECRET',
    )
  })

  test('that holds a key twice, or is a directory, is keyring-invalid', async () => {
    await create()
    const keyring = JSON.parse(await readFile(path, 'utf8')) as { keys: unknown[] }
    await writeFile(path, JSON.stringify({ ...keyring, keys: [keyring.keys[0], keyring.keys[0]] }))
    await expect(readKeyring(path)).rejects.toMatchObject({
      code: 'keyring-invalid',
      message: expect.stringContaining('twice'),
    })
    await expect(readKeyring(join(path, '..'))).rejects.toMatchObject({ code: 'keyring-invalid' })
  })

  test('is cut anywhere: refused, never half read', async () => {
    await create()
    const whole = await readFile(path)
    for (let length = 0; length < whole.length - 2; length += 7) {
      await writeFile(path, whole.subarray(0, length))
      await expect(readKeyring(path)).rejects.toMatchObject({ code: 'keyring-invalid' })
    }
  })
})

describe('rotation of a keyring', () => {
  let path: string
  const context = { deployment: 'd', purpose: 'tree' }
  const secret = Buffer.from('secret')
  beforeEach(async () => {
    path = join(await temporaryFolder(), 'keyring')
    await createKeyring(path, { deployment: 'campus', clock, random })
  })
  const service = (): ReturnType<typeof openLocalKeyService> =>
    openLocalKeyService({ path, deployment: 'campus', random })

  test('wraps with the new key and unwraps what older keys wrapped', async () => {
    const old = await (await service()).wrap(secret, context)
    await rotateKeyring(path, { clock, random })
    await rotateKeyring(path, { clock, random })
    const rotated = await service()
    expect(await rotated.unwrap(old, context)).toEqual(secret)
    const young = await rotated.wrap(secret, context)
    expect(young.subarray(5, 21).equals(old.subarray(5, 21))).toBe(false)
    expect((await readKeyring(path)).keys).toHaveLength(3)
    expect(((await stat(path)).mode & 0o777).toString(8)).toBe('600')
    expect(await readdir(join(path, '..'))).toEqual(['keyring'])
  })

  test('a service that was open before learns of the new key when it meets it', async () => {
    const before = await service()
    await rotateKeyring(path, { clock, random })
    const wrapped = await (await service()).wrap(secret, context)
    expect(await before.unwrap(wrapped, context)).toEqual(secret)
  })

  test('of two at the same time one is refused, or both add a key: none is lost', async () => {
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => rotateKeyring(path, { clock, random })))
    const done = results.filter(({ status }) => status === 'fulfilled').length
    expect(done).toBeGreaterThan(0)
    expect((await readKeyring(path)).keys).toHaveLength(1 + done)
    for (const result of results)
      if (result.status === 'rejected')
        expect(result.reason).toMatchObject({ code: 'keyring-invalid', remedy: expect.stringContaining('.new') })
  })

  test('of a keyring that cannot be read changes nothing and leaves nothing', async () => {
    await writeFile(path, 'damaged')
    await expect(rotateKeyring(path, { clock, random })).rejects.toMatchObject({ code: 'keyring-invalid' })
    expect(await readFile(path, 'utf8')).toBe('damaged')
    expect(await readdir(join(path, '..'))).toEqual(['keyring'])
  })

  test('a keyring of another deployment is keyring-foreign, and both names are said', async () => {
    await expect(openLocalKeyService({ path, deployment: 'other', random })).rejects.toMatchObject({
      code: 'keyring-foreign',
      message: expect.stringMatching(/campus.*other/),
    })
  })
})
