/**
 * One snapshot in the making, and its commit (docs/format.md, "Commit"): packs, then index, then the snapshot, which alone makes everything before it
 * count. Double delivery, a lost answer and two workers at once end in one snapshot; a kill anywhere leaves garbage for prune and nothing else.
 */
import assert from 'node:assert/strict'
import { isTorikiError, TorikiError } from '../errors.ts'
import { readCaptureStart } from './capture-start.ts'
import { addsNothing, believedElsewhere, toKeep, toSeal } from './captured.ts'
import { Chunker, gearTable } from './chunker.ts'
import { ComponentChunks } from './component-chunks.ts'
import { ComponentWriter, throwIfAborted } from './component-writer.ts'
import { KnownMap } from './known-map.ts'
import { goingOnFrom } from './checkpoints.ts'
import { lookAgain } from './condemned.ts'
import { ContentWriter } from './content-writer.ts'
import { joinRanges } from './join-ranges.ts'
import { openPacks } from './open-packs.ts'
import { Pipeline } from './pipeline.ts'
import { PlannedRanges, within } from './planned-ranges.ts'
import { slicePath } from './slice-context.ts'
import { SnapshotChunks } from './snapshot-chunks.ts'
import { formatSnapshotId } from './snapshot-id.ts'
import { loadCheckpoint, sealCheckpoint, sealSnapshot } from './snapshot-object.ts'
import { snapshotOf } from './snapshot-view.ts'
import type { FileReading } from '../resources/file-reading.ts'
import type { JsonObject } from '../resources/json.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Resource } from '../resources/resource.ts'
import type { KnownEntries } from '../resources/known-entries.ts'
import type { CaptureStart } from './capture-start.ts'
import type { Captured } from './captured.ts'
import type { Capture, CaptureOptions, CommitResult, StoreOptions } from './repository.ts'
import type { PackStore } from './pack-store.ts'
import type { SliceContext } from './slice-context.ts'
import type { SnapshotCache } from './snapshot-chunks.ts'
import type {
  CaptureDocument,
  CheckpointDocument,
  InlineChunks,
  PartialComponent,
  StoredComponent,
} from './snapshot-document.ts'
import type { LoadedSnapshot } from './snapshot-object.ts'
import type { ComponentRecord, MissingComponent, Snapshot, SnapshotId } from './snapshot.ts'

/** Racing attempts each add a component before they win: more rounds than components cannot be. */
const COMMIT_TRIES_MAX = 100

export class SliceCapture implements Capture {
  readonly finished: Readonly<Record<string, ComponentRecord>>
  readonly resume: { readonly component: string; readonly after: ResourceKey } | undefined
  readonly ranges: PlannedRanges
  readonly #context: SliceContext
  readonly #cache: SnapshotCache
  readonly #options: CaptureOptions
  readonly #start: CaptureStart
  /** What earlier parts of the run left, and this one goes on from. */
  readonly #from: CheckpointDocument | undefined
  readonly #time: string
  readonly #writer: string
  readonly #contents: ContentWriter
  readonly #captured = new Map<string, Captured>()
  readonly #knownMaps = new Map<string, { readonly map: KnownMap; readonly chunks: ComponentChunks }>()
  /** The component whose reading the signal ended, as far as it came. */
  #open: { readonly component: string; readonly writer: ComponentWriter; readonly options: StoreOptions } | undefined
  /** The earlier part's map of the component being read, until that is taken into a new one. */
  #partial: PartialComponent | undefined
  /** The range was read to its end. */
  #isWhole = false
  /** Of the component being read. */
  #pipeline: Pipeline | undefined
  #packs: Promise<PackStore> | undefined
  #packStore: PackStore | undefined
  #bytesRead = 0
  #put = { bytes: 0, objects: 0 }

  static async begin(context: SliceContext, cache: SnapshotCache, options: CaptureOptions): Promise<SliceCapture> {
    const time = context.platform.clock.now().toISOString()
    const { run, part = 0, range } = options
    const start = await readCaptureStart(context, cache, { run, part, range })
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
    this.#from = goingOnFrom(start.progress, options.range?.number)
    // Who asks what happened while it was read must hear of the first part too.
    this.#time = this.#from?.time ?? time
    this.#writer = context.platform.random.bytes(16).toString('hex')
    this.#contents = new ContentWriter(new Chunker(gearTable(context.keys.gearKey)), context.formats.list)
    const { committed } = start
    const done = new Map(committed?.document.components)
    for (const [component, earlier] of this.#from?.components ?? []) {
      if (done.has(component)) continue
      done.set(component, earlier)
      this.#captured.set(component, { record: earlier.record, chunks: undefined, hints: undefined, earlier })
    }
    this.finished = Object.fromEntries([...done].map(([component, { record }]) => [component, record]))
    const partial = this.#from?.partial
    if (partial !== undefined && !done.has(partial.component)) this.#partial = partial
    this.ranges = new PlannedRanges(context, {
      ...{ start, cache, done, partial: this.#partial, range: options.range?.number },
      openPacks: () => this.#openPacks(),
    })
    const { mine } = this.ranges
    if (mine?.after !== undefined) this.resume = { component: mine.component, after: mine.after }
    else if (mine === undefined && this.#partial !== undefined)
      this.resume = { component: this.#partial.component, after: this.#partial.lastKey }
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

  reading({ isKnown = false }: { readonly isKnown?: boolean } = {}): FileReading | undefined {
    const { threads } = this.#context.platform
    if (threads === undefined) return undefined
    const isLook = this.#options.contentBytesMax !== undefined
    this.#pipeline = new Pipeline(threads, {
      sliceId: this.#context.sliceId,
      keys: this.#context.keys,
      signal: this.#options.signal,
      isKnown,
      openPacks: isLook
        ? undefined
        : async () => {
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
    const writer = await this.#read(component, resources, options)
    const record = await writer.finish(options)
    const root = await writer.finishHints()
    const hints = root === undefined ? undefined : { root, chunks: writer.hintChunks }
    this.#captured.set(component, { record, chunks: writer.chunks, hints, earlier: undefined })
    return record
  }

  async storeRange(resources: AsyncIterable<Resource | readonly Resource[]>, options: StoreOptions): Promise<void> {
    const { mine } = this.ranges
    assert(mine !== undefined && !mine.isWhole, 'a range that is not whole')
    const { component } = mine
    const writer = await this.#read(component, within(mine, resources), options)
    this.#open = { component, writer, options }
    this.#isWhole = true
  }

  async divide(component: string, of: JsonObject, borders: readonly ResourceKey[]): Promise<'kept' | 'lost'> {
    this.ranges.plan(component, of, borders)
    return await this.checkpoint()
  }

  async join(): Promise<ComponentRecord> {
    const { component, parts } = this.ranges.whole()
    const [chunks, hintChunks] = [this.#chunksFor(), this.#chunksFor()]
    const stores = { chunks, hintChunks, cache: this.#cache, openPacks: () => this.#openPacks() }
    const { record, hints } = await joinRanges(this.#context, parts, stores)
    this.#captured.set(component, { record, chunks, hints, earlier: undefined })
    this.ranges.forget()
    this.#partial = undefined
    return record
  }

  /** Everything there is, as the writer's map; after an abort, what came until then, for `checkpoint`. */
  async #read(
    component: string,
    resources: AsyncIterable<Resource | readonly Resource[]>,
    options: StoreOptions,
  ): Promise<ComponentWriter> {
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
    return writer
  }

  suspect(component: string, reason: string): void {
    const captured = this.#captured.get(component)
    assert(captured !== undefined, 'only what this capture stored can be named suspect')
    captured.record = { ...captured.record, suspect: reason }
  }

  async checkpoint(): Promise<'kept' | 'lost'> {
    const components = await toKeep(this.#captured)
    const partial = await this.#finishPartial()
    const capture = await this.#flush(components.values(), partial)
    const packs = [...this.#namedPacks()].sort()
    const document = { ...capture, components, partial, packs, ...this.ranges.told(this.#isWhole) }
    const name = this.#start.nextCheckpoint
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
    const mine = toSeal(this.#captured)
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
          known: believedElsewhere(this.#start.trusted, components),
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
    // What was read before the ranges is needed for the join: another component begins anew instead.
    if (this.#open === undefined || (this.ranges.component !== undefined && this.ranges.mine === undefined))
      return this.#partial
    const { component, writer, options } = this.#open
    const { lastKey = this.#isWhole ? Buffer.alloc(0) : undefined } = writer
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
      since: committed?.document.since ?? parent?.document.since ?? this.#from?.since ?? this.#time,
      writer: this.#writer,
      parent: parent && { id: parent.id, digest: parent.digest },
      marks: this.#start.marks,
      owned: this.#context.isOwned,
      indexes: [...(this.#from?.indexes ?? []), ...(this.#packStore?.indexNames ?? [])],
    }
  }

  /** Every pack that this capture wrote, reused chunks of, or took over from an earlier part. */
  #namedPacks(): Set<string> {
    const packs = new Set(this.#from?.packs)
    for (const { packId } of this.#packStore?.packs ?? []) packs.add(packId)
    const writers = [...this.#captured.values()].flatMap(({ chunks, hints }) => [chunks, hints?.chunks])
    for (const chunks of [...writers, this.#open?.writer.chunks, this.#open?.writer.hintChunks])
      for (const pack of chunks?.reusedPacks ?? []) packs.add(pack)
    return packs
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
    this.#packs ??= openPacks(this.#context, this.#start.condemned, this.#options.beforeFullPack).then(
      (packs) => (this.#packStore = packs),
    )
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
