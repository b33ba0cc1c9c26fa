/**
 * Where the chunks of one component go while it is captured: nowhere when an earlier snapshot object holds them, into this snapshot while the component
 * is small, else into packs. Only the last of these reads the index.
 */
import { TorikiError } from '../errors.ts'
import { CHUNK_ID_BYTES } from './format.ts'
import { chunkId } from './keys.ts'
import type { ChunkId, ChunkSink, ChunkSort } from './chunk-store.ts'
import type { PipelinedContent } from './pipelined-content.ts'
import type { SliceContext } from './slice-context.ts'
import type { InlineChunk, InlineChunks } from './snapshot-document.ts'
import type { StagedChunk } from './snapshot-object.ts'

/** A component whose tree is longer goes to packs as a whole. Part of the format. */
const INLINE_TREE_BYTES_MAX = 32 * 1024
/** Content beyond this goes to packs, the tree may stay. Writer's choice. */
const INLINE_CONTENT_BYTES_MAX = 64 * 1024

export class ComponentChunks implements Pick<ChunkSink, 'put'> {
  readonly #context: SliceContext
  readonly #reusable: InlineChunks
  readonly #openPacks: () => Promise<ChunkSink>
  readonly #used = new Map<string, InlineChunk>()
  readonly #staged = new Map<string, StagedChunk>()
  readonly #packs = new Set<string>()
  readonly #bytes = { tree: 0, content: 0 }
  readonly #contentBytesMax: number
  #sink: ChunkSink | undefined
  #staging = true

  /** `reusable`: chunks in snapshot objects that are there and not condemned. `contentBytesMax`: content beyond it is named and not stored. */
  constructor(
    context: SliceContext,
    reusable: InlineChunks,
    openPacks: () => Promise<ChunkSink>,
    contentBytesMax = Number.POSITIVE_INFINITY,
  ) {
    this.#contentBytesMax = contentBytesMax
    this.#context = context
    this.#reusable = reusable
    this.#openPacks = openPacks
  }

  /** The chunks named in earlier snapshot objects. */
  get used(): InlineChunks {
    return this.#used
  }

  /** The chunks that this capture's snapshot shall hold. */
  get staged(): ReadonlyMap<string, StagedChunk> {
    return this.#staged
  }

  /** Packs with chunks that were there already: the second look at what is condemned asks for them. */
  get reusedPacks(): ReadonlySet<string> {
    return this.#packs
  }

  async put(sort: ChunkSort, bytes: Uint8Array): Promise<ChunkId> {
    const id = chunkId(this.#context.keys.chunkIdKey, bytes)
    const hex = id.toString('hex')
    const inline = this.#reusable.get(hex)
    const held = inline?.sort === sort || this.#staged.get(hex)?.sort === sort
    if (!this.#used.has(hex) && !this.#staged.has(hex)) this.#bytes[sort] += bytes.length
    if (inline?.sort === sort) this.#used.set(hex, inline)
    if (this.#staging && this.#bytes.tree > INLINE_TREE_BYTES_MAX) await this.spill()
    if (held) return id
    const room = sort === 'tree' || this.#bytes.content <= INLINE_CONTENT_BYTES_MAX
    if (this.#staging && room && !this.#staged.has(hex)) this.#staged.set(hex, { sort, bytes: Buffer.from(bytes) })
    else await this.#pack(sort, id, bytes)
    return id
  }

  /** Names the chunks of a content that other threads have stored in packs; or named only, where not all content is stored. After `open`. */
  takeOver(content: PipelinedContent): void {
    if (this.#contentBytesMax !== Number.POSITIVE_INFINITY) return
    content.each((ids, idAt, lengthBytes, wasKnown) => {
      if (wasKnown) this.reuse('content', ids.subarray(idAt, idAt + CHUNK_ID_BYTES))
      else this.#bytes.content += lengthBytes
    })
  }

  /** May this node of an earlier tree be named as it is, without its bytes? While a tree may still go into the snapshot only what stands in one. */
  canName({ id }: { readonly id: ChunkId }): boolean {
    if (this.#inline('tree', id) !== undefined) return true
    return !this.#staging && this.#sink?.packOf(id, 'tree') !== undefined
  }

  /** Names it: after `canName`. */
  name({ id, byteLength }: { readonly id: ChunkId; readonly byteLength: number }): Promise<void> | undefined {
    const inline = this.#inline('tree', id)
    if (inline === undefined) {
      if (this.#sink !== undefined) this.#notePack(this.#sink, id)
      return undefined
    }
    const hex = id.toString('hex')
    if (!this.#used.has(hex)) this.#bytes.tree += byteLength
    this.#used.set(hex, inline)
    return this.#staging && this.#bytes.tree > INLINE_TREE_BYTES_MAX ? this.spill() : undefined
  }

  /** Can `holds` be asked about packs at once? */
  get isOpen(): boolean {
    return this.#sink !== undefined
  }

  async open(): Promise<void> {
    this.#sink = await this.#openPacks()
  }

  /** Is the chunk there, and not condemned? Chunks in packs are known after `open` only. */
  holds(sort: ChunkSort, id: ChunkId): boolean {
    return this.#inline(sort, id) !== undefined || this.#sink?.has(id) === true
  }

  /** Names a chunk that `holds` said is there. */
  reuse(sort: ChunkSort, id: ChunkId): void {
    const inline = this.#inline(sort, id)
    if (inline !== undefined) this.#used.set(id.toString('hex'), inline)
    else if (this.#sink !== undefined) this.#notePack(this.#sink, id)
  }

  #inline(sort: ChunkSort, id: ChunkId): InlineChunk | undefined {
    // Asked for every chunk of a home that did not change, and mostly there is none.
    if (this.#reusable.size === 0) return undefined
    const inline = this.#reusable.get(id.toString('hex'))
    return inline?.sort === sort ? inline : undefined
  }

  /** Names what an earlier part of this capture names in snapshot objects, unread. */
  hold(inline: InlineChunks): void {
    for (const [hex, chunk] of inline) this.#used.set(hex, chunk)
  }

  /** Both at once, of a content chunk whose id stands in a longer row. False: it is not there, and nothing is named. After `open`. */
  reuseAt(row: Buffer, idAt: number): boolean {
    const pack = this.#reusable.size === 0 ? this.#sink?.packOfAt(row, idAt) : undefined
    if (pack !== undefined) {
      this.#packs.add(pack)
      return true
    }
    const id = row.subarray(idAt, idAt + CHUNK_ID_BYTES)
    if (!this.holds('content', id)) return false
    this.reuse('content', id)
    return true
  }

  /** Names a chunk that an earlier part of this capture stored. @throws TorikiError `capture-stale` when it is there no more. */
  async keep(sort: ChunkSort, id: ChunkId): Promise<void> {
    const hex = id.toString('hex')
    const inline = this.#reusable.get(hex)
    if (inline?.sort === sort) {
      this.#used.set(hex, inline)
      return
    }
    const packs = await this.#openPacks()
    if (!packs.has(id)) throw new TorikiError('capture-stale')
    this.#notePack(packs, id)
  }

  /** Moves everything staged into packs, where all that follows goes too. */
  async spill(): Promise<void> {
    this.#staging = false
    const staged = [...this.#staged]
    this.#staged.clear()
    for (const [hex, { sort, bytes }] of staged) await this.#pack(sort, Buffer.from(hex, 'hex'), bytes)
  }

  async #pack(sort: ChunkSort, id: ChunkId, bytes: Uint8Array): Promise<void> {
    const packs = (this.#sink = await this.#openPacks())
    if (packs.has(id)) this.#notePack(packs, id)
    else if (sort === 'content' && this.#bytes.content > this.#contentBytesMax) return
    // Asked in any case: a chunk that only packs of the other sort hold is stored again.
    await packs.put(sort, bytes)
  }

  #notePack(packs: ChunkSink, id: ChunkId): void {
    const pack = packs.packOf(id)
    if (pack !== undefined) this.#packs.add(pack)
  }
}
