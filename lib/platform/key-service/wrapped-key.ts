/**
 * The form of a wrapped secret on the local drivers (README.md has the byte table). AES-256-GCM under one key of the keyring; header and context are
 * additional data, so neither can be changed or left out.
 */
import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { TorikiError } from '../../errors.ts'
import { canonicalJson } from '../../resources/json.ts'
import type { WrapContext } from './port.ts'
import { WRAP_BYTES_MAX } from './port.ts'

const MAGIC = Buffer.from('TKWR', 'latin1')
const VERSION = 1
export const KEY_ID_BYTES = 16
export const KEY_BYTES = 32
export const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_ID_AT = MAGIC.length + 1
const NONCE_AT = KEY_ID_AT + KEY_ID_BYTES
const HEADER_BYTES = NONCE_AT + NONCE_BYTES
/** KMS's bound on an encryption context, in bytes of canonical JSON. */
const CONTEXT_BYTES_MAX = 8192

export interface WrappingKey {
  /** 16 random bytes. */
  readonly id: Buffer
  /** 32 random bytes. */
  readonly secret: Buffer
}

/** `nonce` must be 12 fresh random bytes. A key wraps far fewer than 2^32 secrets, so a random nonce never repeats in practice. */
export function wrapSecret(key: WrappingKey, nonce: Buffer, plaintext: Uint8Array, context: WrapContext): Buffer {
  assert(plaintext.length <= WRAP_BYTES_MAX, 'a secret to wrap has at most 4,096 bytes')
  const header = Buffer.concat([MAGIC, Buffer.of(VERSION), key.id, nonce])
  assert.equal(header.length, HEADER_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key.secret, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(additionalData(header, context))
  return Buffer.concat([header, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** Which key a wrapped secret asks for, in hex. @throws TorikiError `keyring-foreign` for what no keyring wrapped, `format-newer`. */
export function wrappedKeyId(wrapped: Uint8Array): string {
  const bytes = Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength)
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw new TorikiError('keyring-foreign', {
      message: 'A key was wrapped by another key service than this keyring.',
      remedy: 'Name under `keys` the service or keyring that this store was made with.',
    })
  }
  if (bytes.length < HEADER_BYTES + TAG_BYTES || bytes.length > HEADER_BYTES + WRAP_BYTES_MAX + TAG_BYTES)
    throw new TorikiError('key-context-mismatch')
  if (bytes[MAGIC.length] !== VERSION)
    throw new TorikiError('format-newer', { message: 'A key was wrapped in a newer form.' })
  return bytes.toString('hex', KEY_ID_AT, NONCE_AT)
}

/** @throws TorikiError `key-context-mismatch`: another context, or changed bytes. */
export function unwrapSecret(key: WrappingKey, wrapped: Uint8Array, context: WrapContext): Buffer {
  const bytes = Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength)
  const header = bytes.subarray(0, HEADER_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key.secret, bytes.subarray(NONCE_AT, HEADER_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(additionalData(header, context))
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES))
  try {
    return Buffer.concat([decipher.update(bytes.subarray(HEADER_BYTES, bytes.length - TAG_BYTES)), decipher.final()])
  } catch (cause) {
    throw new TorikiError('key-context-mismatch', { cause })
  }
}

function additionalData(header: Buffer, context: WrapContext): Buffer {
  const json = Buffer.from(canonicalJson(context), 'utf8')
  assert(json.length <= CONTEXT_BYTES_MAX, 'a context has at most 8,192 bytes')
  return Buffer.concat([header, json])
}
