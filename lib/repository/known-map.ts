/**
 * One component's newest stored map beside the source that is being read: tells what need not be read again, and gives it as it is stored. An entry counts as known only
 * when its hint is the very same and every chunk it names is there and not condemned. Whatever cannot be read of it is as if it had never been stored.
 */
import assert from 'node:assert/strict'
import { isTorikiError } from '../errors.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { KnownEntries } from '../resources/known-entries.ts'
import { contentsOfValue, eachInlineChunk } from './body.ts'
import { decodeExtent } from './content-codec.ts'
import { TreeCursor } from './tree-cursor.ts'
import { TreeReader } from './tree-reader.ts'
import type { ChunkSort, ChunkSource } from './chunk-store.ts'
import type { ComponentChunks } from './component-chunks.ts'
import type { ContentShape, Extent } from './content-codec.ts'
import type { TreeEntry } from './node-codec.ts'
import type { StoredLeaf } from './reusing-builder.ts'
import type { SliceContext } from './slice-context.ts'

/** So many taken ones are kept before the list is moved up. */
const TAKEN_MAX = 1024

export interface KnownValue {
  /** Of the entry, as it stands in the tree. */
  readonly value: Buffer
  /** Plaintext bytes of its content, holes not counted. */
  readonly contentBytes: number
  /** Where it stands, and where its hint does. */
  readonly leaf: StoredLeaf
  readonly at: number
  readonly hintLeaf: StoredLeaf
  readonly hintAt: number
}

export class KnownMap implements KnownEntries {
  readonly #context: SliceContext
  readonly #chunks: ComponentChunks
  readonly #nodes: Pick<ChunkSource, 'get'>
  readonly #entries: TreeCursor
  readonly #hints: TreeCursor
  #usable = true
  /** What was found and not taken yet, in order. */
  #found: (KnownValue & { readonly key: ResourceKey })[] = []
  #taken = 0

  /** `chunks`: where the capture names what it reuses. */
  constructor(options: {
    readonly context: SliceContext
    readonly chunks: ComponentChunks
    readonly root: string
    readonly hintsRoot: string
    readonly nodes: Pick<ChunkSource, 'get'>
    readonly hintNodes: Pick<ChunkSource, 'get'>
  }) {
    const { formats } = options.context
    this.#context = options.context
    this.#chunks = options.chunks
    this.#nodes = options.nodes
    this.#entries = new TreeCursor(formats.map, options.nodes, Buffer.from(options.root, 'hex'))
    this.#hints = new TreeCursor(formats.hints, options.hintNodes, Buffer.from(options.hintsRoot, 'hex'))
  }

  matches(key: ResourceKey, hint: Uint8Array): boolean | Promise<boolean> {
    if (!this.#usable) return false
    try {
      const known = this.#hints.find(key)
      const answer = known instanceof Promise ? this.#later(key, hint, known) : this.#judge(key, hint, known)
      return answer instanceof Promise ? answer.catch((error: unknown) => this.#giveUp(error)) : answer
    } catch (error) {
      return this.#giveUp(error)
    }
  }

  /** What `matches` found for this key; what it found is taken in the order it was asked for. */
  take(key: ResourceKey): KnownValue {
    const found = this.#found[this.#taken++]
    assert(found?.key.equals(key) === true, 'unchanged is what was known')
    if (this.#taken === this.#found.length || this.#taken >= TAKEN_MAX) {
      this.#found.splice(0, this.#taken)
      this.#taken = 0
    }
    return found
  }

  async #later(key: ResourceKey, hint: Uint8Array, known: Promise<TreeEntry | undefined>): Promise<boolean> {
    return await this.#judge(key, hint, await known)
  }

  #judge(key: ResourceKey, hint: Uint8Array, known: TreeEntry | undefined): boolean | Promise<boolean> {
    if (known === undefined || !known.value.equals(hint)) return false
    const entry = this.#entries.find(key)
    return entry instanceof Promise ? entry.then((one) => this.#hold(one)) : this.#hold(entry)
  }

  #hold(entry: TreeEntry | undefined): boolean | Promise<boolean> {
    if (entry === undefined) return false
    const { value } = entry
    if (!this.#chunks.isOpen) return this.#holdLong(entry)
    // Chunks named before one that is not there are named for nothing: they only have their packs looked at once more.
    const bytes = eachInlineChunk(value, (idAt) => this.#chunks.reuseAt(value, idAt))
    if (bytes === undefined) return this.#holdLong(entry)
    return bytes >= 0 && this.#know(entry, bytes)
  }

  /** One whose chunks are listed in a tree, that has secrets or a long body, or the first that asks for the index. */
  async #holdLong(entry: TreeEntry): Promise<boolean> {
    const { content, others } = contentsOfValue(entry.value)
    // What has no content needs no index.
    if (content === undefined && others.length === 0) return this.#know(entry, 0)
    await this.#chunks.open()
    let bytes = 0
    const named: { readonly sort: ChunkSort; readonly id: Buffer }[] = []
    for (const shape of content === undefined ? others : [content, ...others]) {
      for await (const { length, id } of this.#extentsOf(shape, named)) {
        if (id === undefined) continue
        named.push({ sort: 'content', id })
        if (shape === content) bytes += length
      }
    }
    if (!named.every(({ sort, id }) => this.#chunks.holds(sort, id))) return false
    for (const { sort, id } of named) this.#chunks.reuse(sort, id)
    return this.#know(entry, bytes)
  }

  async *#extentsOf(
    { extents }: ContentShape,
    named: { readonly sort: ChunkSort; readonly id: Buffer }[],
  ): AsyncGenerator<Extent> {
    if (!Buffer.isBuffer(extents)) {
      yield* extents
      return
    }
    const naming: Pick<ChunkSource, 'get'> = {
      get: async (sort, id) => {
        named.push({ sort, id })
        return await this.#nodes.get(sort, id)
      },
    }
    const list = new TreeReader(this.#context.formats.list, naming)
    for await (const { value } of list.entries(extents)) yield decodeExtent(value)
  }

  #know({ key, value }: TreeEntry, contentBytes: number): true {
    const { leaf, at } = this.#entries
    const { leaf: hintLeaf, at: hintAt } = this.#hints
    assert(leaf !== undefined && hintLeaf !== undefined, 'what was found stands in leaves')
    this.#found.push({ key, value, contentBytes, leaf, at, hintLeaf, hintAt })
    return true
  }

  /** Hints may be gone or damaged: everything is read then. @throws anything else. */
  #giveUp(error: unknown): false {
    if (!isTorikiError(error, 'object-not-found') && !isTorikiError(error, 'seal-broken')) throw error
    this.#usable = false
    const { platform, sliceId } = this.#context
    platform.log.write('warn', 'hints-passed-over', { slice: sliceId, code: error.code })
    return false
  }
}
