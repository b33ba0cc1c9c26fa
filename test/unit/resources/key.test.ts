import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  compareKeys,
  decodeKey,
  encodeKey,
  formatKey,
  formatSegment,
  isResourceKey,
  parseKey,
  parseSegment,
} from '../../../lib/resources/key.ts'

const kind = fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/)
/** Bytes of all sorts, the ones that are escaped above all. */
const segment = fc.oneof(
  fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  fc.array(fc.constantFrom(0, 1, 2, 0x25, 0x2f, 0x41, 0xff), { maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ maxLength: 8, unit: 'grapheme' }).map((text) => Buffer.from(text)),
)
const segments = fc.array(segment, { maxLength: 5 })

describe('a key', () => {
  test('gives back its kind and segments, whatever the bytes', () => {
    fc.assert(
      fc.property(kind, segments, (name, parts) =>
        expect(decodeKey(encodeKey(name, parts))).toEqual({ kind: name, segments: parts }),
      ),
    )
  })

  test('is in the order of a depth-first walk whose siblings are sorted by name bytes', () => {
    const compareParts = (a: readonly Buffer[], b: readonly Buffer[]): number => {
      for (let at = 0; at < Math.min(a.length, b.length); at++) {
        const order = Buffer.compare(a[at] as Buffer, b[at] as Buffer)
        if (order !== 0) return order
      }
      return a.length - b.length
    }
    fc.assert(
      fc.property(segments, segments, (a, b) => {
        expect(Math.sign(compareKeys(encodeKey('entry', a), encodeKey('entry', b)))).toBe(Math.sign(compareParts(a, b)))
      }),
      { numRuns: 1000 },
    )
  })

  test('of something below begins with the key above and a zero byte, and nothing else does', () => {
    fc.assert(
      fc.property(segments, segments, (above, below) => {
        const prefix = Buffer.concat([encodeKey('entry', above), Buffer.of(0)])
        const isBelow = below.length > above.length && above.every((part, at) => part.equals(below[at] as Buffer))
        expect(encodeKey('entry', below).subarray(0, prefix.length).equals(prefix)).toBe(isBelow)
      }),
      { numRuns: 500 },
    )
  })

  test('that was never encoded is refused', () => {
    for (const bytes of ['', 'Entry', '1x', 'entry\0\x01', 'entry\0a\x01\x03', '\0']) {
      expect(() => decodeKey(Buffer.from(bytes, 'latin1'))).toThrow(RangeError)
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
        try {
          const { kind: name, segments: parts } = decodeKey(bytes)
          expect(encodeKey(name, parts).equals(bytes)).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
      }),
    )
  })

  test('is written for people and read back', () => {
    const kinds = ['user', 'role']
    fc.assert(
      fc.property(
        fc.constantFrom('entry', ...kinds),
        fc.array(
          segment.filter((part) => part.length > 0 && part.toString('latin1') !== '.'),
          { minLength: 1, maxLength: 4 },
        ),
        (name, parts) => {
          // A file whose first directory is named like a kind is the one thing that is told apart by the kind in front.
          if (name === 'entry' && kinds.includes(formatSegment(parts[0] as Buffer))) return
          const key = encodeKey(name, parts)
          expect(parseKey(formatKey(key), kinds).equals(key)).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
    expect(formatKey(encodeKey('entry'))).toBe('.')
    expect(parseKey('.', []).equals(encodeKey('entry'))).toBe(true)
    expect(formatKey(encodeKey('entry', ['a b', 'c/d', '50%', 'new\nline', Buffer.of(0xff, 0x41)]))).toBe(
      'a b/c%2Fd/50%25/new%0Aline/%FFA',
    )
    expect(formatKey(encodeKey('client-role', ['jupyterhub', 'my-perm']))).toBe('client-role/jupyterhub/my-perm')
  })

  test('never brings a control character, or one that turns the text around, to a terminal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        expect(formatSegment(bytes)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069/]/)
        expect(parseSegment(formatSegment(bytes)).equals(bytes)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})

test('only what can be read is taken for a key', () => {
  const byte = fc.constantFrom(0, 1, 2, 3, 0x2d, 0x30, 0x41, 0x61, 0x7a, 0xff)
  const bytes = fc.array(byte, { maxLength: 8 }).map((list) => Buffer.from(list))
  const near = fc
    .tuple(fc.constantFrom('', 'a', 'entry'), bytes)
    .map(([begin, end]) => Buffer.concat([Buffer.from(begin), end]))
  fc.assert(
    fc.property(near, (key) => {
      let isKey = true
      try {
        decodeKey(key)
      } catch {
        isKey = false
      }
      expect(isResourceKey(key)).toBe(isKey)
    }),
    { numRuns: 2_000 },
  )
})
