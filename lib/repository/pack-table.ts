/**
 * What a pack holds, as bytes: sealed at the pack's end, and again in an index object (docs/format.md, "Pack"). Ids and lengths only, no plaintext.
 *
 * ```
 * table   sort 1 (0 content, 1 tree) ‖ pack id 16 ‖ header length 1 ‖ the pack's header ‖ blocks 4 ‖ block × blocks
 * block   sealed length 4 ‖ plain length 4 ‖ chunks 4 ‖ (chunk id 32 ‖ length 4) × chunks
 * ```
 * Blocks stand in the pack without gaps behind its header, chunks without gaps in their block.
 */
import assert from 'node:assert/strict'
import { base32 } from './base32.ts'
import { TorikiError } from '../errors.ts'
import {
  CHUNK_BYTES_MAX,
  CHUNK_ID_BYTES,
  KEY_BYTES,
  PACK_CHUNKS_MAX,
  PACK_ID_BYTES,
  SEAL_HEADER_BYTES,
  TAG_BYTES,
  TREE_CHUNK_BYTES_MAX,
} from './format.ts'
import { OBJECT_BYTES_MAX } from '../limits.ts'
import type { ChunkId, ChunkSort } from './chunk-store.ts'

const SORTS: readonly ChunkSort[] = ['content', 'tree']

export function chunkBytesMax(sort: ChunkSort): number {
  return sort === 'content' ? CHUNK_BYTES_MAX : TREE_CHUNK_BYTES_MAX
}

/** The sealed header, and in a content pack the encapsulated key behind it. */
export function packHeaderBytes(sort: ChunkSort): number {
  return sort === 'content' ? SEAL_HEADER_BYTES + KEY_BYTES : SEAL_HEADER_BYTES
}

export interface PackDescription {
  readonly sort: ChunkSort
  readonly packId: string
  readonly header: Buffer
}

export interface BlockDescription {
  /** Its record number in the seal. */
  readonly number: number
  /** In the pack. */
  readonly offset: number
  /** Tag included. */
  readonly sealedBytes: number
  readonly plainBytes: number
}

export class PackTableWriter {
  readonly #head: Buffer
  readonly #blocks: Buffer[] = []

  constructor(sort: ChunkSort, packId: Buffer, header: Buffer) {
    assert(
      packId.length === PACK_ID_BYTES && header.length === packHeaderBytes(sort),
      'ids and headers have their length',
    )
    this.#head = Buffer.concat([Buffer.of(SORTS.indexOf(sort)), packId, Buffer.of(header.length), header])
  }

  block(
    sealedBytes: number,
    plainBytes: number,
    chunks: readonly { readonly id: ChunkId; readonly length: number }[],
  ): void {
    const bytes = Buffer.allocUnsafe(3 * 4 + chunks.length * (CHUNK_ID_BYTES + 4))
    let at = bytes.writeUInt32BE(sealedBytes)
    at = bytes.writeUInt32BE(plainBytes, at)
    at = bytes.writeUInt32BE(chunks.length, at)
    for (const { id, length } of chunks) {
      bytes.set(id, at)
      at = bytes.writeUInt32BE(length, at + CHUNK_ID_BYTES)
    }
    this.#blocks.push(bytes)
  }

  bytes(): Buffer {
    const count = Buffer.allocUnsafe(4)
    count.writeUInt32BE(this.#blocks.length)
    return Buffer.concat([this.#head, count, ...this.#blocks])
  }
}

/** Told what stands in a table, in order. A chunk's id is the 32 bytes of `table` at `idAt`: not a view, for there may be a million. */
export interface PackTableVisitor {
  block(block: BlockDescription): void
  chunk(table: Buffer, idAt: number, offset: number, length: number): void
}

/** @throws TorikiError `seal-broken` for anything that `PackTableWriter` does not write; the visitor may have been told the beginning then. */
export function readPackTableHead(table: Buffer): PackDescription {
  const headAt = 1 + PACK_ID_BYTES + 1
  const sort = SORTS[table[0] ?? SORTS.length]
  if (sort === undefined || table.length < headAt || table[headAt - 1] !== packHeaderBytes(sort)) throw malformed()
  const header = table.subarray(headAt, headAt + packHeaderBytes(sort))
  return { sort, packId: base32(table.subarray(1, 1 + PACK_ID_BYTES)), header: Buffer.from(header) }
}

/** The whole table. @throws TorikiError `seal-broken`, as above. */
export function readPackTable(table: Buffer, visitor: PackTableVisitor): PackDescription {
  const pack = readPackTableHead(table)
  let at = 1 + PACK_ID_BYTES + 1 + pack.header.length
  const uint = (): number => {
    if (table.length - at < 4) throw malformed()
    at += 4
    return table.readUInt32BE(at - 4)
  }
  const blocks = uint()
  const lengthMax = chunkBytesMax(pack.sort)
  let offset = pack.header.length
  let chunksInPack = 0
  for (let number = 0; number < blocks; number++) {
    const [sealedBytes, plainBytes, chunks] = [uint(), uint(), uint()]
    chunksInPack += chunks
    // A block is one byte longer than its plaintext at most, so neither length asks for more memory than a pack may have.
    if (
      chunks === 0 ||
      chunksInPack > PACK_CHUNKS_MAX ||
      plainBytes > lengthMax ||
      sealedBytes > plainBytes + 1 + TAG_BYTES
    )
      throw malformed()
    if (offset + sealedBytes > OBJECT_BYTES_MAX) throw malformed()
    visitor.block({ number, offset, sealedBytes, plainBytes })
    let end = 0
    for (let chunk = 0; chunk < chunks; chunk++) {
      const idAt = at
      at += CHUNK_ID_BYTES
      const length = uint()
      visitor.chunk(table, idAt, end, length)
      end += length
    }
    if (end !== plainBytes) throw malformed()
    offset += sealedBytes
  }
  if (at !== table.length) throw malformed()
  return pack
}

function malformed(): TorikiError {
  return new TorikiError('seal-broken', { message: 'A stored table of a pack is not well-formed.' })
}
