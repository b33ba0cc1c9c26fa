/**
 * One pack in the making: chunks gather into blocks, blocks are compressed and sealed as they fill, a sealed table closes the pack.
 *
 * ```
 * pack   header 72 ‖ in a content pack: encapsulated key 32 ‖ sealed blocks ‖ sealed table ‖ length of the sealed table 4
 * ```
 * Holds one pack and one open block; never writes it anywhere.
 */
import assert from 'node:assert/strict'
import type { Random } from '../platform/random.ts'
import { base32 } from './base32.ts'
import { encodeBlock } from './compression.ts'
import { CONTENT_BLOCK_BYTES, PACK_BYTES, PACK_CHUNKS_MAX, PACK_ID_BYTES, TREE_BLOCK_BYTES } from './format.ts'
import { packPath } from './object-paths.ts'
import { giveBack } from './give-back.ts'
import { sealPack } from './pack-seal.ts'
import { PackTableWriter, chunkBytesMax } from './pack-table.ts'
import { sealObject } from './seal.ts'
import type { ChunkId, ChunkSort, SliceKeys } from './chunk-store.ts'
import type { Sealer } from './seal.ts'

/**
 * Small pieces are worth a better level, long chunks are where the time goes. Measured: level 3 takes half as long again as 2 and saves 3 % of small files, nothing of others. Free to
 * change.
 */
const LEVEL_SMALL = 2
const LEVEL_LONG = 1
/** The average of a block's chunks from which on it counts as long ones. */
const LONG_BYTES = 64 * 1024

export interface FinishedPack {
  readonly sort: ChunkSort
  readonly packId: string
  readonly path: string
  readonly body: Buffer
  /** As sealed in the pack; the index wants the same. */
  readonly table: Buffer
}

export class PackWriter {
  readonly sort: ChunkSort
  readonly packId: string
  readonly #path: string
  readonly #keys: SliceKeys
  readonly #random: Random
  readonly #sealer: Sealer
  readonly #table: PackTableWriter
  readonly #blockBytes: number
  readonly #parts: Buffer[]
  #sealedBytes = 0
  #chunks = 0
  /** The open block. */
  #group = Buffer.alloc(0)
  #groupBytes = 0
  #groupChunks: { readonly id: ChunkId; readonly length: number }[] = []

  constructor(options: {
    readonly sliceId: string
    readonly sort: ChunkSort
    readonly keys: SliceKeys
    readonly random: Random
  }) {
    const { sliceId, sort, keys, random } = options
    const id = random.bytes(PACK_ID_BYTES)
    this.sort = sort
    this.packId = base32(id)
    this.#path = packPath(sliceId, sort, this.packId)
    this.#keys = keys
    this.#random = random
    const { sealer, header } = sealPack({ keys, sort, path: this.#path, random })
    this.#sealer = sealer
    this.#table = new PackTableWriter(sort, id, header)
    this.#parts = [header]
    this.#blockBytes = sort === 'content' ? CONTENT_BLOCK_BYTES : TREE_BLOCK_BYTES
  }

  /** Time to finish: more would make the pack too large. */
  get full(): boolean {
    return this.#sealedBytes >= PACK_BYTES || this.#chunks >= PACK_CHUNKS_MAX
  }

  /** Takes a copy of the chunk's bytes. Whoever fills a pack gives it each chunk once. */
  add(id: ChunkId, bytes: Uint8Array): void {
    assert(bytes.length <= chunkBytesMax(this.sort), 'a chunk has its longest length')
    assert(!this.full, 'a full pack takes nothing more')
    this.#chunks++
    if (this.#groupBytes + bytes.length > this.#blockBytes) this.#closeBlock()
    if (bytes.length >= this.#blockBytes) return this.#seal(bytes, [{ id, length: bytes.length }])
    this.#reserve(this.#groupBytes + bytes.length)
    this.#group.set(bytes, this.#groupBytes)
    this.#groupBytes += bytes.length
    this.#groupChunks.push({ id, length: bytes.length })
  }

  /** The pack, whole. The writer is of no more use. */
  finish(): FinishedPack {
    this.#closeBlock()
    const table = this.#table.bytes()
    const place = { parentKey: this.#keys.treeKey, kind: 'pack-table', path: this.#path } as const
    const sealedTable = sealObject({ ...place, records: [table], random: this.#random })
    const trailer = Buffer.alloc(4)
    trailer.writeUInt32BE(sealedTable.length)
    const body = Buffer.concat([...this.#parts, sealedTable, trailer])
    for (const part of this.#parts.splice(0)) giveBack(part)
    return {
      sort: this.sort,
      packId: this.packId,
      path: this.#path,
      body,
      table,
    }
  }

  #closeBlock(): void {
    if (this.#groupChunks.length === 0) return
    this.#seal(this.#group.subarray(0, this.#groupBytes), this.#groupChunks)
    this.#groupBytes = 0
    this.#groupChunks = []
  }

  #seal(plain: Uint8Array, chunks: readonly { readonly id: ChunkId; readonly length: number }[]): void {
    const level = plain.length >= chunks.length * LONG_BYTES ? LEVEL_LONG : LEVEL_SMALL
    const encoded = encodeBlock(plain, level)
    const parts = this.#sealer.parts(encoded, false)
    if (encoded[1] !== plain) giveBack(encoded[1])
    const sealedBytes = parts.reduce((sum, part) => sum + part.length, 0)
    this.#parts.push(...parts)
    this.#sealedBytes += sealedBytes
    this.#table.block(sealedBytes, plain.length, chunks)
  }

  #reserve(needed: number): void {
    if (needed <= this.#group.length) return
    const larger = Buffer.allocUnsafe(Math.min(this.#blockBytes, Math.max(needed, this.#group.length * 2, 4096)))
    this.#group.copy(larger, 0, 0, this.#groupBytes)
    this.#group = larger
  }
}
