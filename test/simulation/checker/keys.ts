/** Key objects and what is derived from them, as docs/format.md, "Keys" and "Names and generations", says. */
import { createHash, createHmac } from 'node:crypto'
import { publicKeyOf } from './hpke-export.ts'
import { hkdf } from './sealed-object.ts'

/** Opens one wrapping, or gives `undefined` when it may not or cannot. */
export type Unwrap = (wrapped: Buffer, context: Readonly<Record<string, string>>) => Buffer | undefined

export interface DeploymentSecrets {
  readonly namingKey: Buffer
  readonly runKey: Buffer
}

export interface SliceSecrets {
  readonly chunkIdKey: Buffer
  readonly boundaryKey: Buffer
  readonly treeKey: Buffer
  /** Of map nodes and of list nodes: the first 8 bytes. */
  readonly nodeTag: Buffer
  readonly listTag: Buffer
  readonly digestKey: Buffer
  /** Absent where the wrapping of purpose `content` may not be opened. */
  readonly contentPrivateKey: Buffer | undefined
}

interface KeyObject {
  readonly format: string
  readonly version: number
  readonly check: string
  readonly wrappings: Readonly<Record<string, readonly { readonly wrapped: string }[]>>
}

/** @throws Error in words. */
export function deploymentSecrets(bytes: Buffer, unwrap: Unwrap, deployment: string): DeploymentSecrets {
  const object = parse(bytes)
  const secrets = unwrapOne(object, 'deployment', unwrap, { deployment, purpose: 'deployment' })
  if (secrets?.length !== 64) throw new Error('does not unwrap to 64 bytes')
  checkSecrets(object, secrets)
  return { namingKey: secrets.subarray(0, 32), runKey: secrets.subarray(32) }
}

/** @throws Error in words. */
export function sliceSecrets(bytes: Buffer, unwrap: Unwrap, deployment: string, slice: string): SliceSecrets {
  const object = parse(bytes)
  const secrets = unwrapOne(object, 'tree', unwrap, { deployment, slice, purpose: 'tree' })
  if (secrets?.length !== 64) throw new Error('does not unwrap to 64 bytes')
  checkSecrets(object, secrets)
  const tree = secrets.subarray(0, 32)
  const contentPrivateKey = unwrapOne(object, 'content', unwrap, { deployment, slice, purpose: 'content' })
  if (contentPrivateKey !== undefined && !publicKeyOf(contentPrivateKey).equals(secrets.subarray(32)))
    throw new Error('holds two content keys that are not a pair')
  const chunkIdKey = hkdf(tree, 'toriki chunk id', 64)
  const digestKey = hkdf(chunkIdKey, 'toriki digest', 32)
  return {
    chunkIdKey,
    boundaryKey: hkdf(tree, 'toriki tree boundary', 32),
    treeKey: hkdf(tree, 'toriki tree seal', 32),
    digestKey,
    nodeTag: keyedDigest(digestKey, 'tree node').subarray(0, 8),
    listTag: keyedDigest(digestKey, 'list node').subarray(0, 8),
    contentPrivateKey,
  }
}

export function sliceIdOf(namingKey: Buffer, name: string, generation: number): string {
  return base32(createHmac('sha256', namingKey).update(`${name}\0${generation}`).digest().subarray(0, 16))
}

export function chunkIdOf({ chunkIdKey }: SliceSecrets, chunk: Buffer): string {
  return createHash('sha256').update(chunkIdKey).update(uint64(chunk.length)).update(chunk).digest('hex')
}

export function keyedDigest(key: Buffer, purpose: string, ...parts: readonly Buffer[]): Buffer {
  const digest = createHash('sha256').update(key).update(purpose).update(Buffer.of(0))
  for (const part of parts) digest.update(uint64(part.length)).update(part)
  return digest.digest()
}

export function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return bytes
}

export function base32(bytes: Uint8Array): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
  let bits = ''
  for (const byte of bytes) bits += byte.toString(2).padStart(8, '0')
  let text = ''
  for (let at = 0; at < bits.length; at += 5)
    text += alphabet[Number.parseInt(bits.slice(at, at + 5).padEnd(5, '0'), 2)]
  return text
}

function parse(bytes: Buffer): KeyObject {
  const object = JSON.parse(bytes.toString('utf8')) as KeyObject
  if (object.format !== 'toriki keys' || object.version !== 1) throw new Error('is no key object of version 1')
  return object
}

function unwrapOne(
  { wrappings }: KeyObject,
  purpose: string,
  unwrap: Unwrap,
  context: Readonly<Record<string, string>>,
): Buffer | undefined {
  for (const { wrapped } of wrappings[purpose] ?? []) {
    const secret = unwrap(Buffer.from(wrapped, 'base64'), context)
    if (secret !== undefined) return secret
  }
  return undefined
}

function checkSecrets({ check }: KeyObject, secrets: Buffer): void {
  if (hkdf(secrets, 'toriki key check', 32).toString('base64') !== check)
    throw new Error('holds secrets that its check does not fit')
}
