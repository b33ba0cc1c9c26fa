/**
 * Everything derived from secrets: a slice's keys from its tree secret, slice ids and owner digests from the deployment's naming key, ids of chunks.
 * Labels and encodings are part of the format (docs/format.md, "Keys"). Secrets come in and go out as raw bytes; nothing here reads or writes objects.
 */
import assert from 'node:assert/strict'
import { createHash, createHmac, createSecretKey, hash, hkdfSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { TorikiError } from '../errors.ts'
import type { Random } from '../platform/random.ts'
import { base32 } from './base32.ts'
import type { ChunkId, SliceKeys } from './chunk-store.ts'
import { CHUNK_ID_KEY_BYTES, KEY_BYTES } from './format.ts'
import { deriveKeyPair, publicKeyOf } from './hpke.ts'

/** What `keys/<slice id>/<n>` holds wrapped: made once per generation, the same in every rewrap. */
export interface SliceSecrets {
  readonly treeSecret: Buffer
  readonly contentPublicKey: Buffer
  readonly contentPrivateKey: Buffer
}

/** What `keys/deployment/<n>` holds wrapped. */
export interface DeploymentKeys {
  /** Names slices and owners. */
  readonly namingKey: Buffer
  /** Seals what stands outside slices. */
  readonly runKey: KeyObject
}

export function generateSliceSecrets(random: Random): SliceSecrets {
  const treeSecret = random.bytes(KEY_BYTES)
  const { publicKey, privateKey } = deriveKeyPair(random.bytes(KEY_BYTES))
  return { treeSecret, contentPublicKey: publicKey, contentPrivateKey: privateKey }
}

/** @throws TorikiError `seal-broken` when the private key is not the public key's. */
export function deriveSliceKeys(treeSecret: Buffer, contentPublicKey: Buffer, contentPrivateKey?: Buffer): SliceKeys {
  assert(treeSecret.length === KEY_BYTES && contentPublicKey.length === KEY_BYTES, 'secrets have their length')
  if (contentPrivateKey !== undefined && !publicKeyOf(contentPrivateKey).equals(contentPublicKey)) {
    throw new TorikiError('seal-broken', { message: 'The two content keys of a slice do not belong together.' })
  }
  return {
    chunkIdKey: subkey(treeSecret, 'chunk id', CHUNK_ID_KEY_BYTES),
    boundaryKey: subkey(treeSecret, 'tree boundary', KEY_BYTES),
    gearKey: subkey(treeSecret, 'gear table', KEY_BYTES),
    treeKey: createSecretKey(subkey(treeSecret, 'tree seal', KEY_BYTES)),
    contentPublicKey,
    contentPrivateKey,
  }
}

/** HKDF-SHA-256(secret, no salt, 'toriki ' ‖ label): one label, one use. */
export function subkey(secret: Uint8Array, label: string, bytes: number): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', `toriki ${label}`, bytes))
}

/**
 * The name under which a slice's objects stand: base32 of the first 16 bytes of HMAC-SHA-256(naming key, name ‖ 0 ‖ generation in decimal digits).
 * Digits hold no NUL, so the last NUL always parts the two.
 */
export function sliceId(namingKey: Uint8Array, sliceName: string, generation: number): string {
  assert(Number.isSafeInteger(generation) && generation >= 1, 'generations count from 1')
  return base32(createHmac('sha256', namingKey).update(`${sliceName}\0${generation}`, 'utf8').digest().subarray(0, 16))
}

/** What `owner` records of a person: a keyed digest of the identity provider's user id, 32 bytes, under a key of its own. */
export function ownerDigest(namingKey: Uint8Array, identityId: string): Buffer {
  return createHmac('sha256', subkey(namingKey, 'owner', KEY_BYTES))
    .update(identityId, 'utf8')
    .digest()
}

/** Pieces up to here are hashed in one call from a buffer that holds the key already laid before them. */
const ONE_SHOT_BYTES = 256 * 1024
const PREFIX_BYTES = CHUNK_ID_KEY_BYTES + 8
const scratch = Buffer.allocUnsafeSlow(PREFIX_BYTES + ONE_SHOT_BYTES)

/**
 * SHA-256(key, 64 bytes ‖ length of the chunk, 8 bytes big-endian ‖ the chunk).
 *
 * Sound as a keyed hash without HMAC: the key fills the first block, so what follows is the cascade of SHA-256's compression function under a secret
 * start value, and the length in front makes the inputs prefix-free, for which the cascade is a pseudo-random function (Bellare, Canetti, Krawczyk,
 * "Pseudorandom functions revisited", 1996). Extending an id to that of a longer chunk fails, for it would need another length in front. Ids stand
 * only inside sealed objects besides. HMAC would cost six times as much on small pieces.
 */
export function chunkId(key: Uint8Array, bytes: Uint8Array): ChunkId {
  assert(key.length === CHUNK_ID_KEY_BYTES, 'a chunk-id key fills one block of SHA-256')
  scratch.set(key)
  scratch.writeUInt32BE(Math.floor(bytes.length / 2 ** 32), CHUNK_ID_KEY_BYTES)
  scratch.writeUInt32BE(bytes.length >>> 0, CHUNK_ID_KEY_BYTES + 4)
  if (bytes.length > ONE_SHOT_BYTES)
    return createHash('sha256').update(scratch.subarray(0, PREFIX_BYTES)).update(bytes).digest()
  scratch.set(bytes, PREFIX_BYTES)
  // By way of text, one character per byte: it comes into memory that many ids share, where each had its own, at three times the price of the digest.
  return Buffer.from(hash('sha256', scratch.subarray(0, PREFIX_BYTES + bytes.length), 'binary'), 'latin1')
}
