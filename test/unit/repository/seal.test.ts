import { describe, expect, test } from '@jest/globals'
import { createSecretKey } from 'node:crypto'
import fc from 'fast-check'
import { FORMAT_VERSION, objectKinds, SEAL_HEADER_BYTES } from '../../../lib/repository/format.ts'
import type { ObjectKind } from '../../../lib/repository/format.ts'
import { openObject, Opener, sealObject, Sealer } from '../../../lib/repository/seal.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('seal')
const parentKey = createSecretKey(Buffer.alloc(32, 7))
const place = { parentKey, kind: 'snapshot', path: 'slices/abc/snapshots/run.1' } as const
const seal = (...records: Uint8Array[]): Buffer => sealObject({ ...place, records, random })
const broken = expect.objectContaining({ code: 'seal-broken' })

describe('a sealed object', () => {
  test('gives back its records, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { minLength: 1, maxLength: 8 }), (records) => {
        expect(openObject({ ...place, bytes: seal(...records) }).map((record) => [...record])).toEqual(
          records.map((record) => [...record]),
        )
      }),
    )
  })

  test('shows nothing of its records, and never looks the same twice', () => {
    const record = Buffer.alloc(64, 'secret')
    const [one, two] = [seal(record), seal(record)]
    expect(one.includes('secret')).toBe(false)
    expect(one.subarray(8).equals(two.subarray(8))).toBe(false)
  })

  test('does not open when any byte of it is changed', () => {
    const bytes = seal(Buffer.from('one'), Buffer.alloc(0), Buffer.from('three'))
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [0x01, 0x80]) {
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] as number) ^ flip
        expect(() => openObject({ ...place, bytes: changed })).toThrow(
          at === 6 && flip === 0x80 ? expect.objectContaining({ code: 'format-newer' }) : broken,
        )
      }
    }
  })

  test('does not open without its end, wherever it is cut, nor with something behind it', () => {
    const bytes = seal(Buffer.from('one'), Buffer.from('two'), Buffer.from('three'))
    for (let length = 0; length < bytes.length; length++) {
      expect(() => openObject({ ...place, bytes: bytes.subarray(0, length) })).toThrow(broken)
    }
    expect(() => openObject({ ...place, bytes: Buffer.concat([bytes, Buffer.alloc(1)]) })).toThrow(broken)
  })

  test('does not open when its last record is left out and the one before is marked last', () => {
    const bytes = seal(Buffer.from('one'), Buffer.from('two'))
    const first = Buffer.from(bytes.subarray(0, SEAL_HEADER_BYTES + 4 + 3 + 16))
    first[SEAL_HEADER_BYTES] = 0x80
    expect(() => openObject({ ...place, bytes: first })).toThrow(broken)
  })

  test('does not open with its records in another order', () => {
    const bytes = seal(Buffer.from('one'), Buffer.from('two'), Buffer.from('end'))
    const length = 4 + 3 + 16
    const at = SEAL_HEADER_BYTES
    const swapped = Buffer.concat([
      bytes.subarray(0, at),
      bytes.subarray(at + length, at + 2 * length),
      bytes.subarray(at, at + length),
      bytes.subarray(at + 2 * length),
    ])
    expect(() => openObject({ ...place, bytes: swapped })).toThrow(broken)
  })

  test('does not open under another path', () => {
    const bytes = seal(Buffer.from('one'))
    for (const path of [
      'slices/abc/snapshots/run.2',
      'slices/abd/snapshots/run.1',
      'slices/abc/snapshots/run.1x',
      'slices/abc/checkpoints/run.1',
    ]) {
      expect(() => openObject({ ...place, path, bytes })).toThrow(broken)
    }
  })

  test('does not open as another kind, even when its header says that kind', () => {
    const bytes = seal(Buffer.from('one'))
    for (const kind of Object.keys(objectKinds) as ObjectKind[]) {
      if (kind === place.kind) continue
      expect(() => openObject({ ...place, kind, bytes })).toThrow(broken)
      const renamed = Buffer.from(bytes)
      renamed[7] = objectKinds[kind]
      expect(() => openObject({ ...place, kind, bytes: renamed })).toThrow(broken)
    }
  })

  test('does not open under another key, and says so before it decrypts: by its commitment', () => {
    const bytes = seal(Buffer.from('one'))
    const other = { ...place, parentKey: createSecretKey(Buffer.alloc(32, 8)) }
    expect(() => openObject({ ...other, bytes })).toThrow(broken)
    expect(() => new Opener({ ...other, header: bytes.subarray(0, SEAL_HEADER_BYTES) })).toThrow(broken)
  })

  test('of a newer version asks for a newer program', () => {
    const bytes = seal(Buffer.from('one'))
    bytes[6] = FORMAT_VERSION + 1
    expect(() => openObject({ ...place, bytes })).toThrow(expect.objectContaining({ code: 'format-newer' }))
  })

  test('asks for no memory that it does not bring itself', () => {
    const bytes = seal(Buffer.from('one'))
    bytes.writeUInt32BE(0xffff_ffff, SEAL_HEADER_BYTES)
    expect(() => openObject({ ...place, bytes })).toThrow(broken)
  })
})

describe('records read one by one', () => {
  test('open in any order, each only under its own number and with its own end mark', () => {
    const sealer = new Sealer({ ...place, random })
    const [first, second, last] = [
      sealer.seal(Buffer.from('a')),
      sealer.seal(Buffer.from('b')),
      sealer.seal(Buffer.from('c'), true),
    ]
    const opener = new Opener({ ...place, header: sealer.header })
    expect([opener.open(2, last, true), opener.open(0, first), opener.open(1, second)].map(String)).toEqual([
      'c',
      'a',
      'b',
    ])
    expect(() => opener.open(1, first)).toThrow(broken)
    expect(() => opener.open(0, first, true)).toThrow(broken)
    expect(() => opener.open(2, last)).toThrow(broken)
    expect(() => opener.open(0, Buffer.alloc(3))).toThrow(broken)
  })
})
