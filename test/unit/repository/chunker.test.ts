import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { Chunker, gearTable } from '../../../lib/repository/chunker.ts'
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, SEGMENT_BYTES } from '../../../lib/repository/format.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('chunker')
const gear = gearTable(random.bytes(32))
const MIB = 1024 * 1024
const noise = random.bytes(24 * MIB)

/** Lengths of the chunks of `bytes`, pushed in parts of these lengths in turn; checks that the chunks are the bytes. */
function cut(
  bytes: Buffer,
  partLengths: readonly number[] = [bytes.length],
  offset = 0,
  chunker = new Chunker(gear),
): number[] {
  chunker.restart(offset)
  const lengths: number[] = []
  let same = true
  let taken = 0
  const take = (chunk: Buffer): void => {
    same &&= chunk.equals(bytes.subarray(taken, taken + chunk.length))
    taken += chunk.length
    lengths.push(chunk.length)
  }
  for (let at = 0, part = 0; at < bytes.length; part++) {
    const length = Math.max(1, partLengths[part % partLengths.length] as number)
    // A buffer of its own, wiped afterwards: the chunker may keep no view of it.
    const own = Buffer.from(bytes.subarray(at, at + length))
    for (const chunk of chunker.push(own)) take(chunk)
    own.fill(0)
    at += length
  }
  const last = chunker.finish()
  if (last !== undefined) take(last)
  expect({ same, taken }).toEqual({ same: true, taken: bytes.length })
  return lengths
}

describe('the chunker', () => {
  test('cuts the same bytes at the same places however they come in parts', () => {
    const whole = cut(noise)
    expect(whole.length).toBeGreaterThan(10)
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(fc.integer({ min: 50_000, max: 9 * MIB }), fc.constantFrom(CHUNK_BYTES_MIN, CHUNK_BYTES_MAX)),
          { minLength: 1, maxLength: 5 },
        ),
        (lengths) => {
          expect(cut(noise, lengths)).toEqual(whole)
        },
      ),
      { numRuns: 15 },
    )
    // Parts that end shortly before and behind a cut: what was scanned in the part before must count.
    const [first, second] = whole as [number, number]
    for (let before = 0; before <= 34; before++) {
      expect(cut(noise.subarray(0, first + second), [first - before, 7, second])).toEqual([first, second])
    }
    expect(cut(noise.subarray(0, 5 * MIB), [4093])).toEqual(cut(noise.subarray(0, 5 * MIB)))
    expect(cut(noise.subarray(0, 600_000), [1])).toEqual(cut(noise.subarray(0, 600_000)))
  })

  test('gives one chunk for what has up to 256 KiB, and none for nothing', () => {
    for (const length of [1, 1000, CHUNK_BYTES_MIN - 1, CHUNK_BYTES_MIN])
      expect(cut(noise.subarray(0, length))).toEqual([length])
    expect(cut(Buffer.alloc(0))).toEqual([])
  })

  test('keeps chunks between 256 KiB and 4 MiB, about 1 MiB on average', () => {
    const lengths = cut(noise)
    for (const length of lengths.slice(0, -1)) {
      expect(length).toBeGreaterThan(CHUNK_BYTES_MIN)
      expect(length).toBeLessThanOrEqual(CHUNK_BYTES_MAX)
    }
    const average = noise.length / lengths.length
    expect(average).toBeGreaterThan(0.7 * MIB)
    expect(average).toBeLessThan(1.6 * MIB)
  })

  test('cuts what never says where at 4 MiB', () => {
    // Twice this is 0 in 32 bits, so the print stays this: its top bit is set for ever.
    const chunker = new Chunker(new Int32Array(256).fill(-(2 ** 31)))
    expect(cut(Buffer.alloc(9 * MIB), [9 * MIB], 0, chunker)).toEqual([4 * MIB, 4 * MIB, MIB])
  })

  test('finds its cuts again behind an insertion', () => {
    const before = cut(noise)
    const inserted = Buffer.concat([noise.subarray(0, 5 * MIB), Buffer.from('something new'), noise.subarray(5 * MIB)])
    const ends = (lengths: readonly number[], shift: number): number[] => {
      let at = shift
      return lengths.map((length) => (at += length))
    }
    const old = new Set(ends(before, 0))
    const found = ends(cut(inserted), 0).filter((end) => old.has(end) || old.has(end - 13))
    expect(found.length).toBeGreaterThanOrEqual(before.length - 3)
  })

  test('begins anew at every multiple of 64 MiB of the file, so that segments can be cut apart', () => {
    const bytes = noise.subarray(0, 20 * MIB)
    const offset = SEGMENT_BYTES * 3 - 8 * MIB - 12_345
    const lengths = cut(bytes, [3 * MIB], offset)
    const first = SEGMENT_BYTES * 3 - offset
    const expected = [
      ...cut(bytes.subarray(0, first), undefined, offset),
      ...cut(bytes.subarray(first), undefined, SEGMENT_BYTES * 3),
    ]
    expect(lengths).toEqual(expected)
    let at = 0
    expect(lengths.map((length) => (at += length))).toContain(first)
  })

  test('forgets what came before a restart', () => {
    const chunker = new Chunker(gear)
    for (const chunk of chunker.push(noise.subarray(0, 700_000))) expect(chunk.length).toBeGreaterThan(0)
    expect(cut(noise, [MIB], 0, chunker)).toEqual(cut(noise))
  })

  test('cuts elsewhere under another key', () => {
    expect(cut(noise, undefined, 0, new Chunker(gearTable(random.bytes(32))))).not.toEqual(cut(noise))
  })
})
