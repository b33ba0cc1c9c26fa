/**
 * What the components of snapshots and checkpoints stand on: every chunk, the pack that is to give it, and the snapshot objects that hold chunks themselves. Reads tree
 * nodes only, so it needs no right to open content. Memory: one bit-like byte per place in the index, and the ids of inlined nodes.
 */
import { isTorikiError, TorikiError } from '../errors.ts'
import { StoredEntry } from './body.ts'
import { decodeExtent } from './content-codec.ts'
import { TreeReader } from './tree-reader.ts'
import type { ChunkId, ChunkSort, ChunkSource } from './chunk-store.ts'
import type { ChunkIndex } from './chunk-index.ts'
import type { StoredContent } from './content-reader.ts'
import type { TreeEntry, TreeNode } from './node-codec.ts'
import type { SliceContext } from './slice-context.ts'
import type { InlineChunks, StoredComponent, StoredHints } from './snapshot-document.ts'
import type { SnapshotId } from './snapshot.ts'
import type { TreeFormat } from './tree-format.ts'

export interface ReachOptions {
  readonly context: SliceContext
  readonly index: ChunkIndex
  /** Which pack is to give a chunk that lies in several: the one ranked highest. Below 0: it is not there. */
  readonly rank: (packId: string) => number
  /** Reads the nodes of a component whose inlined chunks are these. */
  readonly open: (inline: InlineChunks) => Pick<ChunkSource, 'get'>
  readonly signal: AbortSignal
}

export class Reach {
  /** Plaintext bytes that are needed, by the pack that is to give them. */
  readonly packs = new Map<string, number>()
  /** Packs that somebody names by themselves. */
  readonly named = new Set<string>()
  /** Snapshot objects that hold chunks of what was added. */
  readonly holders = new Set<SnapshotId>()
  readonly #options: ReachOptions
  /** By the place's number in the index. */
  readonly #seen: Uint8Array
  /** Nodes in snapshot objects, whose places are in no index. */
  readonly #seenInline = new Set<string>()

  constructor(options: ReachOptions) {
    this.#options = options
    this.#seen = new Uint8Array(options.index.size)
  }

  /** Subtrees that were met before are not read again. @throws TorikiError `object-not-found` for a chunk that is nowhere, `seal-broken`. */
  async add({ record, chunks }: StoredComponent): Promise<void> {
    for (const { holder } of chunks.values()) this.holders.add(holder)
    const source = this.#options.open(chunks)
    const { formats } = this.#options.context
    const walk = new Walk(this, source, chunks)
    await walk.tree(formats.map, Buffer.from(record.root, 'hex'), async ({ key, value }) => {
      for (const content of new StoredEntry({ key, value }, formats, source).contents()) await walk.content(content)
    })
  }

  /** Hints are worth keeping where they can be used next: those that cannot be read are as good as none. */
  async addHints({ root, chunks }: StoredHints): Promise<void> {
    for (const { holder } of chunks.values()) this.holders.add(holder)
    const walk = new Walk(this, this.#options.open(chunks), chunks)
    try {
      await walk.tree(this.formats.hints, Buffer.from(root, 'hex'), () => undefined)
    } catch (error) {
      if (!isTorikiError(error, 'object-not-found') && !isTorikiError(error, 'seal-broken')) throw error
      const { platform, sliceId } = this.#options.context
      platform.log.write('warn', 'hints-passed-over', { slice: sliceId, code: error.code })
    }
  }

  /** Is this place of the index the one that is to give its chunk? */
  isNeeded(entry: number): boolean {
    return this.#seen[entry] === 1
  }

  /** This pack is needed, whatever of it. */
  need(packId: string): void {
    this.named.add(packId)
    if (!this.packs.has(packId)) this.packs.set(packId, 0)
  }

  /** Is this the first time? Then its pack counts as needed. */
  visit(sort: ChunkSort, id: ChunkId, inline: InlineChunks): boolean {
    const { index, rank, context, signal } = this.#options
    signal.throwIfAborted()
    const hex = id.toString('hex')
    if (inline.has(hex)) {
      if (this.#seenInline.has(hex)) return false
      this.#seenInline.add(hex)
      return true
    }
    const place = index.best(id, sort, rank)
    if (place === undefined || rank(place.packId) < 0)
      throw new TorikiError('object-not-found', {
        message: 'A chunk that a snapshot names is in no pack that is there: nothing was pruned.',
        remedy: 'Run `toriki check`: it says whom that concerns.',
        ids: { slice: context.sliceId },
      })
    if (this.#seen[place.entry] === 1) return false
    this.#seen[place.entry] = 1
    this.packs.set(place.packId, (this.packs.get(place.packId) ?? 0) + place.lengthBytes)
    return true
  }

  get formats(): SliceContext['formats'] {
    return this.#options.context.formats
  }
}

/** One component's trees. */
class Walk {
  readonly #reach: Reach
  readonly #source: Pick<ChunkSource, 'get'>
  readonly #inline: InlineChunks

  constructor(reach: Reach, source: Pick<ChunkSource, 'get'>, inline: InlineChunks) {
    this.#reach = reach
    this.#source = source
    this.#inline = inline
  }

  async tree(format: TreeFormat, root: ChunkId, visit: (entry: TreeEntry) => Promise<void> | void): Promise<void> {
    if (!this.#reach.visit('tree', root, this.#inline)) return
    const reader = new TreeReader(format, this.#source)
    await this.#node(reader, await reader.root(root), undefined, visit)
  }

  async content({ shape }: StoredContent): Promise<void> {
    if (Buffer.isBuffer(shape.extents))
      return await this.tree(this.#reach.formats.list, shape.extents, ({ value }) =>
        this.#extent(decodeExtent(value).id),
      )
    for (const { id } of shape.extents) this.#extent(id)
  }

  #extent(id: ChunkId | undefined): void {
    if (id !== undefined) this.#reach.visit('content', id, this.#inline)
  }

  async #node(
    reader: TreeReader,
    node: TreeNode,
    before: Buffer | undefined,
    visit: (entry: TreeEntry) => Promise<void> | void,
  ): Promise<void> {
    if (node.leaf) {
      for (const entry of node.items) await visit(entry)
      return
    }
    let lower = before
    for (const child of node.items) {
      if (this.#reach.visit('tree', child.id, this.#inline))
        await this.#node(reader, await reader.child(node.level, child, lower), lower, visit)
      lower = child.key
    }
  }
}
