import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { zstdCompressSync } from 'node:zlib'
import { decodeBlock, encodeBlock as encodeInParts } from '../../../lib/repository/compression.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('compression')
const encodeBlock = (plain: Uint8Array, level: number): Buffer => Buffer.concat(encodeInParts(plain, level))
const broken = expect.objectContaining({ code: 'seal-broken' })

describe('a block', () => {
  test('comes back as it was, and is never more than one byte longer', () => {
    const text = fc.string({ maxLength: 5000 }).map((value) => Buffer.from(value.repeat(3)))
    const noise = fc.integer({ min: 0, max: 20_000 }).map((length) => random.bytes(length))
    fc.assert(
      fc.property(fc.oneof(text, noise), fc.constantFrom(1, 3), (plain, level) => {
        const block = encodeBlock(plain, level)
        expect(decodeBlock(block, plain.length).equals(plain)).toBe(true)
        expect(block.length).toBeLessThanOrEqual(plain.length + 1)
      }),
    )
  })

  test('is compressed where that saves something, and kept where it does not', () => {
    const text = Buffer.alloc(100_000, 'all work and no play makes a dull boy; ')
    expect(encodeBlock(text, 1)[0]).toBe(1)
    expect(encodeBlock(text, 1).length).toBeLessThan(text.length / 10)
    expect(encodeBlock(random.bytes(100_000), 1)[0]).toBe(0)
    expect(encodeBlock(random.bytes(100), 1)[0]).toBe(0)
    // Half of it is worth it, and the probe does not hide that.
    expect(encodeBlock(Buffer.concat([random.bytes(50_000), text.subarray(0, 50_000)]), 1)[0]).toBe(1)
  })

  test('takes no more memory than it may have plaintext', () => {
    const bomb = Buffer.concat([Buffer.of(1), zstdCompressSync(Buffer.alloc(64 * 1024 * 1024))])
    expect(bomb.length).toBeLessThan(100_000)
    // Refused by zlib while it unpacks, not by its length afterwards.
    const cause = expect.objectContaining({ code: 'ERR_BUFFER_TOO_LARGE' })
    expect(() => decodeBlock(bomb, 1000)).toThrow(expect.objectContaining({ code: 'seal-broken', cause }))
  })

  test.each([
    ['nothing', Buffer.alloc(0), 0],
    ['an unknown packing', Buffer.of(2, 1, 2, 3), 3],
    ['no zstd frame', Buffer.of(1, 1, 2, 3), 3],
    ['fewer bytes than said', Buffer.concat([Buffer.of(1), zstdCompressSync(Buffer.alloc(10))]), 11],
    ['more bytes than said', Buffer.concat([Buffer.of(1), zstdCompressSync(Buffer.alloc(10))]), 9],
    ['another length as it is', Buffer.of(0, 1, 2, 3), 2],
    ['half a frame', Buffer.concat([Buffer.of(1), zstdCompressSync(random.bytes(1000)).subarray(0, 500)]), 1000],
  ])('of %s is refused', (_, block, plainBytes) => {
    expect(() => decodeBlock(block, plainBytes)).toThrow(broken)
  })
})
