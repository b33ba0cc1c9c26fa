import { hash } from 'node:crypto'
import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ChunkTable } from '../../../lib/repository/chunk-table.ts'

const ids = fc.uniqueArray(fc.uint8Array({ minLength: 32, maxLength: 32 }), {
  maxLength: 300,
  selector: (id) => Buffer.from(id).toString('hex'),
})

test('an id is claimed once, whichever view of the table asks, and also after it grew', () => {
  fc.assert(
    fc.property(ids, (all) => {
      const first = new ChunkTable(all.length)
      const second = new ChunkTable(first.shared)
      const claim = (table: ChunkTable): boolean[] => all.map((id) => table.claim(Buffer.from(id)))
      expect(claim(first)).toEqual(all.map(() => true))
      expect(claim(second)).toEqual(all.map(() => false))
      expect(claim(first.grown(all.length * 4))).toEqual(all.map(() => false))
    }),
  )
})

test('ids that begin alike are told apart', () => {
  const table = new ChunkTable(64)
  for (let last = 0; last < 64; last++) {
    const id = Buffer.alloc(32)
    id[31] = last
    expect([last, table.claim(id), table.claim(id)]).toEqual([last, true, false])
  }
})

test('what was known before it grew stays known, however often, and what comes after is claimed once', () => {
  let table = new ChunkTable(10)
  const id = (number: number): Buffer => hash('sha256', String(number), 'buffer')
  for (let count = 0; count < 5_000; count++) {
    if (count === table.idsMax) table = table.grown(Math.ceil(count * 1.5))
    expect([count, table.claim(id(count)), table.claim(id(count)), table.claim(id(count >> 1))]).toEqual([
      count,
      true,
      false,
      false,
    ])
  }
  const other = new ChunkTable(table.shared)
  for (let count = 0; count < 5_000; count++) expect([count, other.claim(id(count))]).toEqual([count, false])
})

test('for a million ids it takes sixty megabytes, and no more because it grew', () => {
  let table = new ChunkTable(32_768)
  while (table.idsMax < 1_000_000) table = table.grown(Math.min(1_000_000, Math.ceil(table.idsMax * 1.5)))
  expect(table.shared.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(60_000_000)
})
