import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { OBJECT_BYTES_MAX } from '../../../lib/limits.ts'
import { CHUNK_BYTES_MAX, PACK_CHUNKS_MAX } from '../../../lib/repository/format.ts'
import { packHeaderBytes, PackTableWriter, readPackTable } from '../../../lib/repository/pack-table.ts'
import type { ChunkSort } from '../../../lib/repository/chunk-store.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('pack-table')
const broken = expect.objectContaining({ code: 'seal-broken' })
const HEAD = 18

interface Block {
  readonly sealedBytes: number
  readonly lengths: readonly number[]
}

function write(sort: ChunkSort, blocks: readonly Block[]): Buffer {
  const writer = new PackTableWriter(sort, Buffer.alloc(16, 3), Buffer.alloc(packHeaderBytes(sort), 9))
  for (const { sealedBytes, lengths } of blocks) {
    const plainBytes = lengths.reduce((sum, length) => sum + length, 0)
    writer.block(
      sealedBytes,
      plainBytes,
      lengths.map((length) => ({ id: random.bytes(32), length })),
    )
  }
  return writer.bytes()
}

function read(table: Buffer): {
  sort: string
  packId: string
  header: Buffer
  blocks: { offset: number; sealedBytes: number; lengths: number[] }[]
} {
  const blocks: { offset: number; sealedBytes: number; lengths: number[] }[] = []
  const pack = readPackTable(table, {
    block: ({ offset, sealedBytes }) => blocks.push({ offset, sealedBytes, lengths: [] }),
    chunk: (_from, _idAt, _offset, length) => blocks.at(-1)?.lengths.push(length),
  })
  return { ...pack, blocks }
}

describe('a pack’s table', () => {
  test('says again what was written', () => {
    const block = fc
      .array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 5 })
      .map((lengths) => ({ lengths, sealedBytes: lengths.reduce((sum, length) => sum + length, 17) }))
    fc.assert(
      fc.property(fc.constantFrom<ChunkSort>('content', 'tree'), fc.array(block, { maxLength: 5 }), (sort, blocks) => {
        const result = read(write(sort, blocks))
        expect(result).toMatchObject({ sort, header: Buffer.alloc(packHeaderBytes(sort), 9) })
        expect(result.blocks.map(({ lengths, sealedBytes }) => ({ lengths, sealedBytes }))).toEqual(blocks)
        let offset = packHeaderBytes(sort)
        for (const { offset: at, sealedBytes } of result.blocks) {
          expect(at).toBe(offset)
          offset += sealedBytes
        }
      }),
    )
  })

  test('is refused when it is cut anywhere, or has something behind it', () => {
    const table = write('content', [
      { sealedBytes: 28, lengths: [5, 6] },
      { sealedBytes: 20, lengths: [3] },
    ])
    expect(read(table).blocks).toHaveLength(2)
    for (let length = 0; length < table.length; length++) expect(() => read(table.subarray(0, length))).toThrow(broken)
    expect(() => read(Buffer.concat([table, Buffer.alloc(1)]))).toThrow(broken)
  })

  test.each<[string, (table: Buffer) => void]>([
    ['a sort that there is not', (table) => table.writeUInt8(2, 0)],
    ['the other sort’s header', (table) => table.writeUInt8(1, 0)],
    ['a block without chunks', (table) => table.writeUInt32BE(0, HEAD + 116)],
    ['more blocks than it has', (table) => table.writeUInt32BE(0xffff_ffff, HEAD + 104)],
    ['a sealed block that is longer than its plaintext can be', (table) => table.writeUInt32BE(11 + 18, HEAD + 108)],
    ['a chunk that passes its block’s end', (table) => table.writeUInt32BE(12, HEAD + 120 + 32)],
    ['chunks that do not fill their block', (table) => table.writeUInt32BE(4, HEAD + 120 + 32)],
  ])('is refused with %s', (_, damage) => {
    const table = write('content', [{ sealedBytes: 11 + 17, lengths: [5, 6] }])
    expect(read(table).blocks).toHaveLength(1)
    damage(table)
    expect(() => read(table)).toThrow(broken)
  })
  test('is refused when it asks for more than a pack may have: bytes in a block, chunks, bytes in all', () => {
    const sealedBytes = 100
    expect(read(write('content', [{ sealedBytes, lengths: [CHUNK_BYTES_MAX] }])).blocks).toHaveLength(1)
    expect(() => read(write('content', [{ sealedBytes, lengths: [CHUNK_BYTES_MAX, 1] }]))).toThrow(broken)
    const empty = Array.from({ length: PACK_CHUNKS_MAX }, () => 0)
    expect(read(write('content', [{ sealedBytes: 17, lengths: empty }])).blocks).toHaveLength(1)
    expect(() => read(write('content', [{ sealedBytes: 17, lengths: [...empty, 0] }]))).toThrow(broken)
    const large = { sealedBytes: CHUNK_BYTES_MAX, lengths: [CHUNK_BYTES_MAX] }
    const fitting = OBJECT_BYTES_MAX / CHUNK_BYTES_MAX - 1
    expect(
      read(
        write(
          'content',
          Array.from({ length: fitting }, () => large),
        ),
      ).blocks,
    ).toHaveLength(fitting)
    expect(() =>
      read(
        write(
          'content',
          Array.from({ length: fitting + 1 }, () => large),
        ),
      ),
    ).toThrow(broken)
  })
})
