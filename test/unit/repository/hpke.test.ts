import { describe, expect, test } from '@jest/globals'
import { CipherSuite, DhkemX25519HkdfSha256, ExportOnly, HkdfSha256 } from '@hpke/core'
import { readFileSync } from 'node:fs'
import type { Random } from '../../../lib/platform/random.ts'
import { decapsulate, deriveKeyPair, encapsulate, EXPORT_CONTEXT, exportSecret } from '../../../lib/repository/hpke.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

interface Vector {
  readonly info: string
  readonly ikmE: string
  readonly pkEm: string
  readonly skEm: string
  readonly ikmR: string
  readonly pkRm: string
  readonly skRm: string
  readonly enc: string
  readonly exports: readonly { readonly exporterContext: string; readonly value: string }[]
}

const vectors = JSON.parse(readFileSync('test/golden/vectors/hpke-rfc9180.json', 'utf8')) as {
  readonly vectors: readonly Vector[]
}
const hex = (text: string): Buffer => Buffer.from(text, 'hex')
const random = seededRandom('hpke')
const info = Buffer.from('for this object')
const exact = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer
const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new ExportOnly() })

describe('HPKE', () => {
  test.each(vectors.vectors)('gives what RFC 9180, appendix A.7.1, gives', (vector) => {
    expect(deriveKeyPair(hex(vector.ikmE))).toEqual({ publicKey: hex(vector.pkEm), privateKey: hex(vector.skEm) })
    expect(deriveKeyPair(hex(vector.ikmR))).toEqual({ publicKey: hex(vector.pkRm), privateKey: hex(vector.skRm) })
    const fixed: Random = { bytes: () => hex(vector.ikmE), fraction: () => 0 }
    expect(encapsulate(hex(vector.pkRm), hex(vector.info), fixed).enc).toEqual(hex(vector.enc))
    for (const { exporterContext, value } of vector.exports) {
      const input = {
        enc: hex(vector.enc),
        privateKey: hex(vector.skRm),
        info: hex(vector.info),
        exporterContext: hex(exporterContext),
      }
      expect(exportSecret(input)).toEqual(hex(value))
    }
  })

  test('opens for another implementation, and opens what that one sealed', async () => {
    const { publicKey, privateKey } = deriveKeyPair(random.bytes(32))
    const theirPrivate = await suite.kem.deserializePrivateKey(exact(privateKey))
    const theirPublic = await suite.kem.deserializePublicKey(exact(publicKey))
    const { enc, key } = encapsulate(publicKey, info, random)
    const receiver = await suite.createRecipientContext({
      recipientKey: theirPrivate,
      enc: exact(enc),
      info: exact(info),
    })
    expect(Buffer.from(await receiver.export(exact(EXPORT_CONTEXT), 32))).toEqual(key.export())
    const sender = await suite.createSenderContext({ recipientPublicKey: theirPublic, info: exact(info) })
    const theirs = Buffer.from(await sender.export(exact(EXPORT_CONTEXT), 32))
    expect(decapsulate(Buffer.from(sender.enc), privateKey, info).export()).toEqual(theirs)
  })

  test('gives a fresh key each time, and the same key only for the same enc, info and private key', () => {
    const pair = deriveKeyPair(random.bytes(32))
    const [one, two] = [encapsulate(pair.publicKey, info, random), encapsulate(pair.publicKey, info, random)]
    expect(one.key.equals(two.key)).toBe(false)
    expect(decapsulate(one.enc, pair.privateKey, info).equals(one.key)).toBe(true)
    expect(decapsulate(two.enc, pair.privateKey, info).equals(one.key)).toBe(false)
    expect(decapsulate(one.enc, pair.privateKey, Buffer.from('for that object')).equals(one.key)).toBe(false)
    expect(decapsulate(one.enc, random.bytes(32), info).equals(one.key)).toBe(false)
  })

  test('refuses points of small order, whose shared secret everybody knows', () => {
    // 0, 1, and the two points of order 8 (RFC 7748, 6.1; curve25519's known list), as u coordinates.
    const points = [
      Buffer.alloc(32),
      Buffer.concat([Buffer.of(1), Buffer.alloc(31)]),
      hex('e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800'),
      hex('5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157'),
    ]
    for (const point of points) {
      expect(() => encapsulate(point, info, random)).toThrow(expect.objectContaining({ code: 'seal-broken' }))
      expect(() => decapsulate(point, random.bytes(32), info)).toThrow(expect.objectContaining({ code: 'seal-broken' }))
    }
  })
})
