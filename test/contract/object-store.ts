/** What every object store promises, whatever is behind it (lib/platform/object-store/port.ts). */
import { beforeEach, describe, expect } from '@jest/globals'
import fc from 'fast-check'
import { isTorikiError } from '../../lib/errors.ts'
import { LIST_PAGE_MAX, listAll } from '../../lib/platform/object-store/port.ts'
import type { ListPage, ObjectStore } from '../../lib/platform/object-store/port.ts'
import { keptPromises } from './kept-promises.ts'

/** `open` gives an empty store. */
export function objectStoreContract(
  driver: string,
  open: () => Promise<ObjectStore>,
  options: { readonly propertyRuns?: number; readonly exceptions?: Readonly<Record<string, string>> } = {},
): void {
  const test = keptPromises(options.exceptions ?? {})
  describe(`object store: ${driver}`, () => {
    let store: ObjectStore
    beforeEach(async () => {
      store = await open()
    })
    const keysUnder = async (prefix: string): Promise<string[]> => {
      const keys: string[] = []
      for await (const { key } of listAll(store, prefix)) keys.push(key)
      return keys
    }

    test('a created object is read back byte for byte, an empty one too', async () => {
      const body = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
      await store.create('slices/a/packs/p1', body)
      await store.create('empty', new Uint8Array())
      expect(await store.get('slices/a/packs/p1')).toEqual(body)
      expect(await store.get('empty')).toEqual(Buffer.alloc(0))
    })

    test('an object does not change when the caller reuses the buffer, or changes an answer', async () => {
      const body = Buffer.from('first')
      await store.create('key', body)
      body.fill(0)
      ;(await store.get('key')).fill(1)
      expect((await store.get('key')).toString()).toBe('first')
    })

    test('creating an existing key fails with object-exists and changes nothing, with the same bytes too', async () => {
      await store.create('runs/r/run', Buffer.from('first'))
      await expect(store.create('runs/r/run', Buffer.from('second'))).rejects.toMatchObject({
        code: 'object-exists',
        retry: 'never',
      })
      await expect(store.create('runs/r/run', Buffer.from('first'))).rejects.toMatchObject({ code: 'object-exists' })
      expect((await store.get('runs/r/run')).toString()).toBe('first')
    })

    test('of 20 who create one key at the same time exactly one wins, and it is the one that is stored', async () => {
      const racers = Array.from({ length: 20 }, (_, number) => `racer ${number}`)
      const results = await Promise.allSettled(racers.map((name) => store.create('race/one/key', Buffer.from(name))))
      const winners = racers.filter((_, number) => results[number]?.status === 'fulfilled')
      expect(winners).toHaveLength(1)
      expect(
        results.filter((result) => result.status === 'rejected' && isTorikiError(result.reason, 'object-exists')),
      ).toHaveLength(19)
      expect((await store.get('race/one/key')).toString()).toBe(winners[0])
      expect(await keysUnder('')).toEqual(['race/one/key'])
    })

    test('20 who create different keys in one new place at the same time all win', async () => {
      const keys = Array.from({ length: 20 }, (_, number) => `new/place/${String(number).padStart(2, '0')}`)
      await Promise.all(keys.map((key) => store.create(key, Buffer.from(key))))
      expect(await keysUnder('new/')).toEqual(keys)
    })

    test('a missing object is object-not-found, where a part of the way is missing, a directory or an object too', async () => {
      await store.create('a/b', Buffer.from('x'))
      for (const key of ['missing', 'a', 'a/c', 'a/b/c', 'x/y/z']) {
        await expect(store.get(key)).rejects.toMatchObject({ code: 'object-not-found' })
      }
    })

    test('a range gives the bytes inside it; past the end there is nothing', async () => {
      await store.create('key', Buffer.from('0123456789'))
      const range = async (offset: number, length: number): Promise<string> =>
        (await store.get('key', { range: { offset, length } })).toString()
      expect(await range(0, 10)).toBe('0123456789')
      expect(await range(3, 4)).toBe('3456')
      expect(await range(9, 1)).toBe('9')
      expect(await range(8, 5)).toBe('89')
      expect(await range(10, 1)).toBe('')
      expect(await range(100, 1)).toBe('')
      expect(await range(4, 0)).toBe('')
    })

    test('an answer longer than bytesMax is object-too-large, one of just that length is given', async () => {
      await store.create('key', Buffer.alloc(100))
      await expect(store.get('key', { bytesMax: 99 })).rejects.toMatchObject({ code: 'object-too-large' })
      expect(await store.get('key', { bytesMax: 100 })).toHaveLength(100)
      expect(await store.get('key', { bytesMax: 10, range: { offset: 90, length: 10 } })).toHaveLength(10)
    })

    test('a listing is in byte order of whole keys, where punctuation sorts before and after the slash', async () => {
      const keys = [
        'a-b',
        'a-b/c',
        'a.b',
        'a.b/c',
        'a/b',
        'a/b-c',
        'a/b/c',
        'a0',
        'a0/c',
        'aB',
        'a_b',
        'ab',
        'z',
        'A/b',
      ]
      const wanted = keys.filter((key) => !keys.some((other) => other.startsWith(`${key}/`)))
      for (const key of wanted.toReversed()) await store.create(key, Buffer.from(key))
      expect(await keysUnder('')).toEqual(wanted.toSorted())
    })

    test('a prefix may end anywhere: inside a segment, at a slash, or be a whole key', async () => {
      for (const key of ['runs/2026-a/run', 'runs/2026-b/run', 'runs/2027/run', 'runs-old/x', 'run'])
        await store.create(key, Buffer.from(key))
      expect(await keysUnder('runs/2026')).toEqual(['runs/2026-a/run', 'runs/2026-b/run'])
      expect(await keysUnder('runs/')).toEqual(['runs/2026-a/run', 'runs/2026-b/run', 'runs/2027/run'])
      expect(await keysUnder('runs')).toEqual(['runs-old/x', 'runs/2026-a/run', 'runs/2026-b/run', 'runs/2027/run'])
      expect(await keysUnder('run')).toEqual([
        'run',
        'runs-old/x',
        'runs/2026-a/run',
        'runs/2026-b/run',
        'runs/2027/run',
      ])
      expect(await keysUnder('runs/2027/run')).toEqual(['runs/2027/run'])
      expect(await keysUnder('nothing/here')).toEqual([])
    })

    test('a listing goes on after any text, which need not be a key', async () => {
      for (const key of ['runs/a/1', 'runs/a/2', 'runs/b/1', 'runs/c/1']) await store.create(key, Buffer.from(key))
      const after = async (text: string): Promise<string[]> =>
        (await store.list('runs/', { after: text })).objects.map(({ key }) => key)
      expect(await after('runs/a/1')).toEqual(['runs/a/2', 'runs/b/1', 'runs/c/1'])
      expect(await after('runs/a/~')).toEqual(['runs/b/1', 'runs/c/1'])
      expect(await after('runs/b')).toEqual(['runs/b/1', 'runs/c/1'])
      expect(await after('a')).toEqual(['runs/a/1', 'runs/a/2', 'runs/b/1', 'runs/c/1'])
      expect(await after('z')).toEqual([])
    })

    test('random keys: pages, prefixes and afters agree with a sorted list', async () => {
      const segment = fc.stringMatching(/^[ab0_-][ab.0_-]{0,2}$/)
      const key = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'))
      await fc.assert(
        fc.asyncProperty(fc.uniqueArray(key, { maxLength: 12 }), key, key, async (keys, prefix, after) => {
          store = await open()
          const stored = keys.filter((one) => !keys.some((other) => other.startsWith(`${one}/`)))
          for (const one of stored) await store.create(one, Buffer.from(one))
          const sorted = stored.toSorted()
          expect(await keysUnder('')).toEqual(sorted)
          expect((await store.list('', { after })).objects.map((object) => object.key)).toEqual(
            sorted.filter((one) => one > after),
          )
          const cut = prefix.slice(0, Math.ceil(prefix.length / 2))
          expect((await store.list(cut, { after })).objects.map((object) => object.key)).toEqual(
            sorted.filter((one) => one.startsWith(cut) && one > after),
          )
        }),
        { numRuns: options.propertyRuns ?? 100 },
      )
    })

    test('a listing of the first ones says where it goes on, and leaves nothing out', async () => {
      for (const key of ['few/a', 'few/b/1', 'few/b-1', 'few/c']) await store.create(key, Buffer.of(1))
      const keys: string[] = []
      for (let after: string | undefined = ''; after !== undefined;) {
        const page: ListPage = await store.list('few/', { after, max: 1 })
        expect(page.objects).toHaveLength(1)
        keys.push(...page.objects.map(({ key }) => key))
        after = page.next
      }
      expect(keys).toEqual(['few/a', 'few/b-1', 'few/b/1', 'few/c'])
      const two = await store.list('few/', { max: 2 })
      expect(two).toMatchObject({ objects: [{ key: 'few/a' }, { key: 'few/b-1' }], next: 'few/b-1' })
      expect((await store.list('few/', { max: 4 })).next).toBeUndefined()
    })

    test('a long listing comes in pages that leave nothing out and repeat nothing, also when objects come and go between them', async () => {
      const keys = Array.from(
        { length: LIST_PAGE_MAX + 5 },
        (_, number) => `many/${number % 3}/${String(number).padStart(5, '0')}`,
      ).toSorted()
      await Promise.all(keys.map((key) => store.create(key, Buffer.of(1))))
      const first = await store.list('many/')
      expect(first.objects.map(({ key }) => key)).toEqual(keys.slice(0, LIST_PAGE_MAX))
      expect(first.next).toBeDefined()
      await store.delete(keys[0] as string)
      await store.create('many/2/zzzzz', Buffer.of(1))
      const second = await store.list('many/', { after: first.next as string })
      expect(second.objects.map(({ key }) => key)).toEqual([...keys.slice(LIST_PAGE_MAX), 'many/2/zzzzz'])
      expect(second.next).toBeUndefined()
    })

    test('a page that is just full is the last when nothing follows', async () => {
      await Promise.all(
        Array.from({ length: LIST_PAGE_MAX }, (_, number) => store.create(`full/${number}`, Buffer.of(1))),
      )
      const page = await store.list('full/')
      expect(page.objects).toHaveLength(LIST_PAGE_MAX)
      expect(page.next).toBeUndefined()
    })

    test('an object has its size and its time, by the clock that also says when the listing was made', async () => {
      const before = (await store.list('')).at
      await store.create('key', Buffer.alloc(123))
      const page = await store.list('')
      const [object] = page.objects
      expect(object?.sizeBytes).toBe(123)
      expect(object?.modifiedAt.getTime()).toBeGreaterThanOrEqual(before.getTime())
      expect(object?.modifiedAt.getTime()).toBeLessThanOrEqual(page.at.getTime())
    })

    test('a deleted object is gone, can be deleted again and created again; its neighbours stay', async () => {
      await store.create('a/b/one', Buffer.from('1'))
      await store.create('a/b/two', Buffer.from('2'))
      await store.delete('a/b/one')
      await store.delete('a/b/one')
      await store.delete('never/was')
      await expect(store.get('a/b/one')).rejects.toMatchObject({ code: 'object-not-found' })
      expect(await keysUnder('')).toEqual(['a/b/two'])
      await store.delete('a/b/two')
      expect(await keysUnder('')).toEqual([])
      await store.create('a/b/one', Buffer.from('again'))
      expect((await store.get('a/b/one')).toString()).toBe('again')
    })

    test('creating and deleting side by side in one place ends with every object that was not deleted', async () => {
      const create = (key: string): Promise<void> => store.create(key, Buffer.from(key))
      await Promise.all(
        Array.from({ length: 40 }, async (_, number) => {
          await create(`busy/place/${number}`)
          if (number % 2 === 0) await store.delete(`busy/place/${number}`)
        }),
      )
      expect(await keysUnder('busy/')).toEqual(
        Array.from({ length: 20 }, (_, number) => `busy/place/${number * 2 + 1}`).toSorted(),
      )
    })

    test('what is no key never reaches the store', async () => {
      const bad = [
        '',
        '/',
        '/a',
        'a/',
        'a//b',
        '.',
        '..',
        'a/../b',
        './a',
        '.tmp/x',
        'a/.hidden',
        'a\0b',
        'ä',
        'a b',
        'a\\b',
        `${'x'.repeat(256)}`,
        `${'x/'.repeat(600)}x`,
      ]
      for (const key of bad) {
        await expect(store.create(key, Buffer.of(1))).rejects.toThrow(/not a key/)
        await expect(store.get(key)).rejects.toThrow(/not a key/)
        await expect(store.delete(key)).rejects.toThrow(/not a key/)
      }
      for (const prefix of ['/', '../', 'a//', '.', 'a/..', '.tmp/', '*'])
        await expect(store.list(prefix)).rejects.toThrow(/not a prefix/)
      expect(await keysUnder('')).toEqual([])
    })
  })
}
