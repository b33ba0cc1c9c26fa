/**
 * What the trees of one generation have in common: the secret that cuts nodes, and the tags that begin them. Three kinds of trees: the map of a
 * component's resources, the list of a long content's extents (the same tree, keyed by offset), and the hints by which an unchanged resource is told.
 */
import { hash } from 'node:crypto'
import { isResourceKey } from '../resources/key.ts'
import { deriveDigestKey, keyedDigest } from './keyed-digest.ts'
import type { SliceKeys } from './chunk-store.ts'

const TAG_BYTES = 8
/** An entry closes its node with a chance of 1 in 2^7: 127 entries between two closing ones on average. */
const BITS_PER_LEVEL = 7

export interface TreeFormat {
  readonly boundaryKey: Buffer
  /**
   * The first bytes of every node. Keyed, because the same bytes have the same chunk id whatever they are: a user who could foretell a node's bytes
   * could store them as a file, and the node would be taken for stored when only a locked content is.
   */
  readonly tag: Buffer
  /** May these bytes be a key of it? Asked of the keys by which a node names those beneath it, which nobody reads otherwise. Absent: any. */
  readonly isKey?: (key: Uint8Array) => boolean
}

export interface TreeFormats {
  readonly digestKey: Buffer
  readonly map: TreeFormat
  readonly list: TreeFormat
  readonly hints: TreeFormat
}

export function treeFormats(keys: Pick<SliceKeys, 'chunkIdKey' | 'boundaryKey'>): TreeFormats {
  const digestKey = deriveDigestKey(keys.chunkIdKey)
  const format = (kind: string): TreeFormat => ({
    boundaryKey: keys.boundaryKey,
    tag: keyedDigest(digestKey, kind).subarray(0, TAG_BYTES),
  })
  return {
    digestKey,
    map: { ...format('tree node'), isKey: isResourceKey },
    list: format('list node'),
    hints: format('hint node'),
  }
}

/** ⌊leading zero bits of SHA-256(boundary key ‖ key) / 7⌋: on how many levels the entry closes its node. */
export function heightOf(boundaryKey: Buffer, key: Uint8Array): number {
  // As text, one character per byte: memory of its own would cost three times as much as the digest.
  const digest = hash('sha256', joined(boundaryKey, key), 'binary')
  let zeros = 0
  for (let at = 0; at < digest.length; at++) {
    const byte = digest.charCodeAt(at)
    zeros += Math.clz32(byte) - 24
    if (byte !== 0) break
  }
  return Math.floor(zeros / BITS_PER_LEVEL)
}

/** Asked once per entry: keys seldom are longer. */
const scratch = Buffer.allocUnsafeSlow(4096)
/** Its beginnings by length. */
const views: Uint8Array[] = []

function joined(boundaryKey: Buffer, key: Uint8Array): Uint8Array {
  const length = boundaryKey.length + key.length
  if (length > scratch.length) return Buffer.concat([boundaryKey, key])
  scratch.set(boundaryKey)
  scratch.set(key, boundaryKey.length)
  return (views[length] ??= scratch.subarray(0, length))
}
