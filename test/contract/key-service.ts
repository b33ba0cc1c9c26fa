/** What every key service promises, whatever is behind it (lib/platform/key-service/port.ts). */
import { beforeEach, describe, expect } from '@jest/globals'
import fc from 'fast-check'
import { WRAP_BYTES_MAX } from '../../lib/platform/key-service/port.ts'
import type { KeyService } from '../../lib/platform/key-service/port.ts'
import { keptPromises } from './kept-promises.ts'

/** Each `open` gives a service with a key of its own. */
export function keyServiceContract(
  driver: string,
  open: () => Promise<KeyService>,
  options: { readonly exceptions?: Readonly<Record<string, string>> } = {},
): void {
  const test = keptPromises(options.exceptions ?? {})
  describe(`key service: ${driver}`, () => {
    let keys: KeyService
    beforeEach(async () => {
      keys = await open()
    })
    const context = { deployment: 'd1', slice: 'abc', purpose: 'tree' }
    const secret = Buffer.from('a secret of thirty-two bytes ...')

    test('what was wrapped is unwrapped with the same context', async () => {
      expect(await keys.unwrap(await keys.wrap(secret, context), context)).toEqual(secret)
    })

    test('any secret up to 4,096 bytes comes back, under any context', async () => {
      const text = fc.string({ unit: 'grapheme', maxLength: 20 })
      await fc.assert(
        fc.asyncProperty(
          fc.uint8Array({ maxLength: 200 }),
          fc.dictionary(text, text, { maxKeys: 5 }),
          async (plaintext, given) => {
            expect(await keys.unwrap(await keys.wrap(plaintext, given), given)).toEqual(Buffer.from(plaintext))
          },
        ),
        { numRuns: 50 },
      )
      const longest = Buffer.alloc(WRAP_BYTES_MAX, 7)
      expect(await keys.unwrap(await keys.wrap(longest, context), context)).toEqual(longest)
    })

    test('the order of the members of a context does not matter', async () => {
      const wrapped = await keys.wrap(secret, context)
      expect(await keys.unwrap(wrapped, { purpose: 'tree', slice: 'abc', deployment: 'd1' })).toEqual(secret)
    })

    test('another context is refused: a changed, missing, added or shifted member', async () => {
      const wrapped = await keys.wrap(secret, context)
      const others: Record<string, string>[] = [
        { ...context, purpose: 'content' },
        { ...context, slice: 'abd' },
        { deployment: 'd1', slice: 'abc' },
        { ...context, more: '' },
        { deployment: 'd1', slice: 'abc', purpose: 'tre', e: '' },
        { deployment: 'd1', slice: 'abc","purpose":"tree' },
        {},
      ]
      for (const other of others)
        await expect(keys.unwrap(wrapped, other)).rejects.toMatchObject({
          code: 'key-context-mismatch',
          retry: 'never',
        })
    })

    test('a wrapped secret with any bit changed, or cut short, is refused', async () => {
      const wrapped = await keys.wrap(secret, context)
      for (let at = 0; at < wrapped.length; at++) {
        const changed = Buffer.from(wrapped)
        changed[at]! ^= 1
        await expect(keys.unwrap(changed, context)).rejects.toMatchObject({ retry: 'never' })
        await expect(keys.unwrap(wrapped.subarray(0, at), context)).rejects.toMatchObject({ retry: 'never' })
      }
    })

    test('two wrappings of one secret are different, and show nothing of it', async () => {
      const [first, second] = [await keys.wrap(secret, context), await keys.wrap(secret, context)]
      expect(first.equals(second)).toBe(false)
      expect(first.includes(secret.subarray(0, 8))).toBe(false)
    })

    test("another service's wrapping is keyring-foreign", async () => {
      const stranger = await open()
      await expect(keys.unwrap(await stranger.wrap(secret, context), context)).rejects.toMatchObject({
        code: 'keyring-foreign',
      })
      await expect(
        keys.unwrap(Buffer.from('AQICAHh something that KMS wrapped, for example'), context),
      ).rejects.toMatchObject({ code: 'keyring-foreign' })
    })

    test('a secret longer than 4,096 bytes is a mistake of the caller', async () => {
      await expect(keys.wrap(Buffer.alloc(WRAP_BYTES_MAX + 1), context)).rejects.toThrow(/4,096/)
    })

    test('the description holds no key', async () => {
      expect(keys.description).toMatch(/^[a-z0-9 .:/-]{3,100}$/)
    })
  })
}
