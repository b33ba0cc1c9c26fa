/**
 * Sealing to the content public key: HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, export-only. Each encapsulation gives a
 * 32-byte parent key that only the private key's holder can find again; whoever encapsulated forgets it and can open nothing.
 */
import { createHmac, createPrivateKey, createPublicKey, createSecretKey, diffieHellman } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { TorikiError } from '../errors.ts'
import type { Random } from '../platform/random.ts'
import { KEY_BYTES } from './format.ts'

/** "KEM" ‖ DHKEM(X25519, HKDF-SHA256). */
const KEM_SUITE = Buffer.from('4b454d0020', 'hex')
/** "HPKE" ‖ the KEM ‖ HKDF-SHA256 ‖ export-only. */
const HPKE_SUITE = Buffer.from('48504b4500200001ffff', 'hex')
const VERSION_LABEL = Buffer.from('HPKE-v1', 'latin1')
const MODE_BASE = Buffer.from([0])
const NOTHING = Buffer.alloc(0)
/** DER prefixes of RFC 8410 before a raw X25519 key. */
const PRIVATE_DER = Buffer.from('302e020100300506032b656e04220420', 'hex')
const PUBLIC_DER = Buffer.from('302a300506032b656e032100', 'hex')

/** The exporter context of the key that seals a pack. */
export const EXPORT_CONTEXT: Buffer = Buffer.from('toriki seal', 'latin1')

export interface Encapsulation {
  /** The ephemeral public key: stands in clear beside what is sealed. */
  readonly enc: Buffer
  readonly key: KeyObject
}

export interface KeyPair {
  readonly publicKey: Buffer
  readonly privateKey: Buffer
}

/** A fresh parent key, sealed to `publicKey` (raw, 32 bytes). @throws TorikiError `seal-broken` for a public key of small order. */
export function encapsulate(publicKey: Uint8Array, info: Uint8Array, random: Random): Encapsulation {
  const ephemeral = deriveKeyPair(random.bytes(KEY_BYTES))
  const enc = ephemeral.publicKey
  const key = exportedKey(sharedSecret(ephemeral.privateKey, publicKey), enc, publicKey, info, EXPORT_CONTEXT)
  ephemeral.privateKey.fill(0)
  return { enc, key: createSecretKey(key) }
}

/** The same parent key again. A swapped `enc` gives another key or `seal-broken`; the seal's commitment tells them apart. */
export function decapsulate(enc: Uint8Array, privateKey: Uint8Array, info: Uint8Array): KeyObject {
  return createSecretKey(exportSecret({ enc, privateKey, info, exporterContext: EXPORT_CONTEXT }))
}

/** Base-mode receiver export (RFC 9180, 6.2): 32 bytes for any exporter context. @throws TorikiError `seal-broken`. */
export function exportSecret(input: {
  readonly enc: Uint8Array
  readonly privateKey: Uint8Array
  readonly info: Uint8Array
  readonly exporterContext: Uint8Array
}): Buffer {
  const { enc, privateKey, info, exporterContext } = input
  return exportedKey(sharedSecret(privateKey, enc), enc, publicKeyOf(privateKey), info, exporterContext)
}

/** DeriveKeyPair of RFC 9180, 7.1.3, for X25519. */
export function deriveKeyPair(ikm: Uint8Array): KeyPair {
  const prk = labeledExtract(KEM_SUITE, NOTHING, 'dkp_prk', ikm)
  const privateKey = labeledExpand(KEM_SUITE, prk, 'sk', NOTHING)
  return { privateKey, publicKey: publicKeyOf(privateKey) }
}

/** Raw public key of a raw private one. */
export function publicKeyOf(privateKey: Uint8Array): Buffer {
  return createPublicKey(privateKeyObject(privateKey))
    .export({ format: 'der', type: 'spki' })
    .subarray(PUBLIC_DER.length)
}

/** The shared Diffie-Hellman value, all-zero refused (RFC 9180, 7.1.4) by OpenSSL and, should that change, by us: it is the same for every private key. */
function sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Buffer {
  let shared: Buffer
  try {
    shared = diffieHellman({ privateKey: privateKeyObject(privateKey), publicKey: publicKeyObject(publicKey) })
  } catch (cause) {
    throw new TorikiError('seal-broken', { message: 'A public key of the store is not one.', cause })
  }
  if (shared.every((byte) => byte === 0))
    throw new TorikiError('seal-broken', { message: 'A public key of the store is not one.' })
  return shared
}

/** ExtractAndExpand (4.1), the key schedule of base mode (5.1) and Export (5.3). */
function exportedKey(
  dh: Buffer,
  enc: Uint8Array,
  publicKey: Uint8Array,
  info: Uint8Array,
  exporterContext: Uint8Array,
): Buffer {
  const eaePrk = labeledExtract(KEM_SUITE, NOTHING, 'eae_prk', dh)
  const shared = labeledExpand(KEM_SUITE, eaePrk, 'shared_secret', Buffer.concat([enc, publicKey]))
  const pskIdHash = labeledExtract(HPKE_SUITE, NOTHING, 'psk_id_hash', NOTHING)
  const infoHash = labeledExtract(HPKE_SUITE, NOTHING, 'info_hash', info)
  const secret = labeledExtract(HPKE_SUITE, shared, 'secret', NOTHING)
  const exporterSecret = labeledExpand(HPKE_SUITE, secret, 'exp', Buffer.concat([MODE_BASE, pskIdHash, infoHash]))
  return labeledExpand(HPKE_SUITE, exporterSecret, 'sec', exporterContext)
}

function labeledExtract(suite: Buffer, salt: Uint8Array, label: string, ikm: Uint8Array): Buffer {
  return hmac(salt, VERSION_LABEL, suite, Buffer.from(label, 'latin1'), ikm)
}

/** One step of HKDF-Expand is enough: every output here is 32 bytes. */
function labeledExpand(suite: Buffer, prk: Uint8Array, label: string, info: Uint8Array): Buffer {
  return hmac(
    prk,
    Buffer.from([0, KEY_BYTES]),
    VERSION_LABEL,
    suite,
    Buffer.from(label, 'latin1'),
    info,
    Buffer.from([1]),
  )
}

function hmac(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const mac = createHmac('sha256', key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

function privateKeyObject(raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_DER, raw]), format: 'der', type: 'pkcs8' })
}

function publicKeyObject(raw: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([PUBLIC_DER, raw]), format: 'der', type: 'spki' })
}
