import { describe, expect, test } from '@jest/globals'
import { FORMAT_VERSION } from '../../../lib/repository/format.ts'
import { chunkId, deriveSliceKeys, generateSliceSecrets } from '../../../lib/repository/keys.ts'
import { packPath } from '../../../lib/repository/object-paths.ts'
import { PackReader } from '../../../lib/repository/pack-reader.ts'
import { readPackTable, readPackTableHead } from '../../../lib/repository/pack-table.ts'
import type { BlockDescription } from '../../../lib/repository/pack-table.ts'
import { sealObject } from '../../../lib/repository/seal.ts'
import { PackWriter } from '../../../lib/repository/pack-writer.ts'
import { MemoryObjectStore } from '../../../lib/platform/object-store/memory.ts'
import type { ChunkSort } from '../../../lib/repository/chunk-store.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('pack-reader')
const { treeSecret, contentPublicKey, contentPrivateKey } = generateSliceSecrets(random)
const writing = deriveSliceKeys(treeSecret, contentPublicKey)
const reading = deriveSliceKeys(treeSecret, contentPublicKey, contentPrivateKey)
const broken = expect.objectContaining({ code: 'seal-broken' })
const locked = expect.objectContaining({ code: 'content-locked' })
const sorts: readonly ChunkSort[] = ['content', 'tree']

async function stored(
  sort: ChunkSort,
  chunks: readonly Buffer[] = [Buffer.from('first '.repeat(20)), Buffer.from('second')],
  sliceId = 'abc',
) {
  const writer = new PackWriter({ sliceId, sort, keys: writing, random })
  for (const bytes of chunks) writer.add(chunkId(writing.chunkIdKey, bytes), bytes)
  const pack = writer.finish()
  const store = new MemoryObjectStore({ clock: new FakeClock() })
  await store.create(pack.path, pack.body)
  let gets = 0
  const counting = { get: (...get: Parameters<MemoryObjectStore['get']>) => (gets++, store.get(...get)) }
  const blocks: BlockDescription[] = []
  readPackTable(pack.table, { block: (block) => blocks.push(block), chunk: () => undefined })
  const reader = (keys = reading): PackReader => new PackReader({ store: counting, sliceId, keys })
  return { ...pack, store, blocks, reader, description: readPackTableHead(pack.table), gets: () => gets }
}

describe.each(sorts)('a %s pack', (sort) => {
  test('gives its blocks by one ranged request each, and keeps the last ones', async () => {
    const chunks = Array.from({ length: 6 }, () => random.bytes(sort === 'content' ? 700_000 : 50_000))
    const { reader, blocks, description, gets } = await stored(sort, chunks)
    const one = reader()
    const plain = await Promise.all(blocks.map((block) => one.block(description, block)))
    expect(Buffer.concat(plain).equals(Buffer.concat(chunks))).toBe(true)
    expect(gets()).toBe(blocks.length)
    await one.block(description, blocks.at(-1) as BlockDescription)
    expect(gets()).toBe(blocks.length)
  })

  test('gives its table without content rights', async () => {
    const { reader, packId, body, table } = await stored(sort)
    expect((await reader(writing).table(sort, packId, body.length)).equals(table)).toBe(true)
  })

  test('is proven whole, and any changed byte of it is found', async () => {
    const { reader, packId, body, table } = await stored(sort)
    expect(reader().verify(sort, packId, body).equals(table)).toBe(true)
    for (let at = 0; at < body.length; at++) {
      const changed = Buffer.from(body)
      changed[at] = (changed[at] as number) ^ 1
      expect(() => reader().verify(sort, packId, changed)).toThrow()
    }
    for (let length = 0; length < body.length; length += 7)
      expect(() => reader().verify(sort, packId, body.subarray(0, length))).toThrow(broken)
  })

  test('opens no block that was damaged, moved within the pack, or cut off', async () => {
    const { store, path, body, reader, blocks, description } = await stored(
      sort,
      Array.from({ length: 4 }, () => random.bytes(sort === 'content' ? 600_000 : 40_000)),
    )
    const [first, second] = blocks as [BlockDescription, BlockDescription]
    const damaged = Buffer.from(body)
    damaged[first.offset + 100] = (damaged[first.offset + 100] as number) ^ 1
    store.replace(path, damaged)
    await expect(reader().block(description, first)).rejects.toEqual(broken)
    await expect(reader().block(description, second)).resolves.toHaveLength(second.plainBytes)
    const swapped = Buffer.from(body)
    body.copy(swapped, first.offset, second.offset, second.offset + second.sealedBytes)
    store.replace(path, swapped)
    await expect(reader().block(description, first)).rejects.toEqual(broken)
    store.replace(path, body.subarray(0, second.offset + 3))
    await expect(reader().block(description, second)).rejects.toEqual(broken)
    store.replace(path, Buffer.alloc(0))
    await expect(reader().block(description, first)).rejects.toEqual(broken)
  })

  test('does not open under another id, or in another slice', async () => {
    const [one, two] = [await stored(sort), await stored(sort)]
    one.store.replace(packPath('abc', sort, two.packId), one.body)
    await expect(
      one.reader().block({ ...one.description, packId: two.packId }, one.blocks[0] as BlockDescription),
    ).rejects.toEqual(broken)
    expect(() => one.reader().verify(sort, two.packId, one.body)).toThrow(broken)
    const other = new PackReader({ store: one.store, sliceId: 'xyz', keys: reading })
    one.store.replace(packPath('xyz', sort, one.packId), one.body)
    await expect(other.block(one.description, one.blocks[0] as BlockDescription)).rejects.toEqual(broken)
    await expect(other.table(sort, one.packId, one.body.length)).rejects.toEqual(broken)
  })

  test('does not open as the other sort', async () => {
    const { reader, packId, body, store } = await stored(sort)
    const other = sort === 'tree' ? 'content' : 'tree'
    expect(() => reader().verify(other, packId, body)).toThrow(broken)
    store.replace(packPath('abc', other, packId), body)
    await expect(reader().table(other, packId, body.length)).rejects.toEqual(broken)
  })

  test('tries again after an error: it is not kept', async () => {
    const { store, path, body, reader, blocks, description } = await stored(sort)
    const one = reader()
    store.replace(path, Buffer.alloc(body.length))
    await expect(one.block(description, blocks[0] as BlockDescription)).rejects.toEqual(broken)
    store.replace(path, body)
    await expect(one.block(description, blocks[0] as BlockDescription)).resolves.toHaveLength(126)
  })

  test('of a newer version asks for a newer program', async () => {
    const { reader, blocks, description } = await stored(sort)
    const header = Buffer.from(description.header)
    header[6] = FORMAT_VERSION + 1
    await expect(reader().block({ ...description, header }, blocks[0] as BlockDescription)).rejects.toEqual(
      expect.objectContaining({ code: 'format-newer' }),
    )
  })

  test('table asks for no memory beyond the object: its length is checked', async () => {
    const { store, path, body, reader, packId } = await stored(sort)
    const lying = Buffer.from(body)
    lying.writeUInt32BE(0xffff_ffff, lying.length - 4)
    store.replace(path, lying)
    await expect(reader().table(sort, packId, lying.length)).rejects.toEqual(broken)
    await expect(reader().table(sort, packId, 50)).rejects.toEqual(broken)
  })
})

test('a table that a holder of the tree key forged does not pass: another pack’s, with another chunk, or without the last block', async () => {
  const chunks = Array.from({ length: 3 }, () => random.bytes(40_000))
  const { body, path, packId, table, blocks, reader, store } = await stored('tree', chunks)
  const last = blocks.at(-1) as BlockDescription
  const forge = async (forged: Buffer): Promise<Buffer> => {
    const place = { parentKey: writing.treeKey, kind: 'pack-table', path } as const
    const sealed = sealObject({ ...place, records: [forged], random })
    const trailer = Buffer.alloc(4)
    trailer.writeUInt32BE(sealed.length)
    const whole = Buffer.concat([body.subarray(0, last.offset + last.sealedBytes), sealed, trailer])
    store.replace(path, whole)
    return whole
  }
  expect(reader().verify('tree', packId, await forge(table))).toEqual(table)
  const otherId = Buffer.from(table)
  random.bytes(16).copy(otherId, 1)
  const forgedId = await forge(otherId)
  expect(() => reader().verify('tree', packId, forgedId)).toThrow(broken)
  await expect(reader().table('tree', packId, forgedId.length)).rejects.toEqual(broken)
  const otherChunk = Buffer.from(table)
  random.bytes(32).copy(otherChunk, table.length - 36)
  const forgedChunk = await forge(otherChunk)
  expect(() => reader().verify('tree', packId, forgedChunk)).toThrow(broken)
  const shorter = Buffer.from(table.subarray(0, table.length - 12 - 36))
  shorter.writeUInt32BE(blocks.length - 1, 18 + 72)
  const forgedEnd = await forge(shorter)
  expect(() => reader().verify('tree', packId, forgedEnd)).toThrow(broken)
})

test('a content block stays shut for who has no private key, its own writer first, and without a request', async () => {
  const { reader, blocks, description, gets } = await stored('content')
  await expect(reader(writing).block(description, blocks[0] as BlockDescription)).rejects.toEqual(locked)
  expect(gets()).toBe(0)
})

test('a content pack whose encapsulated key was exchanged does not open', async () => {
  const [one, two] = [await stored('content'), await stored('content')]
  const mixed = Buffer.concat([one.description.header.subarray(0, 72), two.description.header.subarray(72)])
  await expect(
    one.reader().block({ ...one.description, header: mixed }, one.blocks[0] as BlockDescription),
  ).rejects.toEqual(broken)
})

describe('blocks that are asked for one after the other', () => {
  const chunks = Array.from({ length: 40 }, () => random.bytes(50_000))
  async function walked() {
    const one = await stored('tree', chunks)
    const { blocks } = one
    const reader = one.reader()
    const ask = (at: number): Promise<Buffer> =>
      reader.block(one.description, blocks[at] as BlockDescription, (most) => blocks.slice(at + 1, at + 1 + most))
    return { ...one, ask }
  }

  test('come by a few requests, and are the same', async () => {
    const { ask, blocks, gets } = await walked()
    const plain: Buffer[] = []
    for (let at = 0; at < blocks.length; at++) plain.push(await ask(at))
    expect(Buffer.concat(plain).equals(Buffer.concat(chunks))).toBe(true)
    expect(blocks.length).toBeGreaterThan(30)
    expect(gets()).toBeLessThan(10)
  })

  test('here and there are fetched by themselves', async () => {
    const { ask, store, path, body, blocks, gets } = await walked()
    for (const at of [20, 3, 11]) await ask(at)
    expect(gets()).toBe(3)
    // Had they been fetched ahead, they would open.
    store.replace(path, Buffer.alloc(body.length))
    for (const at of [21, 4, 12]) await expect(ask(at)).rejects.toEqual(broken)
    expect(blocks.length).toBeGreaterThan(21)
  })

  test('a request that fails is told to who made it, and to nobody else', async () => {
    const { description, blocks, packId, path, body } = await walked()
    const store = new MemoryObjectStore({ clock: new FakeClock() })
    await store.create(path, body)
    let fails = false
    const get = async (...get: Parameters<MemoryObjectStore['get']>): Promise<Buffer> => {
      if (fails) throw new Error(`no answer for ${packId}`)
      return await store.get(...get)
    }
    const reader = new PackReader({ store: { get }, sliceId: 'abc', keys: reading })
    const ask = (at: number): Promise<Buffer> =>
      reader.block(description, blocks[at] as BlockDescription, (most) => blocks.slice(at + 1, at + 1 + most))
    await ask(0)
    fails = true
    await expect(ask(1)).rejects.toThrow('no answer')
    fails = false
    for (const at of [1, 2, 3]) await expect(ask(at)).resolves.toHaveLength(50_000)
  })
})
