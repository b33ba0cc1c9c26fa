import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { GearScanner } from '../../../lib/repository/gear-scanner.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('gear-scanner')
const tables = [random.bytes(1024), random.bytes(1024)].map((bytes) => new Int32Array(Uint8Array.from(bytes).buffer))
const bytes = random.bytes(300_000)

interface Found {
  readonly end: number | undefined
  readonly print: number
}

function plainly(gear: Int32Array, from: number, to: number, print: number, mask: number): Found {
  for (let at = from; at < to; at++) {
    print = ((print << 1) + (gear[bytes[at] as number] as number)) | 0
    if ((print & mask) === 0) return { end: at + 1, print }
  }
  return { end: undefined, print }
}

describe('the scanner', () => {
  test('finds what the loop in plain words finds, with the same print, whatever it scanned before', () => {
    const scanner = new GearScanner()
    const ends = new Set<string>()
    fc.assert(
      fc.property(
        fc.record({
          table: fc.constantFrom(0, 1),
          from: fc.nat(bytes.length),
          length: fc.oneof(fc.nat(20), fc.nat(bytes.length), fc.constantFrom(65_535, 65_536, 65_537, 131_072)),
          print: fc.oneof(fc.constant(0), fc.integer()),
          bits: fc.integer({ min: 1, max: 20 }),
        }),
        ({ table, from, length, print, bits }) => {
          const gear = tables[table] as Int32Array
          const to = Math.min(bytes.length, from + length)
          const mask = -1 << (32 - bits)
          scanner.begin(gear, print)
          const end = scanner.find(bytes, from, to, mask)
          const expected = plainly(gear, from, to, print, mask)
          expect({ end, print: scanner.print }).toEqual(expected)
          ends.add(
            end === undefined ? 'none' : end - from > 65_536 ? 'in a later window' : `behind ${(end - from) % 4}`,
          )
        },
      ),
      { numRuns: 2000 },
    )
    expect(ends).toEqual(new Set(['none', 'in a later window', 'behind 0', 'behind 1', 'behind 2', 'behind 3']))
  })

  test('looks at no byte before or behind what it is told', () => {
    const scanner = new GearScanner()
    const gear = new Int32Array(256).fill(1)
    gear[7] = 0
    const row = Buffer.alloc(40, 7)
    row.fill(1, 10, 30)
    scanner.begin(gear, 0)
    expect(scanner.find(row, 10, 30, 1)).toBeUndefined()
    scanner.begin(gear, 0)
    expect(scanner.find(row, 10, 31, 1)).toBe(31)
  })
})
