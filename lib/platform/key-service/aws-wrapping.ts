/** The form of a secret that KMS wrapped (README.md has the byte table): which service and key it asks for, and KMS's own ciphertext. */
import { TorikiError } from '../../errors.ts'

const MAGIC = Buffer.from('TKKM', 'latin1')
const VERSION = 1
/** The secret is empty, which KMS does not take: one zero byte was wrapped, under a context that says so. */
const FLAG_EMPTY = 1
const FLAGS_AT = MAGIC.length + 1
const ID_LENGTH_AT = FLAGS_AT + 1
const ID_AT = ID_LENGTH_AT + 1
/** A key's id: a UUID, or `mrk-…` for one of several regions, the same in each. */
const KEY_ID = /^[A-Za-z0-9-]{1,64}$/
/** KMS's own bound on a ciphertext. */
const CIPHERTEXT_BYTES_MAX = 6144

export interface KmsWrapping {
  readonly keyId: string
  readonly empty: boolean
  readonly ciphertext: Uint8Array
}

/** The id in an ARN of a key, or what is one already; undefined for an alias. */
export function kmsKeyId(key: string): string | undefined {
  const id = key.startsWith('arn:') ? /:key\/([^/:]+)$/.exec(key)?.[1] : key
  return id !== undefined && KEY_ID.test(id) ? id : undefined
}

export function encodeKmsWrapping({ keyId, empty, ciphertext }: KmsWrapping): Buffer {
  const id = Buffer.from(keyId, 'latin1')
  return Buffer.concat([MAGIC, Buffer.of(VERSION, empty ? FLAG_EMPTY : 0, id.length), id, ciphertext])
}

/** @throws TorikiError `keyring-foreign` for what no KMS wrapped, `format-newer`, `key-context-mismatch` for damaged bytes. */
export function decodeKmsWrapping(wrapped: Uint8Array): KmsWrapping {
  const bytes = Buffer.from(wrapped.buffer, wrapped.byteOffset, wrapped.byteLength)
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC))
    throw new TorikiError('keyring-foreign', {
      message: 'A key was wrapped by another key service than KMS.',
      remedy: 'Name under `keys` the service or keyring that this store was made with.',
    })
  if (bytes.length > MAGIC.length && bytes[MAGIC.length] !== VERSION)
    throw new TorikiError('format-newer', { message: 'A key was wrapped in a newer form.' })
  const flags = bytes[FLAGS_AT] ?? -1
  const end = ID_AT + (bytes[ID_LENGTH_AT] ?? 0)
  const keyId = bytes.toString('latin1', Math.min(ID_AT, bytes.length), Math.min(end, bytes.length))
  const fits = bytes.length > end && bytes.length <= end + CIPHERTEXT_BYTES_MAX
  if ((flags !== 0 && flags !== FLAG_EMPTY) || !fits || !KEY_ID.test(keyId))
    throw new TorikiError('key-context-mismatch', { message: 'A wrapped key is damaged.' })
  return { keyId, empty: flags === FLAG_EMPTY, ciphertext: bytes.subarray(end) }
}
