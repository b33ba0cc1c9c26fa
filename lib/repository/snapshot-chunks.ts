/** Where the chunks of one component of one snapshot are read: in the snapshot objects that hold them, else in packs. */
import { isTorikiError, TorikiError } from '../errors.ts'
import { chunkId } from './keys.ts'
import { loadSnapshot } from './snapshot-object.ts'
import type { ChunkId, ChunkSort, ChunkSource, ReadyChunks } from './chunk-store.ts'
import type { SliceContext } from './slice-context.ts'
import type { InlineChunks } from './snapshot-document.ts'
import type { LoadedSnapshot } from './snapshot-object.ts'
import type { SnapshotId } from './snapshot.ts'

/** Opened snapshots are few and small: a component's chunks seldom lie in more holders than this. */
const HELD_MAX = 16

/** Opens each snapshot once while it is in use. */
export class SnapshotCache {
  readonly #context: SliceContext
  readonly #held = new Map<SnapshotId, Promise<LoadedSnapshot>>()

  constructor(context: SliceContext) {
    this.#context = context
  }

  /** @throws TorikiError `snapshot-not-found`, `seal-broken`, `format-newer`. */
  async load(id: SnapshotId): Promise<LoadedSnapshot> {
    const held = this.#held.get(id) ?? loadSnapshot(this.#context, id)
    this.#held.delete(id)
    this.#held.set(id, held)
    const oldest = this.#held.keys().next().value
    if (this.#held.size > HELD_MAX && oldest !== undefined) this.#held.delete(oldest)
    try {
      return await held
    } catch (error) {
      this.#held.delete(id)
      throw error
    }
  }
}

export class SnapshotChunks implements Pick<ChunkSource, 'get' | 'ready'> {
  readonly #context: SliceContext
  readonly #inline: InlineChunks
  readonly #holders: SnapshotCache
  readonly #packs: () => Promise<Pick<ChunkSource, 'get'>>
  readonly #known: ReadyChunks | undefined

  /** `known` is what `packs` gives, where it is there already. `packs` is asked only for what no snapshot holds, so that small slices never read an index. */
  constructor(
    context: SliceContext,
    inline: InlineChunks,
    holders: SnapshotCache,
    packs: () => Promise<Pick<ChunkSource, 'get'>>,
    known?: ReadyChunks,
  ) {
    this.#known = known
    this.#context = context
    this.#inline = inline
    this.#holders = holders
    this.#packs = packs
  }

  ready(sort: ChunkSort, id: ChunkId): Buffer | undefined {
    if (this.#inline.size > 0 && this.#inline.has(id.toString('hex'))) return undefined
    return this.#known?.ready?.(sort, id)
  }

  /** @throws TorikiError `seal-broken`, `object-not-found`, `content-locked`. */
  async get(sort: ChunkSort, id: ChunkId): Promise<Buffer> {
    const inline = this.#inline.get(id.toString('hex'))
    if (inline === undefined) return (await this.#packs()).get(sort, id)
    let holder: LoadedSnapshot
    try {
      holder = await this.#holders.load(inline.holder)
    } catch (cause) {
      if (!isTorikiError(cause, 'snapshot-not-found')) throw cause
      throw new TorikiError('object-not-found', { ids: { snapshot: inline.holder }, cause })
    }
    const bytes = inline.sort === sort ? holder.chunk(inline) : undefined
    if (bytes === undefined || !chunkId(this.#context.keys.chunkIdKey, bytes).equals(id)) {
      throw new TorikiError('seal-broken', {
        message: 'A snapshot does not hold the chunk it should.',
        ids: { snapshot: inline.holder },
      })
    }
    return bytes
  }
}
