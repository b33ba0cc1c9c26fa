/**
 * The lower half of one slice's repository: chunks in, packs and index objects out; chunks back by id. Stores nothing twice, creates and never deletes.
 *
 * The index is read when it is first needed (`put`, `get`, `load`), so that an unchanged slice whose tree is inlined never lists it. `has`, `packOf`
 * and `find` are synchronous: await `load()` once before. Not for writing by two at once; reading side by side is fine. After an error of `put` or `flush`
 * nothing more can be flushed: drop the store and begin anew, what was written is garbage for prune.
 */
import assert from 'node:assert/strict'
import { isTorikiError, TorikiError } from '../errors.ts'
import { OBJECT_BYTES_MAX } from '../limits.ts'
import { listAll } from '../platform/object-store/port.ts'
import type { ObjectInfo, ObjectStore } from '../platform/object-store/port.ts'
import type { Random } from '../platform/random.ts'
import { ChunkIndex } from './chunk-index.ts'
import type { ChunkPlace } from './chunk-index.ts'
import { CHUNK_ID_BYTES, INDEX_BYTES } from './format.ts'
import { openIndex, sealIndex } from './index-object.ts'
import { chunkId } from './keys.ts'
import { indexPrefix } from './object-paths.ts'
import { giveBack } from './give-back.ts'
import { PackReader } from './pack-reader.ts'
import { PackWriter } from './pack-writer.ts'
import type { ChunkId, ChunkSink, ChunkSort, ChunkSource, SliceKeys } from './chunk-store.ts'
import type { ChunkTable } from './chunk-table.ts'
import type { FinishedPack } from './pack-writer.ts'
import type { BlockDescription, PackDescription } from './pack-table.ts'

/** Index objects are read side by side while they are small together. */
const GATHER_BYTES = 8 * 1024 * 1024
const GATHER_OBJECTS = 16
/** Prune may replace index objects while we read: then the listing is taken again. */
const LOAD_TRIES_MAX = 5
/** So many packs of 16 MiB may stand in index objects of their own before one for all of them is written. */
const INTERIM_MAX = 4096

export class PackStore implements ChunkSink, ChunkSource {
  readonly #store: ObjectStore
  readonly #sliceId: string
  readonly #keys: SliceKeys
  readonly #random: Random
  readonly #reader: PackReader
  readonly #beforeFullPack: () => Promise<void>
  readonly #condemned = new Set<string>()
  #index: ChunkIndex | undefined
  #loading: Promise<ChunkIndex> | undefined
  /** At most one open pack of each sort, with the ids it has (as latin1 text). */
  readonly #open = new Map<ChunkSort, { readonly writer: PackWriter; readonly ids: Set<string> }>()
  /** Packs on their way while the next ones fill. Each rejects when it fails, and `#lost` keeps the first error for good. */
  readonly #uploads = new Set<Promise<void>>()
  #lost: { readonly error: unknown } | undefined
  /** `beforeFullPack` is asked by one after the other. */
  #asked: Promise<void> = Promise.resolve()
  #tables: Buffer[] = []
  #tableBytes = 0
  readonly #packs: { readonly sort: ChunkSort; readonly packId: string }[] = []
  readonly #indexNames: string[] = []
  /** Index objects of one full pack each, which the next one for all replaces. */
  #interim: string[] = []
  #storedBytes = 0
  #storedObjects = 0

  constructor(options: {
    readonly store: ObjectStore
    readonly sliceId: string
    readonly keys: SliceKeys
    readonly random: Random
    /** Awaited before each full pack is sent; what it throws ends the store as an error of `put` does. */
    readonly beforeFullPack?: (() => Promise<void>) | undefined
  }) {
    this.#beforeFullPack = options.beforeFullPack ?? (() => Promise.resolve())
    this.#store = options.store
    this.#sliceId = options.sliceId
    this.#keys = options.keys
    this.#random = options.random
    this.#reader = new PackReader(options)
  }

  /** Every pack that is in the store by now, in the order of writing. */
  get packs(): readonly { readonly sort: ChunkSort; readonly packId: string }[] {
    return this.#packs
  }

  /** Every index object written that counts: more than `flush` named when a capture was very large. */
  get indexNames(): readonly string[] {
    return this.#indexNames
  }

  get stored(): { readonly bytes: number; readonly objects: number } {
    return { bytes: this.#storedBytes, objects: this.#storedObjects }
  }

  /**
   * Reads all index objects of the slice, unless that was done. @throws TorikiError `seal-broken`, `format-newer`, and what the store throws; may be
   * tried again.
   */
  async load(): Promise<void> {
    await this.#loaded()
  }

  /** The index, read when it was not yet: for prune and check, which ask it about all places of a chunk. @throws as `load`. */
  async index(): Promise<ChunkIndex> {
    return await this.#loaded()
  }

  /** Chunks in these packs count as absent from now on. Look before `load`, and again before the commit. */
  condemn(packIds: Iterable<string>): void {
    for (const packId of packIds) this.#condemned.add(packId)
    this.#index?.condemn(this.#condemned)
  }

  idOf(bytes: Uint8Array): ChunkId {
    return chunkId(this.#keys.chunkIdKey, bytes)
  }

  has(id: ChunkId): boolean {
    return this.packOf(id) !== undefined
  }

  packOf(id: ChunkId, sort?: ChunkSort): string | undefined {
    assert(this.#index !== undefined, 'await load() before asking what is stored')
    if (this.#open.size > 0) {
      const text = id.toString('latin1')
      for (const { writer, ids } of this.#open.values())
        if ((sort === undefined || writer.sort === sort) && ids.has(text)) return writer.packId
    }
    return this.#index.packOf(id, sort)
  }

  packOfAt(row: Buffer, idAt: number): string | undefined {
    if (this.#open.size > 0) return this.packOf(row.subarray(idAt, idAt + CHUNK_ID_BYTES))
    assert(this.#index !== undefined, 'await load() before asking what is stored')
    return this.#index.packOf(row, undefined, idAt)
  }

  /** A chunk known in packs of the other sort only is stored again: who may read the one may be barred from the other. */
  async put(sort: ChunkSort, bytes: Uint8Array): Promise<ChunkId> {
    const index = this.#index ?? (await this.#loaded())
    const id = this.idOf(bytes)
    const text = id.toString('latin1')
    let open = this.#open.get(sort)
    if (open?.ids.has(text) === true || index.find(id, sort)?.pack.sort === sort) return id
    if (open === undefined) {
      const writer = new PackWriter({ sliceId: this.#sliceId, sort, keys: this.#keys, random: this.#random })
      open = { writer, ids: new Set() }
      this.#open.set(sort, open)
    }
    open.writer.add(id, bytes)
    open.ids.add(text)
    if (open.writer.full) await this.#close(open.writer, { interim: true })
    return id
  }

  /** Content chunks known by now, at most. After `load`. */
  get contentChunks(): number {
    assert(this.#index !== undefined, 'await load() before asking what is stored')
    return this.#index.size + (this.#open.get('content')?.ids.size ?? 0)
  }

  /** Enters every content chunk that is known by now. After `load`. */
  claimContents(table: ChunkTable): void {
    assert(this.#index !== undefined, 'await load() before asking what is stored')
    this.#index.eachContent((id) => table.claim(id))
    for (const id of this.#open.get('content')?.ids ?? []) table.claim(Buffer.from(id, 'latin1'))
  }

  /** Stores a pack that another thread filled; `interim` as for those filled here. Resolves when it is there. After `load`. */
  async accept(pack: FinishedPack, options: { readonly interim: boolean }): Promise<void> {
    await this.#send(pack, options)
    await this.#indexWhenDue()
  }

  async flush(): Promise<string | undefined> {
    for (const { writer } of [...this.#open.values()]) await this.#close(writer)
    await this.#sent()
    return this.#tables.length === 0 ? undefined : await this.#writeIndex()
  }

  /** The bytes are shared with other readers of the same block: not to be changed. */
  async get(sort: ChunkSort, id: ChunkId): Promise<Buffer> {
    const index = await this.#loaded()
    const text = id.toString('latin1')
    for (const { writer, ids } of [...this.#open.values()]) if (ids.has(text)) await this.#close(writer)
    await this.#sent()
    let last: TorikiError | undefined
    const damaged = new Set<string>()
    // A chunk may lie in several packs: one that prune took since the index was read is passed over, and a place that is damaged.
    for (;;) {
      const place = index.find(id, sort, damaged)
      if (place === undefined)
        throw last ?? new TorikiError('object-not-found', { message: 'A chunk is in no pack of the index.' })
      try {
        return await this.#read(index, place, id)
      } catch (error) {
        if (isTorikiError(error, 'object-not-found')) index.condemn([place.pack.packId])
        else if (!isTorikiError(error, 'seal-broken') && !isTorikiError(error, 'format-newer')) throw error
        last = error
        damaged.add(place.pack.packId)
      }
    }
  }

  ready(sort: ChunkSort, id: ChunkId): Buffer | undefined {
    if (this.#open.size > 0 || this.#uploads.size > 0) return undefined
    const place = this.#index?.find(id, sort)
    const block = place && this.#reader.ready(place.pack, place.block)
    const bytes = block?.subarray(place?.offset, (place?.offset ?? 0) + (place?.length ?? 0))
    return bytes !== undefined && this.idOf(bytes).equals(id) ? bytes : undefined
  }

  /** Where a chunk lies, as far as the index was read by now. */
  place(sort: ChunkSort, id: ChunkId): ChunkPlace | undefined {
    return this.#open.size > 0 || this.#uploads.size > 0 ? undefined : this.#index?.find(id, sort)
  }

  /** A block as it lies in the store, unproven. @throws what the store throws. */
  async sealed(pack: PackDescription, block: BlockDescription): Promise<Buffer> {
    return await this.#reader.sealed(pack, block)
  }

  async #read(
    index: ChunkIndex,
    { pack, block, blockEntry, offset, length }: ChunkPlace,
    id: ChunkId,
  ): Promise<Buffer> {
    // Trees are walked in the order in which they were written; blocks of content are large by themselves.
    const behind = pack.sort === 'tree' ? (most: number) => index.blocksBehind(blockEntry, most) : undefined
    const bytes = (await this.#reader.block(pack, block, behind)).subarray(offset, offset + length)
    // The index may be another writer's: only the id proves that these are the bytes that the tree means.
    if (!this.idOf(bytes).equals(id)) throw new TorikiError('seal-broken', { ids: { pack: pack.packId } })
    return bytes
  }

  async #close(writer: PackWriter, { interim } = { interim: false }): Promise<void> {
    this.#open.delete(writer.sort)
    await this.#loaded()
    void this.#send(writer.finish(), { interim })
    // The next one fills meanwhile; with more on their way memory would grow.
    while (this.#uploads.size > 1) await Promise.race(this.#uploads)
    this.#throwLost()
    await this.#indexWhenDue()
  }

  /** Before the tables take much memory, an index object for them goes out. */
  async #indexWhenDue(): Promise<void> {
    if (this.#tableBytes >= INDEX_BYTES || this.#interim.length >= INTERIM_MAX) await this.#writeIndex()
  }

  /**
   * `interim`: the pack is named by an index object of its own as soon as it is there. A function that dies has then uploaded no more than what was on its way of which nobody
   * knows: whoever goes on stores none of the others again.
   */
  #send({ sort, packId, path, body, table }: FinishedPack, { interim }: { readonly interim: boolean }): Promise<void> {
    assert(this.#index !== undefined, 'await load() before sending')
    this.#index.add(table)
    const upload = (async () => {
      this.#throwLost()
      if (interim) await (this.#asked = this.#asked.then(() => this.#beforeFullPack()))
      // Where the answer is that it is there already, some of it may still be on its way out.
      if ((await this.#create(path, body)) === 'created') giveBack(body)
      this.#packs.push({ sort, packId })
      if (interim) this.#interim.push(await this.#createIndex([], [table]))
      // Only now: an index object for all names none that is not there.
      this.#tables.push(table)
      this.#tableBytes += table.length
    })()
    const counted = upload.then(
      () => void this.#uploads.delete(counted),
      (error: unknown) => {
        this.#lost ??= { error }
        this.#uploads.delete(counted)
        throw error
      },
    )
    this.#uploads.add(counted)
    // Whoever comes next throws it; until then it must not count as unhandled.
    counted.catch(() => undefined)
    return counted
  }

  /** Everything that is on its way is there. @throws what lost a pack. */
  async #sent(): Promise<void> {
    await Promise.allSettled(this.#uploads)
    this.#throwLost()
  }

  #throwLost(): void {
    if (this.#lost !== undefined) throw this.#lost.error
  }

  async #writeIndex(): Promise<string> {
    const [tables, interim] = [this.#tables, this.#interim]
    // Others send meanwhile.
    ;[this.#tables, this.#interim, this.#tableBytes] = [[], [], 0]
    // A single full pack stands in an index object already.
    const [only] = tables.length === 1 ? interim : []
    const name = only ?? (await this.#createIndex(interim, tables))
    this.#indexNames.push(name)
    return name
  }

  async #createIndex(supersedes: readonly string[], tables: readonly Buffer[]): Promise<string> {
    const place = { sliceId: this.#sliceId, treeKey: this.#keys.treeKey, random: this.#random }
    const { name, path, bytes } = sealIndex(place, { supersedes, tables })
    await this.#create(path, bytes)
    return name
  }

  /** Under a name of 128 random bits: what is there already is this very object, and its first answer was lost. */
  async #create(path: string, body: Buffer): Promise<'created' | 'exists'> {
    let answer: 'created' | 'exists' = 'created'
    try {
      await this.#store.create(path, body)
    } catch (error) {
      if (!isTorikiError(error, 'object-exists')) throw error
      answer = 'exists'
    }
    this.#storedBytes += body.length
    this.#storedObjects++
    return answer
  }

  async #loaded(): Promise<ChunkIndex> {
    if (this.#index !== undefined) return this.#index
    this.#loading ??= this.#loadIndex()
    try {
      this.#index = await this.#loading
    } finally {
      this.#loading = undefined
    }
    return this.#index
  }

  async #loadIndex(): Promise<ChunkIndex> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#readIndex()
      } catch (error) {
        // Listed, and gone when it was read: another one supersedes it and stands in the next listing.
        if (!isTorikiError(error, 'object-not-found') || attempt === LOAD_TRIES_MAX) throw error
      }
    }
  }

  async #readIndex(): Promise<ChunkIndex> {
    const index = new ChunkIndex()
    const prefix = indexPrefix(this.#sliceId)
    const superseded = new Set<string>()
    let gathered: ObjectInfo[] = []
    let bytes = 0
    const read = async (): Promise<void> => {
      const objects = gathered
      gathered = []
      bytes = 0
      const bodies = await Promise.all(objects.map(({ key }) => this.#store.get(key, { bytesMax: OBJECT_BYTES_MAX })))
      objects.forEach(({ key }, at) => {
        const { supersedes, tables } = openIndex(this.#keys.treeKey, key, bodies[at] as Buffer)
        for (const table of tables) index.add(table, key.slice(prefix.length))
        index.supersede(supersedes)
        for (const name of supersedes) superseded.add(name)
      })
    }
    const listed: ObjectInfo[] = []
    for await (const object of listAll(this.#store, prefix)) listed.push(object)
    // What replaces others is longer than each of them: read first, it saves reading them, of which a large home has thousands.
    for (const object of listed.toSorted((a, b) => b.sizeBytes - a.sizeBytes)) {
      if (gathered.length === GATHER_OBJECTS || bytes + object.sizeBytes > GATHER_BYTES) await read()
      if (superseded.has(object.key.slice(prefix.length))) continue
      gathered.push(object)
      bytes += object.sizeBytes
    }
    await read()
    // Also what was condemned while the index was read.
    index.condemn(this.#condemned)
    return index
  }
}
