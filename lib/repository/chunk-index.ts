/**
 * Where every chunk of a slice lies, in memory: an open-addressing table over pages of ids and numbers, about 60 bytes per chunk and no object. A chunk may
 * lie in several packs; one that is condemned, or named only by superseded index objects, counts as absent.
 */
import assert from 'node:assert/strict'
import { CHUNK_ID_BYTES } from './format.ts'
import { readPackTable, readPackTableHead } from './pack-table.ts'
import type { ChunkId, ChunkSort } from './chunk-store.ts'
import type { BlockDescription, PackDescription } from './pack-table.ts'

/** Small: most slices have a few dozen chunks, and ten thousand of them pass through one process. */
const PAGE_ENTRIES = 256
/** block, offset in it, length */
const ENTRY_NUMBERS = 3
/** pack, number, offset, sealed length, plain length */
const BLOCK_NUMBERS = 5
const SLOTS_FIRST = 1024

export interface ChunkPlace {
  readonly pack: PackDescription
  readonly block: BlockDescription
  /** Numbers the block among those of the index. */
  readonly blockEntry: number
  /** In the block's plaintext. */
  readonly offset: number
  readonly length: number
}

interface KnownPack extends PackDescription {
  /** Names of the index objects that have its table; `undefined` stands for the writer itself. */
  readonly sources: Set<string | undefined>
  /** Named by an index object that counts. */
  indexed: boolean
  /** And not condemned. */
  live: boolean
}

export class ChunkIndex {
  readonly #packs: KnownPack[] = []
  readonly #packNumbers = new Map<string, number>()
  readonly #condemned = new Set<string>()
  readonly #superseded = new Set<string>()
  readonly #ids: Buffer[] = []
  readonly #entries: Uint32Array[] = []
  readonly #blocks: Uint32Array[] = []
  #entryCount = 0
  #blockCount = 0
  /** Entry + 1, or 0. The ids are keyed hashes: nobody without the key can make them collide. */
  #slots = new Uint32Array(SLOTS_FIRST)

  /** Entries, those of absent packs included. */
  get size(): number {
    return this.#entryCount
  }

  /**
   * Adds what a pack holds, once: packs never change. `source` names the index object it stands in.
   * @throws TorikiError `seal-broken`: the index is of no more use then.
   */
  add(table: Buffer, source?: string): void {
    const description = readPackTableHead(table)
    const known = this.#packNumbers.get(description.packId)
    if (known !== undefined) {
      const pack = this.#packs[known] as KnownPack
      pack.sources.add(source)
      this.#judge(pack)
      return
    }
    const pack: KnownPack = { ...description, sources: new Set([source]), indexed: true, live: true }
    this.#judge(pack)
    const number = this.#packs.push(pack) - 1
    this.#packNumbers.set(pack.packId, number)
    // As many as there are room for: entered once, not again at each doubling.
    const most = (this.#entryCount + Math.floor(table.length / (CHUNK_ID_BYTES + 4))) * 2
    if (most > this.#slots.length) this.#grow(most)
    readPackTable(table, {
      block: (block) => this.#addBlock(number, block),
      chunk: (from, idAt, offset, length) => this.#addChunk(from, idAt, offset, length),
    })
  }

  /** From now on these packs count as absent, known already or not. */
  condemn(packIds: Iterable<string>): void {
    for (const packId of packIds) {
      this.#condemned.add(packId)
      const number = this.#packNumbers.get(packId)
      if (number !== undefined) this.#judge(this.#packs[number] as KnownPack)
    }
  }

  /** From now on these index objects do not count. */
  supersede(sources: readonly string[]): void {
    if (sources.length === 0) return
    for (const source of sources) this.#superseded.add(source)
    for (const pack of this.#packs) this.#judge(pack)
  }

  /** Name of a pack that has the chunk whose id stands at `idAt` of a longer row; `sort`: one of that sort alone. */
  packOf(id: Buffer, sort?: ChunkSort, idAt = 0): string | undefined {
    for (let slot = this.#slotOf(id, idAt); this.#slots[slot] !== 0; slot = (slot + 1) & (this.#slots.length - 1)) {
      const entry = (this.#slots[slot] as number) - 1
      if (!this.#matches(entry, id, idAt)) continue
      const pack = this.#packs[this.#packOf(entry)] as KnownPack
      if (pack.live && (sort === undefined || pack.sort === sort)) return pack.packId
    }
    return undefined
  }

  /** The chunk in a pack of that sort, else in one of the other (the bytes are the same), else `undefined`. None of the packs in `without`. */
  find(id: ChunkId, sort?: ChunkSort, without?: ReadonlySet<string>): ChunkPlace | undefined {
    assert(id.length === CHUNK_ID_BYTES, 'a chunk id has its length')
    let other: number | undefined
    for (let slot = this.#slotOf(id, 0); this.#slots[slot] !== 0; slot = (slot + 1) & (this.#slots.length - 1)) {
      const entry = (this.#slots[slot] as number) - 1
      if (!this.#matches(entry, id)) continue
      const pack = this.#packs[this.#packOf(entry)] as KnownPack
      if (!pack.live || without?.has(pack.packId) === true) continue
      if (sort === undefined || pack.sort === sort) return this.#place(entry)
      other ??= entry
    }
    return other === undefined ? undefined : this.#place(other)
  }

  /** Told the id of every content chunk in packs that count, some more than once. The bytes are good during the call. */
  eachContent(take: (id: ChunkId) => void): void {
    for (let entry = 0; entry < this.#entryCount; entry++) {
      const pack = this.#packs[this.#packOf(entry)] as KnownPack
      if (!pack.live || pack.sort !== 'content') continue
      const at = (entry % PAGE_ENTRIES) * CHUNK_ID_BYTES
      take((this.#ids[Math.floor(entry / PAGE_ENTRIES)] as Buffer).subarray(at, at + CHUNK_ID_BYTES))
    }
  }

  /**
   * Of all places of a chunk the one in the pack that `rank` puts highest, condemned or not, of that sort where there is one. `entry` numbers it among the places of
   * this index, from 0.
   */
  best(
    id: ChunkId,
    sort: ChunkSort,
    rank: (packId: string) => number,
  ): { readonly entry: number; readonly packId: string; readonly lengthBytes: number } | undefined {
    const best = this.bestEntry(id, sort, rank)
    if (best === undefined) return undefined
    return { entry: best, packId: this.packIdAt(best), lengthBytes: this.#entryNumber(best, 2) }
  }

  /** Its number alone. */
  bestEntry(id: ChunkId, sort: ChunkSort, rank: (packId: string) => number): number | undefined {
    let best: { readonly entry: number; readonly pack: KnownPack } | undefined
    for (let slot = this.#slotOf(id, 0); this.#slots[slot] !== 0; slot = (slot + 1) & (this.#slots.length - 1)) {
      const entry = (this.#slots[slot] as number) - 1
      if (!this.#matches(entry, id)) continue
      const pack = this.#packs[this.#packOf(entry)] as KnownPack
      if (pack.indexed && (best === undefined || isBetter(pack, best.pack, sort, rank))) best = { entry, pack }
    }
    return best?.entry
  }

  /** Every place, in packs whose index objects count, by its number: in the order of packs, and in each as chunks stand in it. */
  *places(): Generator<{ readonly entry: number; readonly packId: string; readonly lengthBytes: number }> {
    for (let entry = 0; entry < this.#entryCount; entry++) {
      const { packId, indexed } = this.#packs[this.#packOf(entry)] as KnownPack
      if (indexed) yield { entry, packId, lengthBytes: this.#entryNumber(entry, 2) }
    }
  }

  /** Packs that index objects which count have tables of, condemned ones too. */
  packIds(): readonly string[] {
    return this.#packs.filter(({ indexed }) => indexed).map(({ packId }) => packId)
  }

  /** The id of the chunk at a place. */
  idAt(entry: number): ChunkId {
    assert(entry < this.#entryCount, 'a place of this index')
    const at = (entry % PAGE_ENTRIES) * CHUNK_ID_BYTES
    return Buffer.from((this.#ids[Math.floor(entry / PAGE_ENTRIES)] as Buffer).subarray(at, at + CHUNK_ID_BYTES))
  }

  /** The pack of a place. */
  packIdAt(entry: number): string {
    assert(entry < this.#entryCount, 'a place of this index')
    return (this.#packs[this.#packOf(entry)] as KnownPack).packId
  }

  /** The place that `best` numbered. */
  at(entry: number): ChunkPlace {
    assert(entry < this.#entryCount, 'a place of this index')
    return this.#place(entry)
  }

  /** The blocks that follow one in its pack, so many at most. */
  blocksBehind(blockEntry: number, most: number): readonly BlockDescription[] {
    const behind: BlockDescription[] = []
    const pack = this.#blockNumber(blockEntry, 0)
    for (let entry = blockEntry + 1; entry < this.#blockCount && behind.length < most; entry++) {
      if (this.#blockNumber(entry, 0) !== pack) break
      behind.push(this.#block(entry))
    }
    return behind
  }

  #judge(pack: KnownPack): void {
    let counts = false
    for (const source of pack.sources) counts ||= source === undefined || !this.#superseded.has(source)
    pack.indexed = counts
    pack.live = counts && !this.#condemned.has(pack.packId)
  }

  #addBlock(pack: number, { number, offset, sealedBytes, plainBytes }: BlockDescription): void {
    const at = this.#blockCount % PAGE_ENTRIES
    if (at === 0) this.#blocks.push(new Uint32Array(PAGE_ENTRIES * BLOCK_NUMBERS))
    const page = this.#blocks.at(-1) as Uint32Array
    const first = at * BLOCK_NUMBERS
    page[first] = pack
    page[first + 1] = number
    page[first + 2] = offset
    page[first + 3] = sealedBytes
    page[first + 4] = plainBytes
    this.#blockCount++
  }

  #addChunk(from: Buffer, idAt: number, offset: number, length: number): void {
    const at = this.#entryCount % PAGE_ENTRIES
    if (at === 0) {
      this.#ids.push(Buffer.allocUnsafeSlow(PAGE_ENTRIES * CHUNK_ID_BYTES))
      this.#entries.push(new Uint32Array(PAGE_ENTRIES * ENTRY_NUMBERS))
    }
    from.copy(this.#ids.at(-1) as Buffer, at * CHUNK_ID_BYTES, idAt, idAt + CHUNK_ID_BYTES)
    // One by one: a list made for each chunk, and handed over, took longer than all the rest.
    const page = this.#entries.at(-1) as Uint32Array
    const first = at * ENTRY_NUMBERS
    page[first] = this.#blockCount - 1
    page[first + 1] = offset
    page[first + 2] = length
    if ((this.#entryCount + 1) * 2 > this.#slots.length) this.#grow((this.#entryCount + 1) * 2)
    this.#entryCount++
    this.#enter(this.#entryCount - 1)
  }

  #enter(entry: number): void {
    const page = this.#ids[Math.floor(entry / PAGE_ENTRIES)] as Buffer
    let slot = this.#slotOf(page, (entry % PAGE_ENTRIES) * CHUNK_ID_BYTES)
    while (this.#slots[slot] !== 0) slot = (slot + 1) & (this.#slots.length - 1)
    this.#slots[slot] = entry + 1
  }

  #grow(needed: number): void {
    let length = this.#slots.length
    while (length < needed) length *= 2
    this.#slots = new Uint32Array(length)
    for (let entry = 0; entry < this.#entryCount; entry++) this.#enter(entry)
  }

  #slotOf(bytes: Buffer, idAt: number): number {
    return bytes.readUInt32LE(idAt) & (this.#slots.length - 1)
  }

  #matches(entry: number, id: Buffer, idAt = 0): boolean {
    const page = this.#ids[Math.floor(entry / PAGE_ENTRIES)] as Buffer
    const at = (entry % PAGE_ENTRIES) * CHUNK_ID_BYTES
    // A loop of our own: calling out of V8 takes longer than this.
    for (let byte = 0; byte < CHUNK_ID_BYTES; byte++) if (page[at + byte] !== id[idAt + byte]) return false
    return true
  }

  #packOf(entry: number): number {
    return this.#blockNumber(this.#entryNumber(entry, 0), 0)
  }

  #place(entry: number): ChunkPlace {
    const block = this.#entryNumber(entry, 0)
    return {
      pack: this.#packs[this.#blockNumber(block, 0)] as KnownPack,
      block: this.#block(block),
      blockEntry: block,
      offset: this.#entryNumber(entry, 1),
      length: this.#entryNumber(entry, 2),
    }
  }

  #block(entry: number): BlockDescription {
    return {
      number: this.#blockNumber(entry, 1),
      offset: this.#blockNumber(entry, 2),
      sealedBytes: this.#blockNumber(entry, 3),
      plainBytes: this.#blockNumber(entry, 4),
    }
  }

  #entryNumber(entry: number, at: number): number {
    const page = this.#entries[Math.floor(entry / PAGE_ENTRIES)] as Uint32Array
    return page[(entry % PAGE_ENTRIES) * ENTRY_NUMBERS + at] as number
  }

  #blockNumber(block: number, at: number): number {
    const page = this.#blocks[Math.floor(block / PAGE_ENTRIES)] as Uint32Array
    return page[(block % PAGE_ENTRIES) * BLOCK_NUMBERS + at] as number
  }
}

function isBetter(one: KnownPack, best: KnownPack, sort: ChunkSort, rank: (packId: string) => number): boolean {
  if ((one.sort === sort) !== (best.sort === sort)) return one.sort === sort
  const [oneRank, bestRank] = [rank(one.packId), rank(best.packId)]
  // Equal ranks are told apart by name: two that look side by side must take the same.
  return oneRank > bestRank || (oneRank === bestRank && one.packId > best.packId)
}
