/**
 * Keyed digests of plaintext: equal digests mean equal bytes within one generation, and nobody without the slice's tree secret can compare them with
 * the digest of a file or password that he knows or guesses.
 */
import { hash } from 'node:crypto'
import { KEY_BYTES } from './format.ts'
import { subkey } from './keys.ts'

/** A key of its own, so that no digest is ever some chunk's id. */
export function deriveDigestKey(chunkIdKey: Buffer): Buffer {
  return subkey(chunkIdKey, 'digest', KEY_BYTES)
}

/**
 * SHA-256(key ‖ purpose ‖ 0 ‖ for each part its length as 8 bytes big-endian and its bytes). A plain prefix key is enough here: digests never leave
 * the sealed objects, and the lengths make every input self-delimiting. (HMAC costs six times as much on a short input.)
 */
export function keyedDigest(key: Buffer, purpose: string, ...parts: readonly Uint8Array[]): Buffer {
  const pieces: Uint8Array[] = [key, Buffer.from(`${purpose}\0`, 'latin1')]
  for (const part of parts) {
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(BigInt(part.length))
    pieces.push(length, part)
  }
  return hash('sha256', Buffer.concat(pieces), 'buffer')
}
