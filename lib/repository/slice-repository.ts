/** One slice and generation: reading its snapshots, and beginning new ones. */
import assert from 'node:assert/strict'
import { isTorikiError, TorikiError } from '../errors.ts'
import { isResourceKey } from '../resources/key.ts'
import { StoredEntry } from './body.ts'
import { SliceCapture } from './capture.ts'
import { listSnapshotIds } from './capture-start.ts'
import type {
  CheckOptions,
  CheckReport,
  CompactOptions,
  CompactReport,
  PruneOptions,
  PruneReport,
  RebuiltIndex,
} from './maintenance.ts'
import { StoredContent } from './content-reader.ts'
import { addMarks, claimSlice, readMarks, releaseSlice } from './marks.ts'
import { PackStore } from './pack-store.ts'
import { SnapshotCache, SnapshotChunks } from './snapshot-chunks.ts'
import { parseSnapshotId } from './snapshot-id.ts'
import { digestOf } from './snapshot-object.ts'
import { snapshotOf } from './snapshot-view.ts'
import { isTrusted } from './snapshot.ts'
import { diffTrees } from './tree-diff.ts'
import { TreeCursor } from './tree-cursor.ts'
import { TreeReader } from './tree-reader.ts'
import type { JsonObject } from '../resources/json.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { ContentPart } from '../resources/resource.ts'
import type { SliceName } from '../resources/slice.ts'
import type { ChunkPlace } from './chunk-index.ts'
import type { ChunkId, ChunkSort, ChunkSource } from './chunk-store.ts'
import type { TreeEntry } from './node-codec.ts'
import type { BlockDescription, PackDescription } from './pack-table.ts'
import type {
  Access,
  Bringing,
  Capture,
  CaptureOptions,
  ContentReference,
  OnLost,
  ResourceFinder,
  SliceRepository,
  StoredDifference,
  StoredResource,
} from './repository.ts'
import type { SliceContext } from './slice-context.ts'
import type { Snapshot, SnapshotId } from './snapshot.ts'
import type { KeyRange } from './tree-reader.ts'

export interface OpenedSlice {
  readonly slice: SliceName
  readonly generation: number
  readonly generationOpened: boolean
  readonly access: Access
  readonly context: SliceContext
}

/** One component of one snapshot: its root, and where its chunks are read. */
interface StoredMap {
  readonly reader: TreeReader
  readonly source: Pick<ChunkSource, 'get'>
  readonly root: ChunkId | undefined
  readonly resource: (entry: TreeEntry) => StoredEntry
}

export class OpenSliceRepository implements SliceRepository {
  readonly slice: SliceName
  readonly sliceId: string
  readonly generation: number
  readonly generationOpened: boolean
  readonly #access: Access
  readonly #context: SliceContext
  readonly #cache: SnapshotCache
  readonly #packs: ReopeningPacks

  constructor({ slice, generation, generationOpened, access, context }: OpenedSlice) {
    this.slice = slice
    this.sliceId = context.sliceId
    this.generation = generation
    this.generationOpened = generationOpened
    this.#access = access
    this.#context = context
    this.#cache = new SnapshotCache(context)
    this.#packs = new ReopeningPacks(context)
  }

  async *snapshots({ onBroken }: { readonly onBroken?: (id: SnapshotId) => void } = {}): AsyncGenerator<Snapshot> {
    const [ids, marks] = await Promise.all([listSnapshotIds(this.#context), readMarks(this.#context)])
    const seen = new Set<string>()
    for (const id of ids) {
      const run = parseSnapshotId(id)?.run ?? id
      if (marks.forgotten.has(id) || seen.has(run)) continue
      // The highest n speaks for its run.
      seen.add(run)
      try {
        yield snapshotOf(await this.#cache.load(id), marks)
      } catch (error) {
        // Forgotten and pruned since it was listed.
        if (isTorikiError(error, 'snapshot-not-found')) continue
        if (onBroken === undefined || !isBroken(error)) throw error
        onBroken(id)
      }
    }
  }

  async snapshot(id: SnapshotId): Promise<Snapshot> {
    const marks = await readMarks(this.#context)
    if (parseSnapshotId(id) === undefined || marks.forgotten.has(id)) {
      throw new TorikiError('snapshot-not-found', { ids: { slice: this.sliceId } })
    }
    return snapshotOf(await this.#cache.load(id), marks)
  }

  async latest(component: string): Promise<Snapshot | undefined> {
    for await (const snapshot of this.snapshots()) if (isTrusted(snapshot, component)) return snapshot
    return undefined
  }

  async *resources(
    snapshot: Snapshot,
    component: string,
    {
      after,
      under,
      onLost,
    }: { readonly after?: ResourceKey; readonly under?: ResourceKey; readonly onLost?: OnLost } = {},
  ): AsyncGenerator<StoredResource> {
    const { reader, root, resource } = await this.#map(snapshot, component)
    if (root === undefined) throw notHeld()
    for await (const some of reader.leaves(root, rangeOf(after, under), onLost))
      for (const entry of some) yield resource(entry)
  }

  async *keys(
    snapshot: Snapshot,
    component: string,
    { onLost }: { readonly onLost?: OnLost } = {},
  ): AsyncGenerator<readonly ResourceKey[]> {
    const { reader, root } = await this.#map(snapshot, component)
    if (root === undefined) throw notHeld()
    for await (const some of reader.leaves(root, {}, onLost)) {
      const keys = some.map(({ key }) => key)
      if (!keys.every(isResourceKey))
        throw new TorikiError('seal-broken', { message: 'A stored entry is not well-formed.' })
      yield keys
    }
  }

  async resource(snapshot: Snapshot, component: string, key: ResourceKey): Promise<StoredResource | undefined> {
    const { reader, root, resource } = await this.#map(snapshot, component)
    const entry = root && (await reader.find(root, key))
    return entry && resource(entry)
  }

  async *diff(
    component: string,
    before: Snapshot,
    after: Snapshot,
    { onLost }: { readonly onLost?: OnLost } = {},
  ): AsyncGenerator<readonly StoredDifference[]> {
    const [left, right] = [await this.#map(before, component), await this.#map(after, component)]
    for await (const some of diffTrees(left, right, onLost))
      yield some.map(({ key, before: one, after: other }) => ({
        key,
        before: one && left.resource(one),
        after: other && right.resource(other),
      }))
  }

  async body(resource: StoredResource): Promise<{ readonly state: JsonObject; readonly kept: JsonObject }> {
    assert(resource instanceof StoredEntry, 'a resource of this repository')
    return await resource.body()
  }

  content(
    reference: ContentReference,
    range?: { readonly offset: number; readonly length: number },
  ): AsyncIterable<ContentPart> {
    assert(reference instanceof StoredContent, 'a content of this repository')
    return reference.parts(range)
  }

  shortContent(
    reference: ContentReference,
  ): readonly ContentPart[] | Promise<readonly ContentPart[] | undefined> | undefined {
    assert(reference instanceof StoredContent, 'a content of this repository')
    return reference.shortParts()
  }

  async bringing(): Promise<Bringing | undefined> {
    const { platform, sliceId, keys } = this.#context
    const work = keys.contentPrivateKey === undefined ? undefined : platform.threads?.enter()
    if (platform.threads === undefined || work === undefined) return undefined
    const { RestorePipeline } = await import('./restore-pipeline.ts')
    const pipeline = new RestorePipeline(platform.threads, work, { sliceId, keys, packs: this.#packs })
    try {
      await this.#packs.load()
    } catch (error) {
      pipeline.close()
      throw error
    }
    return {
      of(reference) {
        assert(reference instanceof StoredContent, 'a content of this repository')
        return pipeline.of(reference)
      },
      close: () => pipeline.close(),
    }
  }

  finder(snapshot: Snapshot, component: string): ResourceFinder {
    let cursor: { readonly at: TreeCursor; readonly resource: StoredMap['resource'] } | undefined | 'none'
    const found = (
      { at, resource }: Exclude<NonNullable<typeof cursor>, 'none'>,
      key: ResourceKey,
    ): StoredResource | undefined | Promise<StoredResource | undefined> => {
      const entry = at.find(key)
      if (entry instanceof Promise) return entry.then((one) => one && resource(one))
      return entry && resource(entry)
    }
    const open = async (): Promise<NonNullable<typeof cursor>> => {
      const { source, root, resource } = await this.#map(snapshot, component)
      return root === undefined ? 'none' : { at: new TreeCursor(this.#context.formats.map, source, root), resource }
    }
    return {
      find: (key) => {
        if (cursor === 'none') return undefined
        if (cursor !== undefined) return found(cursor, key)
        return open().then((opened) => {
          cursor = opened
          return opened === 'none' ? undefined : found(opened, key)
        })
      },
    }
  }

  async capture(options: CaptureOptions): Promise<Capture> {
    assert(this.#access === 'write', 'a slice is opened for writing before it is captured')
    return await SliceCapture.begin(this.#context, this.#cache, options)
  }

  async claim(restore: string, { elsewhere = false }: { readonly elsewhere?: boolean } = {}): Promise<string> {
    return await claimSlice(this.#context, restore, this.#context.platform.clock.now(), elsewhere)
  }

  async release(restore: string): Promise<void> {
    await releaseSlice(this.#context, restore, this.#context.platform.clock.now())
  }

  async accept(id: SnapshotId): Promise<void> {
    await this.snapshot(id)
    await addMarks(this.#context, { accepted: [id] })
  }

  async forget(ids: readonly SnapshotId[]): Promise<void> {
    const { forgotten } = await readMarks(this.#context)
    const added: { id: SnapshotId; digest: string }[] = []
    for (const id of ids) {
      const digest = forgotten.has(id) ? undefined : await digestOf(this.#context, id)
      if (digest !== undefined) added.push({ id, digest })
    }
    await addMarks(this.#context, { forgotten: added })
  }

  async prune(options: PruneOptions): Promise<PruneReport> {
    return await (await import('./prune.ts')).pruneSlice(this.#context, options)
  }

  async compact(options: CompactOptions): Promise<CompactReport> {
    return await (await import('./compact.ts')).compactSlice(this.#context, options)
  }

  async check(options: CheckOptions): Promise<CheckReport> {
    return await (await import('./check.ts')).checkSlice(this.#context, options)
  }

  async isEmpty(): Promise<boolean> {
    for (const folder of ['snapshots', 'checkpoints', 'condemned', 'packs', 'trees', 'index']) {
      const { objects } = await this.#context.platform.store.list(`slices/${this.sliceId}/${folder}/`)
      if (objects.length > 0) return false
    }
    return true
  }

  async rebuildIndex(): Promise<RebuiltIndex> {
    return await (await import('./rebuild-index.ts')).rebuildIndex(this.#context)
  }

  async #map(snapshot: Snapshot, component: string): Promise<StoredMap> {
    const { document } = await this.#cache.load(snapshot.id)
    const stored = document.components.get(component)
    const { formats } = this.#context
    const source = new SnapshotChunks(
      ...([this.#context, stored?.chunks ?? new Map(), this.#cache] as const),
      () => Promise.resolve(this.#packs),
      this.#packs,
    )
    return {
      reader: new TreeReader(formats.map, source),
      source,
      root: stored && Buffer.from(stored.record.root, 'hex'),
      resource: (entry) => new StoredEntry(entry, formats, source),
    }
  }
}

function notHeld(): TorikiError {
  return new TorikiError('resource-not-found', { message: 'The snapshot does not hold that component.' })
}

function isBroken(error: unknown): boolean {
  return isTorikiError(error, 'seal-broken') || isTorikiError(error, 'format-newer')
}

/** Packs for reading. An index that was read before a snapshot was committed does not know its chunks: then it is read again. */
class ReopeningPacks implements Pick<ChunkSource, 'get' | 'ready'> {
  readonly #context: SliceContext
  #packs: PackStore | undefined

  constructor(context: SliceContext) {
    this.#context = context
  }

  async get(sort: ChunkSort, id: ChunkId): Promise<Buffer> {
    const held = this.#packs
    try {
      return await (held ?? this.#open()).get(sort, id)
    } catch (error) {
      if (held === undefined || !isTorikiError(error, 'object-not-found')) throw error
      const packs = this.#packs === held ? this.#open() : (this.#packs as PackStore)
      return await packs.get(sort, id)
    }
  }

  ready(sort: ChunkSort, id: ChunkId): Buffer | undefined {
    return this.#packs?.ready(sort, id)
  }

  /** What is asked for from now on is mostly known. */
  async load(): Promise<void> {
    await (this.#packs ?? this.#open()).load()
  }

  place(id: ChunkId): ChunkPlace | undefined {
    return this.#packs?.place('content', id)
  }

  async sealed(pack: PackDescription, block: BlockDescription): Promise<Buffer> {
    return await (this.#packs ?? this.#open()).sealed(pack, block)
  }

  #open(): PackStore {
    const { platform, keys, sliceId } = this.#context
    this.#packs = new PackStore({ store: platform.store, random: platform.random, sliceId, keys })
    return this.#packs
  }
}

/** In byte order, what begins with the parts of `under` lies between `under` itself and `under` with a byte 1 behind it; the successor of a key has a byte 0. */
function rangeOf(after: ResourceKey | undefined, under: ResourceKey | undefined): KeyRange {
  const successor = after && Buffer.concat([after, Buffer.of(0)])
  const from = successor && under ? (Buffer.compare(successor, under) > 0 ? successor : under) : (successor ?? under)
  return { from, until: under && Buffer.concat([under, Buffer.of(1)]) }
}
