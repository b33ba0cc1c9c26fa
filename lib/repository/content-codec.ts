/**
 * How an entry names a content (docs/format.md, "Content"): up to 16 extents in the entry itself, else the root of a list tree whose keys are the end
 * offsets of the extents. Equal bytes with equal holes give equal bytes here, so a digest over them is a digest of the content.
 *
 * ```
 * content   size varint ‖ form 1 ‖ form ≤ 16: so many extents · form 255: root 32
 * extent    length varint ‖ kind 1 (0 data, 1 hole) ‖ data: chunk id 32
 * ```
 */
import { ByteReader, ByteWriter } from './byte-codec.ts'
import { CHUNK_ID_BYTES } from './format.ts'
import type { ChunkId } from './chunk-store.ts'

export const INLINE_EXTENTS_MAX = 16
const FORM_LIST = 255

export interface Extent {
  readonly length: number
  /** A hole when there is none. */
  readonly id: ChunkId | undefined
}

export interface ContentShape {
  /** Holes included. */
  readonly sizeBytes: number
  /** The root of the list tree, or the extents themselves. */
  readonly extents: readonly Extent[] | ChunkId
}

export function encodeContent({ sizeBytes, extents }: ContentShape): Buffer {
  scratch.clear()
  scratch.varint(sizeBytes)
  if (Buffer.isBuffer(extents)) return scratch.byte(FORM_LIST).raw(extents).bytes()
  scratch.byte(extents.length)
  for (const extent of extents) writeExtent(scratch, extent)
  return scratch.bytes()
}

/** Used from end to end at once, again and again: one per file would be a lot of garbage. */
const scratch = new ByteWriter()

/** The same of data alone, whose chunks are told one by one by `each`: at most `INLINE_EXTENTS_MAX`. */
export function writeInlineData(
  writer: ByteWriter,
  data: {
    readonly storedBytes: number
    readonly chunkCount: number
    each(take: (ids: Buffer, idAt: number, lengthBytes: number) => void): void
  },
): void {
  writer.varint(data.storedBytes).byte(data.chunkCount)
  data.each((ids, idAt, lengthBytes) => {
    writer.varint(lengthBytes).byte(0).part(ids, idAt, CHUNK_ID_BYTES)
  })
}

/** Reads a content from an entry's value. @throws TorikiError `seal-broken`. */
export function readContentShape(reader: ByteReader): ContentShape {
  const sizeBytes = reader.varint()
  const form = reader.byte()
  if (form === FORM_LIST) return { sizeBytes, extents: reader.raw(CHUNK_ID_BYTES) }
  if (form > INLINE_EXTENTS_MAX) throw reader.malformed()
  const extents: Extent[] = []
  let length = 0
  for (let at = 0; at < form; at++) {
    const extent = readExtent(reader)
    extents.push(extent)
    length += extent.length
  }
  if (length !== sizeBytes) throw reader.malformed()
  return { sizeBytes, extents }
}

/** As `eachInlineChunk` in `body.ts`, from where a content begins. */
export function eachInlineExtent(reader: ByteReader, take: (idAt: number) => boolean): number | undefined {
  const sizeBytes = reader.varint()
  const form = reader.byte()
  if (form === FORM_LIST) return undefined
  if (form > INLINE_EXTENTS_MAX) throw reader.malformed()
  let bytes = 0
  let all = 0
  for (let at = 0; at < form; at++) {
    const length = reader.varint()
    const kind = reader.byte()
    if (length === 0 || kind > 1) throw reader.malformed()
    all += length
    if (kind === 1) continue
    const idAt = reader.at
    reader.skip(CHUNK_ID_BYTES)
    if (!take(idAt)) return -1
    bytes += length
  }
  if (all !== sizeBytes) throw reader.malformed()
  return bytes
}

/** The key of an extent in the list tree: so the extent that holds an offset is the first one whose key is greater. */
export function offsetKey(end: number): Buffer {
  const key = Buffer.alloc(8)
  key.writeBigUInt64BE(BigInt(end))
  return key
}

export function encodeExtent(extent: Extent): Buffer {
  const writer = new ByteWriter()
  writeExtent(writer, extent)
  return writer.bytes()
}

/** @throws TorikiError `seal-broken`. */
export function decodeExtent(bytes: Buffer): Extent {
  const reader = new ByteReader(bytes, 'list of extents')
  const extent = readExtent(reader)
  reader.end()
  return extent
}

function writeExtent(writer: ByteWriter, { length, id }: Extent): void {
  writer.varint(length).byte(id === undefined ? 1 : 0)
  if (id !== undefined) writer.raw(id)
}

function readExtent(reader: ByteReader): Extent {
  const length = reader.varint()
  const kind = reader.byte()
  if (length === 0 || kind > 1) throw reader.malformed()
  return { length, id: kind === 1 ? undefined : reader.raw(CHUNK_ID_BYTES) }
}
