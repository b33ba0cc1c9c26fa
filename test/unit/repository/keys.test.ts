import { describe, expect, test } from '@jest/globals'
import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { base32, fromBase32 } from '../../../lib/repository/base32.ts'
import { chunkId, deriveSliceKeys, generateSliceSecrets, ownerDigest, sliceId } from '../../../lib/repository/keys.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const random = seededRandom('keys')
const namingKey = random.bytes(32)

describe('slice keys', () => {
  test('are the same for the same secret, all different from each other, and different for another secret', () => {
    const { treeSecret, contentPublicKey } = generateSliceSecrets(random)
    const [one, again] = [deriveSliceKeys(treeSecret, contentPublicKey), deriveSliceKeys(treeSecret, contentPublicKey)]
    const other = deriveSliceKeys(random.bytes(32), contentPublicKey)
    const all = (keys: typeof one): string[] => [
      keys.chunkIdKey.subarray(0, 32).toString('hex'),
      keys.chunkIdKey.subarray(32).toString('hex'),
      keys.boundaryKey.toString('hex'),
      keys.gearKey.toString('hex'),
      keys.treeKey.export().toString('hex'),
    ]
    expect(all(one)).toEqual(all(again))
    expect(new Set([...all(one), ...all(other), treeSecret.toString('hex')]).size).toBe(11)
  })

  test('take no private key that is not the public key’s', () => {
    const [one, two] = [generateSliceSecrets(random), generateSliceSecrets(random)]
    expect(deriveSliceKeys(one.treeSecret, one.contentPublicKey, one.contentPrivateKey).contentPrivateKey).toEqual(
      one.contentPrivateKey,
    )
    expect(() => deriveSliceKeys(one.treeSecret, one.contentPublicKey, two.contentPrivateKey)).toThrow(
      expect.objectContaining({ code: 'seal-broken' }),
    )
  })
})

describe('slice ids', () => {
  test('are 26 letters that differ by key, name and generation', () => {
    const ids = [
      sliceId(namingKey, 'user/ann', 1),
      sliceId(namingKey, 'user/ann', 2),
      sliceId(namingKey, 'user/ann', 11),
      sliceId(namingKey, 'user/ann\x001', 1),
      sliceId(namingKey, 'user/anna', 1),
      sliceId(namingKey, 'shared', 1),
      sliceId(random.bytes(32), 'user/ann', 1),
    ]
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z2-7]{26}$/)
  })

  test('are what docs/format.md says', () => {
    const digest = createHmac('sha256', namingKey).update(Buffer.from('user/ann\x003', 'latin1')).digest()
    expect(fromBase32(sliceId(namingKey, 'user/ann', 3))).toEqual(digest.subarray(0, 16))
  })
})

test('owner digests differ by person and by key, and are no slice id’s digest', () => {
  expect(ownerDigest(namingKey, 'a')).not.toEqual(ownerDigest(namingKey, 'b'))
  expect(ownerDigest(namingKey, 'a')).not.toEqual(ownerDigest(random.bytes(32), 'a'))
  expect(base32(ownerDigest(namingKey, 'user/ann\x001').subarray(0, 16))).not.toBe(sliceId(namingKey, 'user/ann', 1))
})

describe('base32', () => {
  test('gives the bytes back, in letters that every store keeps', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const text = base32(bytes)
        expect(text).toMatch(/^[a-z2-7]*$/)
        expect([...(fromBase32(text) as Buffer)]).toEqual([...bytes])
      }),
    )
  })

  test('is RFC 4648’s, in lower case and without padding', () => {
    expect(['', 'f', 'fo', 'foo', 'foob', 'fooba', 'foobar'].map((text) => base32(Buffer.from(text)))).toEqual([
      '',
      'my',
      'mzxq',
      'mzxw6',
      'mzxw6yq',
      'mzxw6ytb',
      'mzxw6ytboi',
    ])
  })

  test('has one text for each value: others are refused', () => {
    for (const text of ['mz', 'MY', 'm', 'my======', 'm1', 'mé', 'myaaaaaa1']) expect(fromBase32(text)).toBeUndefined()
  })
})

describe('chunk ids', () => {
  const key = random.bytes(64)

  test('are SHA-256 of key, length and bytes, whatever the length and wherever the bytes lie', () => {
    const large = random.bytes(600_000)
    for (const length of [0, 1, 2, 55, 56, 63, 64, 65, 4096, 262_143, 262_144, 262_145, 600_000]) {
      const bytes = large.subarray(0, length)
      const counted = Buffer.alloc(8)
      counted.writeBigUInt64BE(BigInt(length))
      expect(chunkId(key, bytes)).toEqual(createHash('sha256').update(key).update(counted).update(bytes).digest())
      expect(chunkId(key, new Uint8Array(bytes))).toEqual(chunkId(key, bytes))
    }
  })

  test('differ by bytes and by key, and do not change under the next one’s feet', () => {
    const one = chunkId(key, Buffer.from('a'))
    const copy = Buffer.from(one)
    expect(chunkId(key, Buffer.from('b'))).not.toEqual(one)
    expect(chunkId(random.bytes(64), Buffer.from('a'))).not.toEqual(one)
    expect(one).toEqual(copy)
  })
})
