import { describe, expect, test } from '@jest/globals'
import {
  CHUNK_BYTES_MAX,
  PACK_BYTES,
  PACK_CHUNKS_MAX,
  SEAL_HEADER_BYTES,
  TREE_CHUNK_BYTES_MAX,
} from '../../../lib/repository/format.ts'
import { chunkId, deriveSliceKeys, generateSliceSecrets } from '../../../lib/repository/keys.ts'
import { PackReader } from '../../../lib/repository/pack-reader.ts'
import { readPackTable } from '../../../lib/repository/pack-table.ts'
import { PackWriter } from '../../../lib/repository/pack-writer.ts'
import type { ChunkSort } from '../../../lib/repository/chunk-store.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('pack-writer')
const { treeSecret, contentPublicKey, contentPrivateKey } = generateSliceSecrets(random)
const keys = deriveSliceKeys(treeSecret, contentPublicKey)
const MIB = 1024 * 1024

function writer(sort: ChunkSort): { pack: PackWriter; add: (bytes: Buffer) => void } {
  const pack = new PackWriter({ sliceId: 'abc', sort, keys, random })
  return { pack, add: (bytes) => pack.add(chunkId(keys.chunkIdKey, bytes), bytes) }
}

function blocksOf(table: Buffer): { plainBytes: number; chunks: number[] }[] {
  const blocks: { plainBytes: number; chunks: number[] }[] = []
  readPackTable(table, {
    block: ({ plainBytes }) => blocks.push({ plainBytes, chunks: [] }),
    chunk: (_table, _idAt, _offset, length) => blocks.at(-1)?.chunks.push(length),
  })
  return blocks
}

describe('a pack', () => {
  test('groups content chunks into blocks of up to 1 MiB, and lets a longer one stand alone', () => {
    const { pack, add } = writer('content')
    for (const length of [400_000, 400_000, 400_000, 100, 2 * MIB, 5, 7]) add(random.bytes(length))
    const { table, path, packId } = pack.finish()
    expect(blocksOf(table).map(({ chunks }) => chunks)).toEqual([[400_000, 400_000], [400_000, 100], [2 * MIB], [5, 7]])
    expect(path).toBe(`slices/abc/packs/${packId}`)
    expect(packId).toMatch(/^[a-z2-7]{26}$/)
  })

  test('groups tree nodes into blocks of up to 64 KiB', () => {
    const { pack, add } = writer('tree')
    for (const length of [40_000, 20_000, 20_000, 100_000]) add(random.bytes(length))
    const { table, path } = pack.finish()
    expect(blocksOf(table).map(({ chunks }) => chunks)).toEqual([[40_000, 20_000], [20_000], [100_000]])
    expect(path).toMatch(/^slices\/abc\/trees\//)
  })

  test('takes a copy of what it is given', () => {
    const { pack } = writer('tree')
    const bytes = Buffer.from('a node')
    const id = chunkId(keys.chunkIdKey, bytes)
    pack.add(id, bytes)
    bytes.fill(0)
    const { body, packId } = pack.finish()
    expect(() =>
      new PackReader({ store: { get: () => Promise.reject(new Error('no store')) }, sliceId: 'abc', keys }).verify(
        'tree',
        packId,
        body,
      ),
    ).not.toThrow()
  })

  test('is full at 16 MiB, or at its most chunks, so that its table stays small', () => {
    const { pack, add } = writer('content')
    let stored = 0
    while (!pack.full && stored < 2 * PACK_BYTES) {
      add(random.bytes(3 * MIB))
      stored += 3 * MIB
    }
    expect(stored).toBeLessThanOrEqual(PACK_BYTES + 3 * MIB)
    const small = writer('content')
    for (let at = 0; at < PACK_CHUNKS_MAX; at++) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(at)
      expect(small.pack.full).toBe(false)
      small.add(bytes)
    }
    expect(small.pack.full).toBe(true)
    expect(blocksOf(small.pack.finish().table).flatMap(({ chunks }) => chunks)).toHaveLength(PACK_CHUNKS_MAX)
  })

  test('takes no chunk longer than the format has', () => {
    expect(() => writer('content').add(Buffer.alloc(CHUNK_BYTES_MAX + 1))).toThrow('longest')
    expect(() => writer('tree').add(Buffer.alloc(TREE_CHUNK_BYTES_MAX + 1))).toThrow('longest')
  })

  test('shows neither content nor chunk ids in its bytes', () => {
    const { pack, add } = writer('content')
    const text = Buffer.from('a very particular sentence '.repeat(4))
    add(text)
    add(random.bytes(50_000))
    const { body, table } = pack.finish()
    expect(body.includes('particular')).toBe(false)
    expect(body.includes(chunkId(keys.chunkIdKey, text))).toBe(false)
    expect(table.includes('particular')).toBe(false)
  })

  test('of content holds its encapsulated key, a new one each time; nothing its writer keeps opens it', () => {
    const packs = [writer('content'), writer('content')].map(({ pack, add }) => {
      add(Buffer.from('the same'))
      return pack.finish()
    })
    const enc = packs.map(({ body }) => body.toString('hex', SEAL_HEADER_BYTES, SEAL_HEADER_BYTES + 32))
    expect(new Set(enc).size).toBe(2)
    const [pack] = packs
    const read = (withKeys: typeof keys): Buffer =>
      new PackReader({
        store: { get: () => Promise.reject(new Error('no store')) },
        sliceId: 'abc',
        keys: withKeys,
      }).verify('content', pack?.packId ?? '', pack?.body ?? Buffer.alloc(0))
    expect(() => read(keys)).toThrow(expect.objectContaining({ code: 'content-locked' }))
    expect(() => read({ ...keys, contentPrivateKey: random.bytes(32) })).toThrow(
      expect.objectContaining({ code: 'seal-broken' }),
    )
    expect(read(deriveSliceKeys(treeSecret, contentPublicKey, contentPrivateKey))).toEqual(pack?.table)
  })
})
