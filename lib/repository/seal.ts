/**
 * Sealed objects: authenticated encryption bound to the object's place, kind and order, with a fresh key for each object (docs/format.md, "Sealing").
 *
 * ```
 * header   magic 6 ‖ version 1 ‖ kind 1 ‖ salt 32 ‖ commitment 32
 * keys     HKDF-SHA-256(parent key, salt, 'toriki seal' ‖ kind ‖ version) → 64 bytes: key 32 ‖ commitment 32
 * record   AES-256-GCM, nonce = 0 (4 bytes) ‖ number (8), additional data = path length 2 ‖ path ‖ kind 1 ‖ version 1 ‖ last 1 ‖ number 8
 * framed   last 1 bit ‖ length 31 bits ‖ ciphertext ‖ tag 16        (objects read whole; a pack's blocks stand bare, its table has their lengths)
 * ```
 *
 * It never opens what was moved to another path, kind, position or parent key, nor an object whose end is missing.
 */
import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, timingSafeEqual } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { TorikiError } from '../errors.ts'
import type { Random } from '../platform/random.ts'
import {
  COMMITMENT_BYTES,
  FORMAT_VERSION,
  FORMAT_VERSION_OLDEST,
  KEY_BYTES,
  MAGIC,
  PATH_BYTES_MAX,
  RECORD_FRAME_BYTES,
  SALT_BYTES,
  SEAL_HEADER_BYTES,
  TAG_BYTES,
  objectKinds,
} from './format.ts'
import type { ObjectKind } from './format.ts'

const KIND_AT = 7
const SALT_AT = 8
const COMMITMENT_AT = SALT_AT + SALT_BYTES
const LAST_FLAG = 0x8000_0000
const RECORD_BYTES_MAX = 0x7fff_ffff

/** Where an object belongs: its key material, what it is, and its path inside the deployment (`slices/<id>/packs/<pack id>`). */
export interface SealPlace {
  readonly parentKey: KeyObject
  readonly kind: ObjectKind
  readonly path: string
}

/**
 * The whole object: header and framed records, of which there is at least one. Two calls never give the same bytes, so a retry must resend these.
 */
export function sealObject(
  place: SealPlace & { readonly records: readonly Uint8Array[]; readonly random: Random },
): Buffer {
  const { records } = place
  assert(records.length > 0, 'an object has a last record')
  const sealer = new Sealer(place)
  const parts: Buffer[] = [sealer.header]
  records.forEach((record, at) => {
    assert(record.length <= RECORD_BYTES_MAX, 'a record fits its frame')
    const last = at === records.length - 1
    const frame = Buffer.alloc(RECORD_FRAME_BYTES)
    frame.writeUInt32BE(record.length + (last ? LAST_FLAG : 0))
    parts.push(frame, ...sealer.parts([record], last))
  })
  return Buffer.concat(parts)
}

/**
 * The records of an object made by `sealObject`, in order.
 * @throws TorikiError `seal-broken` for anything else: damage, a missing end, bytes left over, another place, kind or key. `format-newer`.
 */
export function openObject({ bytes, ...place }: SealPlace & { readonly bytes: Uint8Array }): Buffer[] {
  const object = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const opener = new Opener({ ...place, header: object.subarray(0, SEAL_HEADER_BYTES) })
  const records: Buffer[] = []
  let at = SEAL_HEADER_BYTES
  for (let last = false; !last;) {
    if (object.length - at < RECORD_FRAME_BYTES) throw broken(place.path)
    const frame = object.readUInt32BE(at)
    last = frame >= LAST_FLAG
    const end = at + RECORD_FRAME_BYTES + (frame & RECORD_BYTES_MAX) + TAG_BYTES
    if (end > object.length) throw broken(place.path)
    records.push(opener.open(records.length, object.subarray(at + RECORD_FRAME_BYTES, end), last))
    at = end
  }
  if (at !== object.length) throw broken(place.path)
  return records
}

/** Seals records one by one, numbered as they come, for objects that are read by range. Whoever frames them frames also their lengths. */
export class Sealer {
  readonly header: Buffer
  readonly #key: KeyObject
  readonly #data: AdditionalData
  #number = 0

  constructor({ random, ...place }: SealPlace & { readonly random: Random }) {
    const salt = random.bytes(SALT_BYTES)
    const { key, commitment } = deriveSealKey(place, FORMAT_VERSION, salt)
    this.#key = key
    this.#data = new AdditionalData(place, FORMAT_VERSION)
    this.header = Buffer.concat([MAGIC, Buffer.from([FORMAT_VERSION, objectKinds[place.kind]]), salt, commitment])
  }

  /** The next record: ciphertext and tag. Every number is used once, so a nonce never repeats under a key. */
  seal(record: Uint8Array, last = false): Buffer {
    return Buffer.concat(this.parts([record], last))
  }

  /** The same, of a record in pieces, unjoined: saves copies where the parts are joined with others anyway. */
  parts(record: readonly Uint8Array[], last: boolean): Buffer[] {
    const number = this.#number++
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonceOf(number))
    cipher.setAAD(this.#data.of(number, last))
    const parts = record.map((piece) => cipher.update(piece))
    cipher.final()
    parts.push(cipher.getAuthTag())
    return parts
  }
}

/** Opens single records of one object, in any order. The constructor proves by the commitment that key and header belong together. */
export class Opener {
  readonly #path: string
  readonly #key: KeyObject
  readonly #data: AdditionalData

  /** @throws TorikiError `seal-broken`, `format-newer`. */
  constructor({ header, ...place }: SealPlace & { readonly header: Uint8Array }) {
    const head = Buffer.from(header)
    if (head.length !== SEAL_HEADER_BYTES || !head.subarray(0, MAGIC.length).equals(MAGIC)) throw broken(place.path)
    const version = head.readUInt8(MAGIC.length)
    if (version > FORMAT_VERSION) throw new TorikiError('format-newer', { ids: { object: place.path, version } })
    // Of none that was: a deployment of an older format is refused before anything in it is opened.
    if (version < FORMAT_VERSION_OLDEST) throw broken(place.path)
    if (head.readUInt8(KIND_AT) !== objectKinds[place.kind]) throw broken(place.path)
    const { key, commitment } = deriveSealKey(place, version, head.subarray(SALT_AT, COMMITMENT_AT))
    if (!timingSafeEqual(commitment, head.subarray(COMMITMENT_AT))) throw broken(place.path)
    this.#path = place.path
    this.#key = key
    this.#data = new AdditionalData(place, version)
  }

  /** The plaintext of ciphertext and tag. @throws TorikiError `seal-broken`. */
  open(number: number, sealed: Uint8Array, last = false): Buffer {
    if (sealed.length < TAG_BYTES) throw broken(this.#path)
    const end = sealed.length - TAG_BYTES
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonceOf(number), { authTagLength: TAG_BYTES })
    decipher.setAAD(this.#data.of(number, last))
    decipher.setAuthTag(sealed.subarray(end))
    const plain = decipher.update(sealed.subarray(0, end))
    try {
      decipher.final()
    } catch (cause) {
      throw broken(this.#path, cause)
    }
    return plain
  }
}

/** Commitment and key come from one derivation: an object that opens under one parent key opens under no other. */
function deriveSealKey(
  { parentKey, kind }: SealPlace,
  version: number,
  salt: Buffer,
): { key: KeyObject; commitment: Buffer } {
  const info = Buffer.concat([Buffer.from('toriki seal', 'latin1'), Buffer.from([objectKinds[kind], version])])
  const derived = Buffer.from(hkdfSync('sha256', parentKey, salt, info, KEY_BYTES + COMMITMENT_BYTES))
  const key = createSecretKey(derived.subarray(0, KEY_BYTES))
  derived.fill(0, 0, KEY_BYTES)
  return { key, commitment: derived.subarray(KEY_BYTES) }
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(12)
  nonce.writeBigUInt64BE(BigInt(number), 4)
  return nonce
}

/** What a record is bound to, beside its object's key. The counted path and the fixed widths behind it leave no two readings. */
class AdditionalData {
  readonly #bytes: Buffer

  constructor({ path, kind }: SealPlace, version: number) {
    const name = Buffer.from(path, 'utf8')
    assert(name.length > 0 && name.length <= PATH_BYTES_MAX && !path.startsWith('/'), 'a path inside the deployment')
    this.#bytes = Buffer.alloc(2 + name.length + 3 + 8)
    this.#bytes.writeUInt16BE(name.length)
    name.copy(this.#bytes, 2)
    this.#bytes.set([objectKinds[kind], version], 2 + name.length)
  }

  of(number: number, last: boolean): Buffer {
    const at = this.#bytes.length - 9
    this.#bytes.writeUInt8(last ? 1 : 0, at)
    this.#bytes.writeBigUInt64BE(BigInt(number), at + 1)
    return this.#bytes
  }
}

function broken(path: string, cause?: unknown): TorikiError {
  return new TorikiError('seal-broken', { ids: { object: path }, cause })
}
