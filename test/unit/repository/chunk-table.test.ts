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
