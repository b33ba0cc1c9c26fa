/**
 * One snapshot in the making, and its commit (docs/format.md, "Commit"): packs, then index, then the snapshot, which alone makes everything before it
 * count. Double delivery, a lost answer and two workers at once end in one snapshot; a kill anywhere leaves garbage for prune and nothing else.
 */
import assert from 'node:assert/strict'
import { isTorikiError, TorikiError } from '../errors.ts'
import { readCaptureStart } from './capture-start.ts'
import { Chunker, gearTable } from './chunker.ts'
import { ComponentChunks } from './component-chunks.ts'
import { ComponentWriter, throwIfAborted } from './component-writer.ts'
import { KnownMap } from './known-map.ts'
import { lookAgain } from './condemned.ts'
import { ContentWriter } from './content-writer.ts'
import { PackStore } from './pack-store.ts'
import { Pipeline } from './pipeline.ts'
import { slicePath } from './slice-context.ts'
import { SnapshotChunks } from './snapshot-chunks.ts'
import { formatSnapshotId } from './snapshot-id.ts'
import { loadCheckpoint, sealCheckpoint, sealSnapshot } from './snapshot-object.ts'
import { snapshotOf } from './snapshot-view.ts'
import { listPacks } from './pack-listing.ts'
import type { FileReading } from '../resources/file-reading.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Resource } from '../resources/resource.ts'
import type { KnownEntries } from '../resources/known-entries.ts'
import type { CaptureStart } from './capture-start.ts'
import type { Capture, CaptureOptions, CommitResult, StoreOptions } from './repository.ts'
import type { SliceContext } from './slice-context.ts'
import type { SnapshotCache } from './snapshot-chunks.ts'
import type {
  CaptureDocument,
  CheckpointDocument,
  InlineChunks,
  PartialComponent,
  StoredComponent,
  StoredHints,
} from './snapshot-document.ts'
import type { ComponentToSeal, LoadedSnapshot } from './snapshot-object.ts'
import type { ComponentRecord, MissingComponent, Snapshot, SnapshotId } from './snapshot.ts'

/** A component that this capture stored, or that an earlier part of it did. */
interface Captured {
  record: ComponentRecord
  readonly chunks: ComponentChunks | undefined
  readonly hints: CapturedHints | undefined
  readonly earlier: StoredComponent | undefined
}

interface CapturedHints {
  readonly root: string
  readonly chunks: ComponentChunks
}

/** Racing attempts each add a component before they win: more rounds than components cannot be. */
const COMMIT_TRIES_MAX = 100

export class SliceCapture implements Capture {
  readonly finished: Readonly<Record<string, ComponentRecord>>
  readonly resume: { readonly component: string; readonly after: ResourceKey } | undefined
  readonly #context: SliceContext
  readonly #cache: SnapshotCache
  readonly #options: CaptureOptions
  readonly #start: CaptureStart
  readonly #time: string
  readonly #writer: string
  readonly #contents: ContentWriter
  readonly #captured = new Map<string, Captured>()
  readonly #knownMaps = new Map<string, { readonly map: KnownMap; readonly chunks: ComponentChunks }>()
  /** The component whose reading the signal ended, as far as it came. */
  #open: { readonly component: string; readonly writer: ComponentWriter; readonly options: StoreOptions } | undefined
  /** The earlier part's map of the component being read, until that is taken into a new one. */
  #partial: PartialComponent | undefined
  /** Of the component being read. */
  #pipeline: Pipeline | undefined
  #packs: Promise<PackStore> | undefined
  #packStore: PackStore | undefined
  #bytesRead = 0
  #put = { bytes: 0, objects: 0 }

  static async begin(context: SliceContext, cache: SnapshotCache, options: CaptureOptions): Promise<SliceCapture> {
    const time = context.platform.clock.now().toISOString()
    const start = await readCaptureStart(context, cache, { run: options.run, part: options.part ?? 0 })
    return new SliceCapture(context, cache, options, start, time)
  }

  private constructor(
    context: SliceContext,
    cache: SnapshotCache,
    options: CaptureOptions,
    start: CaptureStart,
    time: string,
  ) {
    this.#context = context
    this.#cache = cache
    this.#options = options
    this.#start = start
    this.#time = time
    this.#writer = context.platform.random.bytes(16).toString('hex')
    this.#contents = new ContentWriter(new Chunker(gearTable(context.keys.gearKey)), context.formats.list)
    const { committed, checkpoint } = start
    const done = new Map(committed?.document.components)
    for (const [component, earlier] of checkpoint?.components ?? []) {
      if (done.has(component)) continue
      done.set(component, earlier)
      this.#captured.set(component, { record: earlier.record, chunks: undefined, hints: undefined, earlier })
    }
    this.finished = Object.fromEntries([...done].map(([component, { record }]) => [component, record]))
    const partial = checkpoint?.partial
    if (partial !== undefined && !done.has(partial.component)) {
      this.#partial = partial
      this.resume = { component: partial.component, after: partial.lastKey }
    }
  }

  trusted(component: string): ComponentRecord | undefined {
    return this.#start.trusted.get(component)?.record
  }

  known(component: string): KnownEntries | undefined {
    const stored = this.#start.previous.get(component)
    if (stored?.hints === undefined) return undefined
    const chunks = this.#chunksFor()
    const nodes = (inline: InlineChunks): SnapshotChunks =>
      new SnapshotChunks(this.#context, inline, this.#cache, () => this.#openPacks())
    const map = new KnownMap({
      context: this.#context,
      chunks,
      root: stored.record.root,
      hintsRoot: stored.hints.root,
      nodes: nodes(stored.chunks),
      hintNodes: nodes(stored.hints.chunks),
    })
    this.#knownMaps.set(component, { map, chunks })
    return map
  }

  reading(): FileReading | undefined {
    const { threads } = this.#context.platform
    if (threads === undefined || this.#options.contentBytesMax !== undefined) return undefined
    this.#pipeline = new Pipeline(threads, {
      sliceId: this.#context.sliceId,
      keys: this.#context.keys,
      signal: this.#options.signal,
      openPacks: async () => {
        const packs = await this.#openPacks()
        const held = [...this.#start.reusable].filter(([, { sort }]) => sort === 'content')
        return { packs, known: held.map(([hex]) => Buffer.from(hex, 'hex')) }
      },
    })
    return this.#pipeline
  }

  #chunksFor(): ComponentChunks {
    const { contentBytesMax } = this.#options
    return new ComponentChunks(this.#context, this.#start.reusable, () => this.#openPacks(), contentBytesMax)
  }

  async store(
    component: string,
    resources: AsyncIterable<Resource | readonly Resource[]>,
    options: StoreOptions,
  ): Promise<ComponentRecord> {
    assert(this.finished[component] === undefined && !this.#captured.has(component), 'a component is stored once')
    assert(this.#open === undefined, 'a capture whose time has ended stores nothing more')
    const known = this.#knownMaps.get(component)
    const chunks = known?.chunks ?? this.#chunksFor()
    const hintChunks = this.#chunksFor()
    const writer = new ComponentWriter({
      context: this.#context,
      ...{ chunks, hintChunks, known: known?.map },
      contents: this.#contents,
      signal: this.#options.signal,
    })
    if (this.#partial?.component === component) {
      const sourceOf = (inline: InlineChunks): SnapshotChunks =>
        new SnapshotChunks(this.#context, inline, this.#cache, () => this.#openPacks())
      const { chunks: inline, hints } = this.#partial
      await writer.replay(this.#partial, sourceOf(inline), sourceOf(hints?.chunks ?? new Map()))
      this.#partial = undefined
    }
    try {
      await writer.take(resources, options, () => this.#packStore?.stored.bytes ?? 0)
      await this.#pipeline?.finish()
    } catch (error) {
      if (!this.#options.signal.aborted) {
        this.#pipeline?.drop()
        throw error
      }
      await this.#pipeline?.finish()
      this.#open = { component, writer, options }
      throwIfAborted(this.#options.signal)
    } finally {
      this.#pipeline = undefined
      this.#bytesRead += writer.bytesRead
    }
    const record = await writer.finish(options)
    const root = await writer.finishHints()
    const hints = root === undefined ? undefined : { root, chunks: hintChunks }
    this.#captured.set(component, { record, chunks, hints, earlier: undefined })
    return record
  }

  suspect(component: string, reason: string): void {
    const captured = this.#captured.get(component)
    assert(captured !== undefined, 'only what this capture stored can be named suspect')
    captured.record = { ...captured.record, suspect: reason }
  }

  async checkpoint(): Promise<'kept' | 'lost'> {
    const components = new Map<string, StoredComponent>()
    for (const [component, { record, chunks, hints, earlier }] of this.#captured) {
      await chunks?.spill()
      await hints?.chunks.spill()
      components.set(component, {
        record,
        chunks: chunks?.used ?? earlier?.chunks ?? new Map(),
        hints: named(hints, earlier),
      })
    }
    const partial = await this.#finishPartial()
    const capture = await this.#flush(components.values(), partial)
    const document: CheckpointDocument = { ...capture, components, partial, packs: [...this.#namedPacks()].sort() }
    const name = `${this.#options.run}.${this.#options.part ?? 0}.${this.#start.nextCheckpoint}`
    const bytes = sealCheckpoint(this.#context, name, document)
    try {
      await this.#context.platform.store.create(slicePath(this.#context, 'checkpoints', name), bytes)
      return 'kept'
    } catch (error) {
      if (!isTorikiError(error, 'object-exists')) throw error
      return (await loadCheckpoint(this.#context, name)).writer === this.#writer ? 'kept' : 'lost'
    }
  }

  async commit(missing: readonly MissingComponent[]): Promise<CommitResult> {
    const mine = new Map<string, ComponentToSeal>()
    for (const [component, { record, chunks, hints, earlier }] of this.#captured)
      mine.set(component, {
        record,
        chunks: chunks?.used ?? earlier?.chunks ?? new Map(),
        staged: chunks?.staged ?? new Map(),
        hints: named(hints, earlier),
        stagedHints: hints?.chunks.staged,
      })
    let { committed, nextSnapshot: n } = this.#start
    if (committed !== undefined && addsNothing(mine, committed)) return this.#result(snapshotOf(committed), false)
    const capture = await this.#flush(mine.values(), undefined)
    for (let tries = 1; tries <= COMMIT_TRIES_MAX; tries++) {
      const id = formatSnapshotId({ run: this.#options.run, n })
      const components = new Map(mine)
      for (const [component, stored] of committed?.document.components ?? [])
        components.set(component, { ...stored, staged: new Map() })
      const { bytes, document } = sealSnapshot(
        this.#context,
        id,
        {
          ...capture,
          missing: missing.filter(({ component }) => !components.has(component)),
          known: this.#known(components),
        },
        components,
      )
      try {
        await this.#context.platform.store.create(slicePath(this.#context, 'snapshots', id), bytes)
        this.#put = { bytes: this.#put.bytes + bytes.length, objects: this.#put.objects + 1 }
        return this.#result(snapshotOf({ id, document }), true)
      } catch (error) {
        if (!isTorikiError(error, 'object-exists')) throw error
      }
      const winner = await this.#winner(id)
      n++
      if (winner === undefined) continue
      if (winner.document.writer === this.#writer) {
        this.#put = { bytes: this.#put.bytes + bytes.length, objects: this.#put.objects + 1 }
        return this.#result(snapshotOf(winner), true)
      }
      committed = winner
      if (addsNothing(mine, committed)) return this.#result(snapshotOf(committed), false)
    }
    throw new TorikiError('object-exists', {
      retry: 'later',
      ids: { slice: this.#context.sliceId, run: this.#options.run },
    })
  }

  /** The map of the component being read: as far as this part came, or as the part before left it. */
  async #finishPartial(): Promise<PartialComponent | undefined> {
    if (this.#open === undefined) return this.#partial
    const { component, writer, options } = this.#open
    const { lastKey } = writer
    if (lastKey === undefined) return undefined
    const record = await writer.finish(options)
    const root = await writer.finishHints()
    await writer.chunks.spill()
    await writer.hintChunks.spill()
    const hints = root === undefined ? undefined : { root, chunks: writer.hintChunks.used }
    return { component, record, chunks: writer.chunks.used, hints, lastKey }
  }

  /** Packs, index, and the second look at what is condemned. */
  async #flush(
    components: Iterable<StoredComponent>,
    partial: PartialComponent | undefined,
  ): Promise<Omit<CaptureDocument, 'components'>> {
    await this.#packStore?.flush()
    const holders = new Set<string>()
    for (const { chunks, hints } of [...components, ...(partial ? [partial] : [])]) {
      for (const { holder } of [...chunks.values(), ...(hints?.chunks.values() ?? [])]) holders.add(holder)
    }
    await lookAgain(this.#context, this.#start.condemned, { packs: this.#namedPacks(), snapshots: holders })
    const { parent, committed } = this.#start
    return {
      time: this.#time,
      since: committed?.document.since ?? parent?.document.since ?? this.#start.checkpoint?.since ?? this.#time,
      writer: this.#writer,
      parent: parent && { id: parent.id, digest: parent.digest },
      marks: this.#start.marks,
      owned: this.#context.isOwned,
      indexes: [...(this.#start.checkpoint?.indexes ?? []), ...(this.#packStore?.indexNames ?? [])],
    }
  }

  /** Every pack that this capture wrote, reused chunks of, or took over from an earlier part. */
  #namedPacks(): Set<string> {
    const packs = new Set(this.#start.checkpoint?.packs)
    for (const { packId } of this.#packStore?.packs ?? []) packs.add(packId)
    const writers = [...this.#captured.values()].flatMap(({ chunks, hints }) => [chunks, hints?.chunks])
    for (const chunks of [...writers, this.#open?.writer.chunks, this.#open?.writer.hintChunks])
      for (const pack of chunks?.reusedPacks ?? []) packs.add(pack)
    return packs
  }

  /** Where each component is believed that is not, in this snapshot. */
  #known(components: ReadonlyMap<string, ComponentToSeal>): Map<string, SnapshotId> {
    const known = new Map<string, SnapshotId>()
    for (const [component, { id }] of this.#start.trusted) {
      const here = components.get(component)
      if (here === undefined || here.record.suspect !== undefined) known.set(component, id)
    }
    return known
  }

  /** Who has the number we wanted; `undefined` when he is gone again or damaged: the next number decides. */
  async #winner(id: SnapshotId): Promise<LoadedSnapshot | undefined> {
    try {
      return await this.#cache.load(id)
    } catch (error) {
      if (isTorikiError(error, 'snapshot-not-found') || isTorikiError(error, 'seal-broken')) return undefined
      throw error
    }
  }

  /** Reads the index when a chunk must be looked up for the first time. */
  #openPacks(): Promise<PackStore> {
    this.#packs ??= (async () => {
      const { store, random } = this.#context.platform
      const { sliceId, keys } = this.#context
      const { beforeFullPack } = this.#options
      const packs = new PackStore({ store, random, sliceId, keys, beforeFullPack })
      packs.condemn(this.#start.condemned.packs)
      const index = await packs.index()
      // A pack that an index object names and that is not there was pruned: whoever wrote the object was late.
      const present = await listPacks(this.#context)
      packs.condemn(index.packIds().filter((id) => !present.has(id)))
      this.#packStore = packs
      return packs
    })()
    return this.#packs
  }

  #result(snapshot: Snapshot, created: boolean): CommitResult {
    const stored = this.#packStore?.stored ?? { bytes: 0, objects: 0 }
    return {
      snapshot,
      created,
      bytesRead: this.#bytesRead,
      bytesStored: stored.bytes + this.#put.bytes,
      objectsPut: stored.objects + this.#put.objects,
    }
  }
}

function named(hints: CapturedHints | undefined, earlier: StoredComponent | undefined): StoredHints | undefined {
  return hints === undefined ? earlier?.hints : { root: hints.root, chunks: hints.chunks.used }
}

/** Does the snapshot that is there hold every component that we could give? */
function addsNothing(mine: ReadonlyMap<string, unknown>, committed: LoadedSnapshot): boolean {
  return [...mine.keys()].every((component) => committed.document.components.has(component))
}
