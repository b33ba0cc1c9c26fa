/** The packs and index objects of one slice as `check` sees them: what does not open is told and passed over. */
import { isTorikiError, TorikiError } from '../errors.ts'
import { OBJECT_BYTES_MAX } from '../limits.ts'
import { listAll } from '../platform/object-store/port.ts'
import { ChunkIndex } from './chunk-index.ts'
import { decodeBlock } from './compression.ts'
import { CHUNK_ID_BYTES } from './format.ts'
import { openIndex } from './index-object.ts'
import { chunkId } from './keys.ts'
import { indexPrefix, packPath } from './object-paths.ts'
import { listPacks } from './pack-listing.ts'
import { PackReader } from './pack-reader.ts'
import { openPack } from './pack-seal.ts'
import { readPackTable, readPackTableHead } from './pack-table.ts'
import type { ChunkId, ChunkSort, ChunkSource } from './chunk-store.ts'
import type { StoredPack } from './pack-listing.ts'
import type { BlockDescription } from './pack-table.ts'
import type { SliceContext } from './slice-context.ts'

export interface ReadData {
  readonly isMeant: (packId: string) => boolean
  readonly signal: AbortSignal
  /** A pack was read. */
  readonly onPack: (bytes: number) => void
  /** A pack does not open as a whole; these of its chunks are lost, as far as its table can be read. */
  readonly onBroken: (sort: ChunkSort, packId: string, lost: readonly ChunkId[]) => void
}

export class SlicePacks implements Pick<ChunkSource, 'get'> {
  /** Of all index objects that open. */
  readonly index: ChunkIndex
  /** Objects listed: packs and index objects. */
  readonly objects: number
  readonly #context: SliceContext
  readonly #packs: ReadonlyMap<string, StoredPack>
  readonly #indexNames: readonly string[]
  readonly #reader: PackReader

  /** `onBroken` is told of each index object that does not open. @throws what the store throws. */
  static async open(context: SliceContext, onBroken: () => void): Promise<SlicePacks> {
    const packs = await listPacks(context)
    const index = new ChunkIndex()
    const names: string[] = []
    for await (const { name, tables, supersedes } of indexObjects(context, onBroken)) {
      names.push(name)
      for (const table of tables) index.add(table, name)
      index.supersede(supersedes)
    }
    return new SlicePacks(context, packs, index, names)
  }

  private constructor(
    context: SliceContext,
    packs: ReadonlyMap<string, StoredPack>,
    index: ChunkIndex,
    indexNames: readonly string[],
  ) {
    this.index = index
    this.objects = packs.size + indexNames.length
    this.#indexNames = indexNames
    this.#context = context
    this.#packs = packs
    this.#reader = new PackReader({ store: context.platform.store, sliceId: context.sliceId, keys: context.keys })
  }

  /** Is a pack or an index object gone that was there at the beginning? */
  async wentSince(): Promise<boolean> {
    const { store } = this.#context.platform
    const { sliceId } = this.#context
    const prefix = indexPrefix(sliceId)
    const present = new Set((await listPacks(this.#context)).keys())
    for await (const { key } of listAll(store, prefix)) present.add(key.slice(prefix.length))
    return [...this.#packs.keys(), ...this.#indexNames].some((name) => !present.has(name))
  }

  /** Where a chunk would be read, numbered; `undefined` when no index object or no pack that is there has it. */
  placeOf(sort: ChunkSort, id: ChunkId): number | undefined {
    const place = this.index.best(id, sort, (packId) => (this.#packs.has(packId) ? 1 : 0))
    return place !== undefined && this.#packs.has(place.packId) ? place.entry : undefined
  }

  /** @throws TorikiError `object-not-found`, `seal-broken`. */
  async get(sort: ChunkSort, id: ChunkId): Promise<Buffer> {
    const entry = this.placeOf(sort, id)
    if (entry === undefined) throw new TorikiError('object-not-found', { message: 'A chunk is in no pack.' })
    const { pack, block, offset, length } = this.index.at(entry)
    const bytes = (await this.#reader.block(pack, block)).subarray(offset, offset + length)
    if (!this.#has(bytes, id, 0)) throw new TorikiError('seal-broken', { ids: { pack: pack.packId } })
    return bytes
  }

  /** Reads and opens whole packs, whatever names them, one while the next is on its way. @throws what the store throws, `content-locked`. */
  async readData({ isMeant, signal, onPack, onBroken }: ReadData): Promise<void> {
    const meant = [...this.#packs].filter(([packId]) => isMeant(packId))
    const read = async (at: number): Promise<Buffer | undefined> => {
      const next = meant[at]
      if (next === undefined) return undefined
      const [packId, { sort }] = next
      const path = packPath(this.#context.sliceId, sort, packId)
      try {
        return await this.#context.platform.store.get(path, { bytesMax: OBJECT_BYTES_MAX })
      } catch (error) {
        if (isTorikiError(error, 'object-not-found')) return Buffer.alloc(0)
        throw error
      }
    }
    let coming = read(0)
    for (const [at, [packId, { sort }]] of meant.entries()) {
      signal.throwIfAborted()
      const bytes = (await coming) ?? Buffer.alloc(0)
      coming = read(at + 1)
      // Whoever comes next awaits it; until then it must not count as unhandled.
      coming.catch(() => undefined)
      onPack(bytes.length)
      try {
        this.#reader.verify(sort, packId, bytes)
      } catch (error) {
        if (!isTorikiError(error, 'seal-broken') && !isTorikiError(error, 'format-newer')) throw error
        onBroken(sort, packId, await this.#lostOf(sort, packId, bytes))
      }
    }
  }

  /** Chunks of a broken pack that cannot be had from it, by the table that an index object has of it. */
  async #lostOf(sort: ChunkSort, packId: string, bytes: Buffer): Promise<readonly ChunkId[]> {
    for await (const { tables } of indexObjects(this.#context, () => undefined)) {
      const table = tables.find((one) => readPackTableHead(one).packId === packId)
      if (table === undefined) continue
      const pack = readPackTableHead(table)
      const opener = pack.sort === sort ? openPack(this.#context.keys, this.#context.sliceId, pack) : undefined
      const lost: ChunkId[] = []
      let plain: Buffer | undefined
      readPackTable(table, {
        block: (block) => {
          plain = opener && open(opener, block, bytes)
        },
        chunk: (from, idAt, offset, length) => {
          if (plain === undefined || !this.#has(plain.subarray(offset, offset + length), from, idAt))
            lost.push(Buffer.from(from.subarray(idAt, idAt + CHUNK_ID_BYTES)))
        },
      })
      return lost
    }
    return []
  }

  #has(bytes: Buffer, ids: Buffer, idAt: number): boolean {
    return chunkId(this.#context.keys.chunkIdKey, bytes).compare(ids, idAt, idAt + CHUNK_ID_BYTES) === 0
  }
}

interface IndexObject {
  readonly name: string
  readonly supersedes: readonly string[]
  readonly tables: readonly Buffer[]
}

/** Those that open whole. */
async function* indexObjects(context: SliceContext, onBroken: () => void): AsyncGenerator<IndexObject> {
  const { store } = context.platform
  const prefix = indexPrefix(context.sliceId)
  for await (const { key } of listAll(store, prefix)) {
    try {
      const content = openIndex(context.keys.treeKey, key, await store.get(key, { bytesMax: OBJECT_BYTES_MAX }))
      for (const table of content.tables) readPackTable(table, { block: () => undefined, chunk: () => undefined })
      yield { name: key.slice(prefix.length), ...content }
    } catch (error) {
      if (isTorikiError(error, 'object-not-found')) continue // prune took it since it was listed
      if (!isTorikiError(error, 'seal-broken') && !isTorikiError(error, 'format-newer')) throw error
      onBroken()
    }
  }
}

function open(
  opener: ReturnType<typeof openPack>,
  { number, offset, sealedBytes, plainBytes }: BlockDescription,
  bytes: Buffer,
): Buffer | undefined {
  try {
    return decodeBlock(opener.open(number, bytes.subarray(offset, offset + sealedBytes)), plainBytes)
  } catch (error) {
    if (isTorikiError(error, 'seal-broken')) return undefined
    throw error
  }
}
