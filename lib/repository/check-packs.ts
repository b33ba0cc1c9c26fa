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
import { packVerifier } from './pack-verifier.ts'
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
    const entry = this.index.bestEntry(id, sort, (packId) => (this.#packs.has(packId) ? 1 : 0))
    return entry !== undefined && this.#packs.has(this.index.packIdAt(entry)) ? entry : undefined
  }

  /** @throws TorikiError `object-not-found`, `seal-broken`. */
  async get(sort: ChunkSort, id: ChunkId): Promise<Buffer> {
    const entry = this.placeOf(sort, id)
    if (entry === undefined) throw new TorikiError('object-not-found', { message: 'A chunk is in no pack.' })
    const { pack, block, blockEntry, offset, length } = this.index.at(entry)
    const behind = sort === 'tree' ? (most: number) => this.index.blocksBehind(blockEntry, most) : undefined
    const bytes = (await this.#reader.block(pack, block, behind)).subarray(offset, offset + length)
    if (!this.#has(bytes, id, 0)) throw new TorikiError('seal-broken', { ids: { pack: pack.packId } })
    return bytes
  }

  /** Reads and opens whole packs, whatever names them, as many at once as there are threads. Told in order. @throws what the store throws, `content-locked`. */
  async readData({ isMeant, signal, onPack, onBroken }: ReadData): Promise<void> {
    const { platform, keys, sliceId } = this.#context
    const meant = [...this.#packs].filter(([packId]) => isMeant(packId))
    const verifier = packVerifier(
      platform.threads,
      keys,
      meant.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0),
    )
    const broken: number[] = []
    let next = 0
    const verifyNext = async (): Promise<void> => {
      for (let at = next++; at < meant.length; at = next++) {
        signal.throwIfAborted()
        const [packId, { sort }] = meant[at] as (typeof meant)[number]
        if (sort === 'content' && keys.contentPrivateKey === undefined) throw new TorikiError('content-locked')
        const bytes = await this.#wholeOf(sort, packId)
        onPack(bytes.length)
        if (!(await verifier.verify({ sliceId, sort, packId }, bytes))) broken.push(at)
      }
    }
    try {
      await allOrFirst(verifier.atOnce, verifyNext, () => void (next = meant.length))
    } finally {
      verifier.close()
    }
    for (const at of broken.sort((one, other) => one - other)) {
      const [packId, { sort }] = meant[at] as (typeof meant)[number]
      onBroken(sort, packId, await this.#lostOf(sort, packId, await this.#wholeOf(sort, packId)))
    }
  }

  /** Empty when it is gone. */
  async #wholeOf(sort: ChunkSort, packId: string): Promise<Buffer> {
    try {
      const path = packPath(this.#context.sliceId, sort, packId)
      return await this.#context.platform.store.get(path, { bytesMax: OBJECT_BYTES_MAX })
    } catch (error) {
      if (isTorikiError(error, 'object-not-found')) return Buffer.alloc(0)
      throw error
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

/** So many side by side. When one fails, `stop` is called, the others come to their end, and its error is thrown. */
async function allOrFirst(count: number, work: () => Promise<void>, stop: () => void): Promise<void> {
  const ended = await Promise.allSettled(
    Array.from({ length: count }, async () => {
      try {
        await work()
      } catch (error) {
        stop()
        throw error
      }
    }),
  )
  const failed = ended.find((one) => one.status === 'rejected')
  if (failed !== undefined) throw failed.reason
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
