import { describe, expect, test } from '@jest/globals'
import { unwrapSecret, wrappedKeyId, wrapSecret } from '../../../../lib/platform/key-service/wrapped-key.ts'

const key = { id: Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex'), secret: Buffer.alloc(32, 0x42) }
const nonce = Buffer.from('101112131415161718191a1b', 'hex')
const context = { deployment: 'd', purpose: 'tree' }

describe('the form of a wrapped secret', () => {
  test('is the one that README.md promises: magic, version, key id, nonce, ciphertext, tag', () => {
    const wrapped = wrapSecret(key, nonce, Buffer.from('secret'), context)
    expect(wrapped.subarray(0, 33).toString('hex')).toBe(
      `${Buffer.from('TKWR').toString('hex')}01${key.id.toString('hex')}${nonce.toString('hex')}`,
    )
    expect(wrapped).toHaveLength(33 + 6 + 16)
    // Made with WebCrypto from the table alone. Stores in the field hold this form.
    expect(wrapped.subarray(33).toString('hex')).toBe('219ccadaca7edd564fd71ee95b965c50b7ebbff7f74b')
    expect(wrappedKeyId(wrapped)).toBe(key.id.toString('hex'))
    expect(unwrapSecret(key, wrapped, context).toString()).toBe('secret')
  })

  test('of a newer version is format-newer', () => {
    const wrapped = wrapSecret(key, nonce, Buffer.from('secret'), context)
    wrapped[4] = 2
    expect(() => wrappedKeyId(wrapped)).toThrow(expect.objectContaining({ code: 'format-newer' }))
  })

  test('too short or too long is refused before anything is opened', () => {
    const wrapped = wrapSecret(key, nonce, Buffer.alloc(4096), context)
    expect(wrappedKeyId(wrapped)).toBe(key.id.toString('hex'))
    expect(() => wrappedKeyId(Buffer.concat([wrapped, Buffer.of(0)]))).toThrow(
      expect.objectContaining({ code: 'key-context-mismatch' }),
    )
    expect(() => wrappedKeyId(wrapped.subarray(0, 33 + 15))).toThrow(
      expect.objectContaining({ code: 'key-context-mismatch' }),
    )
  })
})
