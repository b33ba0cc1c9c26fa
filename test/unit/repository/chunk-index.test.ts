import { describe, expect, test } from '@jest/globals'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { base32 } from '../../../lib/repository/base32.ts'
import { ChunkIndex } from '../../../lib/repository/chunk-index.ts'
import { packHeaderBytes, PackTableWriter } from '../../../lib/repository/pack-table.ts'
import type { ChunkId, ChunkSort } from '../../../lib/repository/chunk-store.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('chunk-index')

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** What is really held: garbage does not count. */
function memoryBytes(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function table(
  sort: ChunkSort,
  packId: Buffer,
  blocks: readonly (readonly { readonly id: ChunkId; readonly length: number }[])[],
): Buffer {
  const writer = new PackTableWriter(sort, packId, Buffer.alloc(packHeaderBytes(sort), packId))
  for (const chunks of blocks) {
    const plainBytes = chunks.reduce((sum, { length }) => sum + length, 0)
    writer.block(plainBytes + 17, plainBytes, chunks)
  }
  return writer.bytes()
}

const one = (id: ChunkId, length = 5): readonly [readonly [{ readonly id: ChunkId; readonly length: number }]] => [
  [{ id, length }],
]

describe('the chunk index', () => {
  test('of places that are ranked alike all who look take the same', () => {
    const id = Buffer.alloc(32, 1)
    const tables = [1, 2, 3].map((at) => table('content', Buffer.alloc(16, at), one(id)))
    const best = [tables, tables.toReversed(), [tables[1], tables[2], tables[0]] as Buffer[]].map((order) => {
      const index = new ChunkIndex()
      for (const [at, each] of order.entries()) index.add(each, `index ${at}`)
      return index.best(id, 'content', () => 1)?.packId
    })
    expect(new Set(best)).toEqual(new Set([base32(Buffer.alloc(16, 3))]))
  })

  test('finds what a model finds, over many packs and chunks', () => {
    const chunk = fc.record({ id: fc.integer({ min: 0, max: 60 }), length: fc.integer({ min: 0, max: 50 }) })
    const pack = fc.record({
      sort: fc.constantFrom<ChunkSort>('content', 'tree'),
      blocks: fc.array(fc.uniqueArray(chunk, { selector: ({ id }) => id, minLength: 1, maxLength: 6 }), {
        maxLength: 4,
      }),
      condemned: fc.boolean(),
    })
    const idOf = (number: number): Buffer => Buffer.alloc(32, number % 7).fill(number, 16)
    fc.assert(
      fc.property(fc.array(pack, { maxLength: 12 }), (packs) => {
        const index = new ChunkIndex()
        packs.forEach(({ sort, blocks }, at) =>
          index.add(
            table(
              sort,
              Buffer.alloc(16, at),
              blocks.map((chunks) => chunks.map(({ id, length }) => ({ id: idOf(id), length }))),
            ),
          ),
        )
        index.condemn(packs.flatMap(({ condemned }, at) => (condemned ? [base32(Buffer.alloc(16, at))] : [])))
        for (let number = 0; number <= 61; number++) {
          for (const sort of ['content', 'tree', undefined] as const) {
            const holders = packs.flatMap((holder, at) => {
              let offset = packHeaderBytes(holder.sort)
              return holder.blocks.flatMap((chunks, blockNumber) => {
                const plainBytes = chunks.reduce((sum, { length }) => sum + length, 0)
                const block = { number: blockNumber, offset, sealedBytes: plainBytes + 17, plainBytes }
                offset += block.sealedBytes
                let start = 0
                return chunks.flatMap(({ id, length }) => {
                  start += length
                  return id === number && !holder.condemned
                    ? [
                        {
                          sort: holder.sort,
                          packId: base32(Buffer.alloc(16, at)),
                          block,
                          offset: start - length,
                          length,
                        },
                      ]
                    : []
                })
              })
            })
            const expected = holders.filter((holder) => sort === undefined || holder.sort === sort)
            const found = index.find(idOf(number), sort)
            const seen = found && {
              sort: found.pack.sort,
              packId: found.pack.packId,
              block: found.block,
              offset: found.offset,
              length: found.length,
            }
            if (holders.length === 0) expect(seen).toBeUndefined()
            else expect(expected.length > 0 ? expected : holders).toContainEqual(seen)
          }
        }
      }),
      { numRuns: 60 },
    )
  })

  test('counts a pack as absent that is condemned, before or after it is added, and finds the chunk elsewhere', () => {
    const index = new ChunkIndex()
    const [id, bad, good] = [random.bytes(32), random.bytes(16), random.bytes(16)]
    index.condemn([base32(bad)])
    index.add(table('tree', bad, one(id)), 'x')
    expect(index.find(id)).toBeUndefined()
    index.add(table('tree', good, one(id)), 'x')
    expect(index.find(id)?.pack.packId).toBe(base32(good))
    index.condemn([base32(good)])
    expect(index.find(id)).toBeUndefined()
  })

  test('counts a pack as absent while only superseded index objects name it, in whatever order they are read', () => {
    const [kept, dropped, keptPack, droppedPack] = [
      random.bytes(32),
      random.bytes(32),
      random.bytes(16),
      random.bytes(16),
    ]
    const old = (index: ChunkIndex): void => {
      index.add(table('tree', keptPack, one(kept)), 'old')
      index.add(table('tree', droppedPack, one(dropped)), 'old')
    }
    const young = (index: ChunkIndex): void => {
      index.add(table('tree', keptPack, one(kept)), 'new')
      index.supersede(['old'])
    }
    for (const order of [
      [old, young],
      [young, old],
    ]) {
      const index = new ChunkIndex()
      for (const read of order) read(index)
      expect(index.find(kept)?.pack.packId).toBe(base32(keptPack))
      expect(index.find(dropped)).toBeUndefined()
      expect(index.size).toBe(2)
    }
  })

  test('holds a million chunks in less than 200 MB, and finds each', () => {
    const packs = 100
    const perPack = 10_000
    // Ids from a counter, spread as a hash would spread them.
    const idOf = (pack: number, at: number, into: Buffer): Buffer => {
      into.writeUInt32LE(Math.imul(pack * perPack + at, 0x9e3779b1) >>> 0, 0)
      into.writeUInt32LE(pack * perPack + at, 4)
      return into
    }
    const before = memoryBytes()
    const index = new ChunkIndex()
    for (let pack = 0; pack < packs; pack++) {
      const packId = Buffer.alloc(16)
      packId.writeUInt32BE(pack)
      const chunks = Array.from({ length: perPack }, (_, at) => ({ id: idOf(pack, at, Buffer.alloc(32)), length: 100 }))
      index.add(
        table(
          'content',
          packId,
          Array.from({ length: 100 }, (_, block) => chunks.slice(block * 100, block * 100 + 100)),
        ),
      )
    }
    expect(index.size).toBe(1_000_000)
    expect(memoryBytes() - before).toBeLessThan(200e6)
    let found = 0
    const id = Buffer.alloc(32)
    for (let pack = 0; pack < packs; pack += 7)
      for (let at = 0; at < perPack; at += 13) if (index.find(idOf(pack, at, id))?.offset === (at % 100) * 100) found++
    expect(found).toBe(Math.ceil(packs / 7) * Math.ceil(perPack / 13))
    expect(index.find(Buffer.alloc(32, 255))).toBeUndefined()
  })
})
