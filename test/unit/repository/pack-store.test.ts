import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TorikiError } from '../../../lib/errors.ts'
import { MemoryObjectStore } from '../../../lib/platform/object-store/memory.ts'
import type { ObjectStore } from '../../../lib/platform/object-store/port.ts'
import { sealIndex } from '../../../lib/repository/index-object.ts'
import { deriveSliceKeys, generateSliceSecrets } from '../../../lib/repository/keys.ts'
import { indexPrefix, packPath } from '../../../lib/repository/object-paths.ts'
import { PackReader } from '../../../lib/repository/pack-reader.ts'
import { PackStore } from '../../../lib/repository/pack-store.ts'
import type { ChunkSort } from '../../../lib/repository/chunk-store.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('pack-store')
const { treeSecret, contentPublicKey, contentPrivateKey } = generateSliceSecrets(random)
const writing = deriveSliceKeys(treeSecret, contentPublicKey)
const reading = deriveSliceKeys(treeSecret, contentPublicKey, contentPrivateKey)
const sliceId = 'abc'
const code = (name: string): unknown => expect.objectContaining({ code: name })

function memoryStore(): MemoryObjectStore {
  return new MemoryObjectStore({ clock: new FakeClock() })
}

function open(store: ObjectStore, keys = reading): PackStore {
  return new PackStore({ store, sliceId, keys, random })
}

/** The store with some calls replaced, and all calls written down. */
function watched(
  store: MemoryObjectStore,
  replaced: Partial<ObjectStore> = {},
): ObjectStore & { readonly calls: string[] } {
  const calls: string[] = []
  const all: ObjectStore = {
    create: (key, body) => (calls.push(`create ${key}`), (replaced.create ?? store.create.bind(store))(key, body)),
    get: (key, options) => (calls.push(`get ${key}`), (replaced.get ?? store.get.bind(store))(key, options)),
    list: (prefix, options) => (
      calls.push(`list ${prefix}`),
      (replaced.list ?? store.list.bind(store))(prefix, options)
    ),
    delete: (key) => store.delete(key),
  }
  return { ...all, calls }
}

describe('what is put', () => {
  test('comes back by its id, from this store and from another opened later', async () => {
    const chunk = fc.tuple(fc.constantFrom<ChunkSort>('content', 'tree'), fc.uint8Array({ maxLength: 3000 }))
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(chunk, { maxLength: 12 }), { minLength: 1, maxLength: 3 }),
        async (flushes) => {
          const store = memoryStore()
          const writer = open(store, writing)
          const stored: { sort: ChunkSort; id: Buffer; bytes: Buffer }[] = []
          for (const chunks of flushes) {
            for (const [sort, bytes] of chunks) {
              const own = Buffer.from(bytes)
              const id = await writer.put(sort, own)
              own.fill(0)
              expect(writer.idOf(bytes)).toEqual(id)
              stored.push({ sort, id, bytes: Buffer.from(bytes) })
            }
            await writer.flush()
          }
          const reader = open(store)
          await reader.load()
          for (const { sort, id, bytes } of stored) {
            expect(reader.has(id)).toBe(true)
            expect((await reader.get(sort, id)).equals(bytes)).toBe(true)
            if (sort === 'tree') expect((await writer.get(sort, id)).equals(bytes)).toBe(true)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  test('is stored once, in one capture and in the next', async () => {
    const store = memoryStore()
    const [one, bytes] = [open(store, writing), Buffer.from('again and again')]
    await one.put('tree', bytes)
    await one.put('tree', bytes)
    expect(await one.flush()).toMatch(/^[a-z2-7]{26}$/)
    await one.put('tree', bytes)
    expect(await one.flush()).toBeUndefined()
    const objects = store.keys().length
    expect(objects).toBe(2)
    const two = open(store, writing)
    await two.put('tree', bytes)
    expect(await two.flush()).toBeUndefined()
    expect(store.keys()).toHaveLength(objects)
  })

  test('is stored for either sort: content that looks like a tree node is no tree node', async () => {
    const store = memoryStore()
    const writer = open(store, writing)
    const bytes = Buffer.from('the same')
    const id = await writer.put('content', bytes)
    await expect(writer.put('tree', bytes)).resolves.toEqual(id)
    await writer.flush()
    expect(writer.packs.map(({ sort }) => sort).toSorted()).toEqual(['content', 'tree'])
    await expect(writer.get('tree', id)).resolves.toEqual(bytes)
    await expect(writer.get('content', id)).rejects.toEqual(code('content-locked'))
  })

  test('is known at once, with its pack, and readable before any flush', async () => {
    const store = memoryStore()
    const writer = open(store, writing)
    const id = await writer.put('tree', Buffer.from('a node'))
    expect(writer.has(id)).toBe(true)
    const pack = writer.packOf(id)
    await expect(writer.get('tree', id)).resolves.toEqual(Buffer.from('a node'))
    expect(writer.packOf(id)).toBe(pack)
    expect(writer.packs).toEqual([{ sort: 'tree', packId: pack }])
    expect(writer.has(Buffer.alloc(32))).toBe(false)
    expect(writer.packOf(Buffer.alloc(32))).toBeUndefined()
  })

  test('fills packs to 16 MiB, one on its way while the next one fills, each with an index of its own; then one index names them all', async () => {
    const store = memoryStore()
    const calls = watched(store)
    const writer = open(calls, writing)
    for (let at = 0; at < 14; at++) await writer.put('content', random.bytes(3_000_000))
    await writer.put('tree', Buffer.from('a node'))
    const name = await writer.flush()
    expect(writer.packs.map(({ sort }) => sort)).toEqual(['content', 'content', 'content', 'tree'])
    const creates = calls.calls.filter((call) => call.startsWith('create'))
    const [first, second, third, tree] = writer.packs.map(
      ({ sort, packId }) => `create ${packPath(sliceId, sort, packId)}`,
    )
    const interim = expect.stringContaining(`create ${indexPrefix(sliceId)}`)
    const last = `create ${indexPrefix(sliceId)}${name}`
    // Only what is full: the rest ends with the flush, whose index comes at once.
    expect(creates).toEqual([first, interim, second, interim, third, tree, last])
    expect(writer.indexNames).toEqual([name])
    expect(writer.stored).toEqual({
      objects: 7,
      bytes: store.keys().reduce((sum, key) => sum + (store.peek(key)?.length ?? 0), 0),
    })
  })
})

test('no more than two packs are on their way at a time, so that memory has a bound', async () => {
  const store = memoryStore()
  let [now, most] = [0, 0]
  const slow = watched(store, {
    create: async (key, body) => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setImmediate(resolve))
      await store.create(key, body)
      now--
    },
  })
  const writer = open(slow, writing)
  for (let at = 0; at < 20; at++) await writer.put('content', random.bytes(4_000_000))
  await writer.flush()
  expect(writer.packs.length).toBeGreaterThan(3)
  expect(most).toBe(2)
})

describe('a writer that died', () => {
  const chunks = Array.from({ length: 14 }, () => random.bytes(3_000_000))
  /** Dies when this is the next of its objects. */
  async function dying(store: MemoryObjectStore, objects: number): Promise<void> {
    let created = 0
    const writer = open(
      watched(store, {
        async create(key, body) {
          if (created++ >= objects) throw new TorikiError('store-unavailable')
          await store.create(key, body)
        },
      }),
      writing,
    )
    const all = async (): Promise<void> => {
      for (const chunk of chunks) await writer.put('content', chunk)
      await writer.flush()
    }
    await expect(all()).rejects.toEqual(code('store-unavailable'))
  }
  const contentBytes = (store: MemoryObjectStore): number =>
    store.keys().reduce((sum, key) => sum + (key.includes('/packs/') ? (store.peek(key)?.length ?? 0) : 0), 0)

  test.each([1, 2, 3, 4, 5, 6])(
    'before its object %d has left one pack at most that is uploaded again',
    async (objects) => {
      const store = memoryStore()
      await dying(store, objects - 1)
      const next = open(store, writing)
      for (const chunk of chunks) await next.put('content', chunk)
      await next.flush()
      const sourceBytes = chunks.reduce((sum, { length }) => sum + length, 0)
      const uploadedTwice = contentBytes(store) - sourceBytes
      // A full pack, by up to one chunk over, and tables.
      expect(uploadedTwice).toBeLessThan(16 * 1024 * 1024 + 3_000_000 + 10_000)
      const reader = open(store)
      for (const chunk of chunks) expect((await reader.get('content', reader.idOf(chunk))).equals(chunk)).toBe(true)
    },
  )

  test('a full pack alone needs no second index', async () => {
    const store = memoryStore()
    const writer = open(store, writing)
    for (const chunk of chunks.slice(0, 6)) await writer.put('content', chunk)
    const name = await writer.flush()
    expect(store.keys()).toHaveLength(2)
    expect(store.keys()).toContain(`${indexPrefix(sliceId)}${name}`)
  })
})

describe('the write role', () => {
  test('can open no content: not of others, nor its own of a moment ago', async () => {
    const store = memoryStore()
    const writer = open(store, writing)
    const id = await writer.put('content', Buffer.from('a diary'))
    await expect(writer.get('content', id)).rejects.toEqual(code('content-locked'))
    await writer.flush()
    await expect(writer.get('content', id)).rejects.toEqual(code('content-locked'))
    await expect(open(store, writing).get('content', id)).rejects.toEqual(code('content-locked'))
    await expect(open(store, reading).get('content', id)).resolves.toEqual(Buffer.from('a diary'))
    for (const key of store.keys()) expect(store.peek(key)?.includes('diary')).toBe(false)
  })
})

describe('the index', () => {
  test('is not read, nor anything else asked of the store, until it is needed; then once', async () => {
    const calls = watched(memoryStore())
    const writer = open(calls, writing)
    writer.idOf(Buffer.from('a'))
    expect(await writer.flush()).toBeUndefined()
    expect(calls.calls).toEqual([])
    await Promise.all([writer.load(), writer.load()])
    await writer.load()
    await writer.put('tree', Buffer.from('a'))
    expect(calls.calls).toEqual([`list ${indexPrefix(sliceId)}`])
  })

  test('must be loaded before somebody asks what is stored', () => {
    expect(() => open(memoryStore()).has(Buffer.alloc(32))).toThrow('load')
  })

  test('is gathered from any number of index objects', async () => {
    const store = memoryStore()
    const ids: Buffer[] = []
    for (let at = 0; at < 40; at++) {
      const writer = open(store, writing)
      ids.push(await writer.put('tree', Buffer.from(`node ${at}`)))
      await writer.flush()
    }
    const reader = open(store)
    await reader.load()
    expect(ids.every((id) => reader.has(id))).toBe(true)
  })

  test('of many packs is read in one, and what that replaces is left alone', async () => {
    const store = memoryStore()
    const [ids, old, tables]: [Buffer[], string[], Buffer[]] = [[], [], []]
    for (let at = 0; at < 40; at++) {
      const writer = open(store, writing)
      ids.push(await writer.put('tree', Buffer.from(`node ${at}`)))
      old.push((await writer.flush()) as string)
      const [{ packId }] = writer.packs as unknown as [{ packId: string }]
      const packBytes = store.peek(packPath(sliceId, 'tree', packId))?.length as number
      tables.push(await new PackReader({ store, sliceId, keys: writing }).table('tree', packId, packBytes))
    }
    const all = sealIndex({ sliceId, treeKey: writing.treeKey, random }, { supersedes: old, tables })
    await store.create(all.path, all.bytes)
    const calls = watched(store)
    const reader = open(calls)
    await reader.load()
    expect(ids.every((id) => reader.has(id))).toBe(true)
    // What is asked for together with it cannot be taken back.
    expect(calls.calls.filter((call) => call.startsWith('get')).length).toBeLessThan(20)
  })

  test('is read again when prune replaced an object between the listing and the reading', async () => {
    const store = memoryStore()
    const writer = open(store, writing)
    const id = await writer.put('tree', Buffer.from('a node'))
    const old = (await writer.flush()) as string
    const [{ packId }] = writer.packs as unknown as [{ packId: string }]
    const pack = store.peek(packPath(sliceId, 'tree', packId)) as Buffer
    const table = await new PackReader({ store, sliceId, keys: writing }).table('tree', packId, pack.length)
    let pruned = false
    const moving = watched(store, {
      get: async (key, options) => {
        if (!pruned) {
          pruned = true
          const next = sealIndex({ sliceId, treeKey: writing.treeKey, random }, { supersedes: [old], tables: [table] })
          await store.create(next.path, next.bytes)
          await store.delete(`${indexPrefix(sliceId)}${old}`)
        }
        return await store.get(key, options)
      },
    })
    const reader = open(moving)
    await reader.load()
    expect(reader.has(id)).toBe(true)
    expect(moving.calls.filter((call) => call.startsWith('list'))).toHaveLength(2)
  })

  test('leaves out what a superseding index object left out', async () => {
    const store = memoryStore()
    const writer = open(store, writing)
    const id = await writer.put('tree', Buffer.from('gone'))
    const old = (await writer.flush()) as string
    const next = sealIndex({ sliceId, treeKey: writing.treeKey, random }, { supersedes: [old], tables: [] })
    await store.create(next.path, next.bytes)
    const reader = open(store)
    await reader.load()
    expect(reader.has(id)).toBe(false)
    await expect(reader.get('tree', id)).rejects.toEqual(code('object-not-found'))
  })

  test('that is damaged, or stands under another name, is refused; and may be loaded again when mended', async () => {
    const store = memoryStore()
    const writer = open(store, writing)
    const id = await writer.put('tree', Buffer.from('a node'))
    const path = `${indexPrefix(sliceId)}${await writer.flush()}`
    const body = store.peek(path) as Buffer
    const reader = open(store)
    const damaged = Buffer.from(body)
    damaged[damaged.length - 1] = (damaged[damaged.length - 1] as number) ^ 1
    store.replace(path, damaged)
    await expect(reader.load()).rejects.toEqual(code('seal-broken'))
    store.replace(path, body)
    await reader.load()
    expect(reader.has(id)).toBe(true)
    store.replace(`${indexPrefix(sliceId)}another`, body)
    await expect(open(store).load()).rejects.toEqual(code('seal-broken'))
  })

  test('that lies about a chunk is found out by the chunk’s id', async () => {
    const store = memoryStore()
    const writer = open(store, writing)
    const id = await writer.put('tree', Buffer.from('true'))
    const name = (await writer.flush()) as string
    const [{ packId }] = writer.packs as unknown as [{ packId: string }]
    const size = store.peek(packPath(sliceId, 'tree', packId))?.length as number
    const table = Buffer.from(await new PackReader({ store, sliceId, keys: writing }).table('tree', packId, size))
    const other = writer.idOf(Buffer.from('lies'))
    other.copy(table, table.indexOf(id))
    const lying = sealIndex({ sliceId, treeKey: writing.treeKey, random }, { supersedes: [name], tables: [table] })
    await store.create(lying.path, lying.bytes)
    await store.delete(`${indexPrefix(sliceId)}${name}`)
    await expect(open(store).get('tree', other)).rejects.toEqual(code('seal-broken'))
  })
})

describe('condemned packs', () => {
  test('count as absent, so that their chunks are stored again', async () => {
    const store = memoryStore()
    const first = open(store, writing)
    const id = await first.put('tree', Buffer.from('a node'))
    await first.flush()
    const condemned = first.packs.map(({ packId }) => packId)
    const second = open(store, writing)
    second.condemn(condemned)
    await second.load()
    expect(second.has(id)).toBe(false)
    await second.put('tree', Buffer.from('a node'))
    await second.flush()
    expect(second.packOf(id)).not.toBe(condemned[0])
    await store.delete(packPath(sliceId, 'tree', condemned[0] as string))
    const third = open(store)
    third.condemn(condemned)
    await expect(third.get('tree', id)).resolves.toEqual(Buffer.from('a node'))
  })

  test('count as absent also when they are condemned after loading', async () => {
    const store = memoryStore()
    const writer = open(store, writing)
    const id = await writer.put('tree', Buffer.from('a node'))
    await writer.flush()
    writer.condemn(writer.packs.map(({ packId }) => packId))
    expect(writer.has(id)).toBe(false)
  })
})

describe('an error of the store', () => {
  test('while a pack is written ends the capture: no index is written, ever', async () => {
    const store = memoryStore()
    let fail = true
    const failing = watched(store, {
      create: (key, body) => (fail ? Promise.reject(new TorikiError('store-full')) : store.create(key, body)),
    })
    const writer = open(failing, writing)
    await writer.put('tree', Buffer.from('a node'))
    await expect(writer.flush()).rejects.toEqual(code('store-full'))
    fail = false
    await expect(writer.flush()).rejects.toEqual(code('store-full'))
    await writer.put('tree', Buffer.from('another'))
    await expect(writer.flush()).rejects.toEqual(code('store-full'))
    expect(store.keys().filter((key) => key.startsWith(indexPrefix(sliceId)))).toEqual([])
    expect(writer.indexNames).toEqual([])
  })

  test('that only lost an answer does no harm', async () => {
    const store = memoryStore()
    const losing = watched(store, {
      create: async (key, body) => {
        await store.create(key, body)
        throw new TorikiError('object-exists')
      },
    })
    const writer = open(losing, writing)
    const id = await writer.put('tree', Buffer.from('a node'))
    await expect(writer.flush()).resolves.toBeDefined()
    await expect(open(store).get('tree', id)).resolves.toEqual(Buffer.from('a node'))
  })

  test('while a pack is written in the background comes out at the next call that writes', async () => {
    const failing = watched(memoryStore(), { create: () => Promise.reject(new TorikiError('store-refused')) })
    const writer = open(failing, writing)
    const many = async (): Promise<void> => {
      for (let at = 0; at < 14; at++) await writer.put('content', random.bytes(3_000_000))
    }
    await expect(many()).rejects.toEqual(code('store-refused'))
  })
})
