/**
 * Reads packs: one block by its range, the table by itself, or a whole pack with every block and chunk proven. Keeps the last blocks, decoded, so that
 * neighbours cost one request and one decoding.
 */
import { OBJECT_BYTES_MAX } from '../limits.ts'
import type { ObjectStore } from '../platform/object-store/port.ts'
import { BlocksAhead } from './blocks-ahead.ts'
import { packPath } from './object-paths.ts'
import { openPack } from './pack-seal.ts'
import { packHeaderBytes } from './pack-table.ts'
import { brokenPack, openBlock, openPackTable, tableBegin, TRAILER_BYTES, verifyPack } from './verify-pack.ts'
import type { ChunkSort, SliceKeys } from './chunk-store.ts'
import type { BlockDescription, PackDescription } from './pack-table.ts'
import type { Opener } from './seal.ts'

/** Enough that several files at once each find their block again. */
const CACHE_BYTES_MAX = 24 * 1024 * 1024
/** A key costs a decapsulation: 0.1 ms. */
const OPENERS_MAX = 128

interface HeldBlock {
  readonly plain: Promise<Buffer>
  readonly bytes: number
  /** When it is there. */
  ready?: Buffer
}

export class PackReader {
  readonly #store: Pick<ObjectStore, 'get'>
  readonly #sliceId: string
  readonly #keys: SliceKeys
  /** Both in order of last use. */
  readonly #openers = new Map<string, Opener>()
  readonly #blocks = new Map<string, HeldBlock>()
  readonly #ahead = new BlocksAhead()
  #cachedBytes = 0

  constructor(options: {
    readonly store: Pick<ObjectStore, 'get'>
    readonly sliceId: string
    readonly keys: SliceKeys
  }) {
    this.#store = options.store
    this.#sliceId = options.sliceId
    this.#keys = options.keys
  }

  /**
   * A block's plaintext: shared with others, not to be changed. `behind` knows the blocks that follow it in its pack: whoever gives it, and asks for one after the other, waits for
   * fewer requests. @throws TorikiError `content-locked`, `seal-broken`, `object-not-found`.
   */
  async block(
    pack: PackDescription,
    block: BlockDescription,
    behind?: (most: number) => readonly BlockDescription[],
  ): Promise<Buffer> {
    const name = `${pack.packId}/${block.number}`
    const cached = this.#blocks.get(name)
    if (cached !== undefined) {
      this.#blocks.delete(name)
      this.#blocks.set(name, cached)
      return await cached.plain
    }
    const plain = this.#read(pack, block, behind)
    const held: HeldBlock = { plain, bytes: block.plainBytes }
    this.#blocks.set(name, held)
    this.#cachedBytes += block.plainBytes
    for (const [oldest, { bytes }] of this.#blocks) {
      if (this.#cachedBytes <= CACHE_BYTES_MAX || oldest === name) break
      this.#blocks.delete(oldest)
      this.#cachedBytes -= bytes
    }
    try {
      return (held.ready = await plain)
    } catch (error) {
      if (this.#blocks.get(name)?.plain === plain) {
        this.#blocks.delete(name)
        this.#cachedBytes -= block.plainBytes
      }
      throw error
    }
  }

  /** The same, if it was read lately. */
  ready(pack: PackDescription, block: BlockDescription): Buffer | undefined {
    return this.#blocks.get(`${pack.packId}/${block.number}`)?.ready
  }

  /**
   * The table at the end of a pack of `sizeBytes` (from a listing), as `readPackTable` takes it. Needs no right to open content.
   * @throws TorikiError `seal-broken`, `object-not-found`.
   */
  async table(sort: ChunkSort, packId: string, sizeBytes: number): Promise<Buffer> {
    const path = packPath(this.#sliceId, sort, packId)
    const read = (offset: number, length: number): Promise<Buffer> =>
      this.#store.get(path, { range: { offset, length }, bytesMax: OBJECT_BYTES_MAX })
    if (sizeBytes < packHeaderBytes(sort) + TRAILER_BYTES) throw brokenPack(path)
    const trailer = await read(sizeBytes - TRAILER_BYTES, TRAILER_BYTES)
    const begin = tableBegin(path, trailer, sizeBytes)
    const place = { sliceId: this.#sliceId, sort, packId }
    return openPackTable(this.#keys, place, await read(begin, sizeBytes - TRAILER_BYTES - begin))
  }

  /** As `verifyPack`: gives the table of a pack that is whole. */
  verify(sort: ChunkSort, packId: string, bytes: Buffer): Buffer {
    return verifyPack(this.#keys, { sliceId: this.#sliceId, sort, packId }, bytes)
  }

  /** A block as it lies in the store. @throws what the store throws. */
  async sealed(pack: PackDescription, { offset, sealedBytes }: BlockDescription): Promise<Buffer> {
    const path = packPath(this.#sliceId, pack.sort, pack.packId)
    return await this.#store.get(path, { range: { offset, length: sealedBytes }, bytesMax: sealedBytes })
  }

  async #read(
    pack: PackDescription,
    block: BlockDescription,
    behind: ((most: number) => readonly BlockDescription[]) | undefined,
  ): Promise<Buffer> {
    const { number, offset, sealedBytes, plainBytes } = block
    const opener = this.#opener(pack)
    const path = packPath(this.#sliceId, pack.sort, pack.packId)
    const get = (from: number, length: number): Promise<Buffer> =>
      this.#store.get(path, { range: { offset: from, length }, bytesMax: length })
    const wasAsked = (one: number): boolean => this.#blocks.has(`${pack.packId}/${one}`)
    const sealed =
      behind === undefined
        ? await get(offset, sealedBytes)
        : // One that came with others and did not arrive is asked for by itself.
          ((await this.#ahead.take(pack.packId, number)?.catch(() => undefined)) ??
          (await this.#ahead.read(pack.packId, block, { behind, wasAsked, get })))
    return openBlock(opener, number, sealed, plainBytes)
  }

  #opener(pack: PackDescription): Opener {
    const opener = this.#openers.get(pack.packId) ?? openPack(this.#keys, this.#sliceId, pack)
    this.#openers.delete(pack.packId)
    this.#openers.set(pack.packId, opener)
    for (const oldest of this.#openers.keys()) {
      if (this.#openers.size <= OPENERS_MAX) break
      this.#openers.delete(oldest)
    }
    return opener
  }
}
