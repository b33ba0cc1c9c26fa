import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { ByteReader } from '../../../lib/repository/byte-codec.ts'
import { readContentShape } from '../../../lib/repository/content-codec.ts'
import { StoredContent } from '../../../lib/repository/content-reader.ts'
import { Chunker, gearTable } from '../../../lib/repository/chunker.ts'
import { ContentWriter } from '../../../lib/repository/content-writer.ts'
import { SEGMENT_BYTES } from '../../../lib/repository/format.ts'
import { treeFormats } from '../../../lib/repository/tree-format.ts'
import { cutAfterZero } from '../../kit/cut-after-zero.ts'
import { MemoryChunks } from '../../kit/memory-chunks.ts'
import type { Cutter } from '../../../lib/repository/content-writer.ts'
import type { ContentPart } from '../../../lib/resources/resource.ts'

const formats = treeFormats({ chunkIdKey: Buffer.alloc(32, 1), boundaryKey: Buffer.alloc(32, 2) })

async function write(
  parts: Iterable<ContentPart> | AsyncIterable<ContentPart>,
  chunks = new MemoryChunks(),
  cutter: Cutter = cutAfterZero(),
): Promise<StoredContent> {
  const { encoded, sizeBytes } = await new ContentWriter(cutter, formats.list).write(chunks, parts)
  const reader = new ByteReader(encoded, 'content')
  const stored = new StoredContent(readContentShape(reader), formats, chunks)
  reader.end()
  expect(stored.sizeBytes).toBe(sizeBytes)
  return stored
}

/** Holes as `[length]`, data as bytes; neighbours of one kind joined. */
async function collect(parts: AsyncIterable<ContentPart> | Iterable<ContentPart>): Promise<(Buffer | number)[]> {
  const joined: (Buffer | number)[] = []
  for await (const part of parts) {
    const last = joined.at(-1)
    if ('holeBytes' in part) {
      if (part.holeBytes === 0) continue
      if (typeof last === 'number') joined[joined.length - 1] = last + part.holeBytes
      else joined.push(part.holeBytes)
    } else if (part.length > 0) {
      if (Buffer.isBuffer(last)) joined[joined.length - 1] = Buffer.concat([last, part])
      else joined.push(Buffer.from(part))
    }
  }
  return joined
}

const part: fc.Arbitrary<ContentPart> = fc.oneof(
  { weight: 3, arbitrary: fc.uint8Array({ maxLength: 300 }) },
  fc.record({ holeBytes: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100_000 })) }),
)
const parts = fc.array(part, { maxLength: 60 })

/** The same bytes and holes in other parts. */
function resplit(whole: readonly (Buffer | number)[], cuts: readonly number[]): ContentPart[] {
  let at = 0
  const next = (most: number): number => 1 + ((cuts[at++ % cuts.length] as number) % most)
  return whole.flatMap((run): ContentPart[] => {
    const pieces: ContentPart[] = []
    for (let from = 0, length = Buffer.isBuffer(run) ? run.length : run; from < length;) {
      const size = next(length - from)
      pieces.push(Buffer.isBuffer(run) ? run.subarray(from, from + size) : { holeBytes: size })
      from += size
    }
    return pieces
  })
}

describe('a content', () => {
  test('comes back, holes included', async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (given) =>
        expect(await collect((await write(given)).parts())).toEqual(await collect(given)),
      ),
    )
  })

  test('has the same digest exactly when bytes and holes are the same, whatever the parts', async () => {
    await fc.assert(
      fc.asyncProperty(parts, parts, fc.array(fc.nat(), { minLength: 1, maxLength: 20 }), async (a, b, cuts) => {
        const whole = await collect(a)
        const digest = (await write(a)).digest
        expect((await write(resplit(whole, cuts))).digest).toBe(digest)
        const same = JSON.stringify(whole) === JSON.stringify(await collect(b))
        expect((await write(b)).digest === digest).toBe(same)
      }),
    )
  })

  test('of an explicit run of zeros is not the same as a hole', async () => {
    expect((await write([Buffer.alloc(50)])).digest).not.toBe((await write([{ holeBytes: 50 }])).digest)
  })

  test('comes back in part, from any offset', async () => {
    await fc.assert(
      fc.asyncProperty(parts, fc.nat({ max: 3000 }), fc.nat({ max: 3000 }), async (given, offset, length) => {
        const flat = Buffer.concat(
          (await collect(given)).map((run) => (Buffer.isBuffer(run) ? run : Buffer.alloc(run))),
        )
        const found = await collect((await write(given)).parts({ offset, length }))
        const joined = Buffer.concat(found.map((run) => (Buffer.isBuffer(run) ? run : Buffer.alloc(run))))
        expect(joined.equals(flat.subarray(offset, offset + length))).toBe(true)
      }),
    )
  })

  test('of nothing has no chunk', async () => {
    const chunks = new MemoryChunks()
    const empty = await write([Buffer.alloc(0), { holeBytes: 0 }], chunks)
    expect(empty.sizeBytes).toBe(0)
    expect(chunks.chunks.size).toBe(0)
    expect(await collect(empty.parts())).toEqual([])
  })

  test('of up to 16 extents needs no list; of 17 it has one', async () => {
    for (const count of [1, 15, 16, 17, 18, 3000]) {
      const chunks = new MemoryChunks()
      const given = Array.from({ length: count }, (_, at) =>
        at % 2 === 0 ? Buffer.from(`data ${at}`) : { holeBytes: at },
      )
      const stored = await write(given, chunks)
      expect([...chunks.chunks.values()].some(({ sort }) => sort === 'tree')).toBe(count > 16)
      expect(await collect(stored.parts())).toEqual(await collect(given))
    }
  })

  test('of 60 TiB of hole is one extent', async () => {
    const chunks = new MemoryChunks()
    const stored = await write([{ holeBytes: 2 ** 45 }, { holeBytes: 2 ** 44 }, Buffer.from('end')], chunks)
    expect(stored.sizeBytes).toBe(2 ** 45 + 2 ** 44 + 3)
    expect(await collect(stored.parts({ offset: 2 ** 45 + 2 ** 44 - 1, length: 10 }))).toEqual([1, Buffer.from('end')])
    expect(chunks.chunks.size).toBe(1)
  })

  test('larger than can be is refused', async () => {
    await expect(write([{ holeBytes: 2 ** 53 - 1 }, { holeBytes: 1 }])).rejects.toMatchObject({
      code: 'source-unexpected',
    })
  })

  test('is cut anew at every 64 MiB of the file and behind every hole, and read with one chunk in memory', async () => {
    const chunks = new MemoryChunks()
    const block = Buffer.alloc(1_000_003, 5)
    function* generate(): Generator<ContentPart> {
      yield { holeBytes: 12_345 }
      for (let at = 0; at < 80; at++) yield block
    }
    const stored = await write(generate(), chunks, new Chunker(gearTable(Buffer.alloc(32, 3))))
    const starts: number[] = []
    for await (const extent of stored.extents()) starts.push(extent.offset)
    expect(starts).toContain(SEGMENT_BYTES)
    expect(starts.slice(0, 2)).toEqual([0, 12_345])
    let bytes = 0
    for await (const one of stored.parts()) bytes += 'holeBytes' in one ? one.holeBytes : one.length
    expect(bytes).toBe(12_345 + 80 * 1_000_003)
  })

  test('that fails half-way leaves the writer good for the next one', async () => {
    const writer = new ContentWriter(cutAfterZero(), formats.list)
    function* failing(): Generator<ContentPart> {
      yield Buffer.from('half')
      throw new Error('gone')
    }
    await expect(writer.write(new MemoryChunks(), failing())).rejects.toThrow('gone')
    const chunks = new MemoryChunks()
    await writer.write(chunks, [Buffer.from('next')])
    expect([...chunks.chunks.values()].map(({ bytes }) => bytes.toString())).toEqual(['next'])
  })

  test('whose list or chunks do not fit is refused', async () => {
    const chunks = new MemoryChunks()
    const given = Array.from({ length: 40 }, (_, at) => (at % 2 === 0 ? Buffer.from(`data ${at}`) : { holeBytes: at }))
    const { encoded } = await new ContentWriter(cutAfterZero(), formats.list).write(chunks, given)
    const shape = readContentShape(new ByteReader(encoded, 'content'))
    const longer = new StoredContent({ ...shape, sizeBytes: shape.sizeBytes + 1 }, formats, chunks)
    await expect(collect(longer.parts())).rejects.toMatchObject({ code: 'seal-broken' })
    const id = await chunks.put('content', Buffer.from('four'))
    const other = new StoredContent({ sizeBytes: 3, extents: [{ length: 3, id }] }, formats, chunks)
    await expect(collect(other.parts())).rejects.toMatchObject({ code: 'seal-broken' })
  })
})
