/**
 * The repository as the other rooms see it: one deployment, in it one small repository per slice and generation.
 * It knows resources, keys and content; it knows no component, no run and no policy. Format and protocol: docs/format.md.
 */
import type { ElsewhereContent } from '../resources/file-making.ts'
import type { FileReading } from '../resources/file-reading.ts'
import type { CanonicalText, JsonObject } from '../resources/json.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { KnownEntries } from '../resources/known-entries.ts'
import type { ContentPart, Note, Resource } from '../resources/resource.ts'
import type { SliceName } from '../resources/slice.ts'
import type {
  CheckOptions,
  CheckReport,
  CompactOptions,
  CompactReport,
  PruneOptions,
  PruneReport,
  RebuiltIndex,
} from './maintenance.ts'
import type { ComponentRecord, MissingComponent, NoteSummary, Snapshot, SnapshotId } from './snapshot.ts'

/** What the credentials in use may unwrap. `write` and `read-trees` never open content. */
export type Access = 'write' | 'read-trees' | 'read-content'

export interface DeploymentRepository {
  readonly name: string
  /** Random id given at creation; in every wrap context. */
  readonly id: string
  /** The opaque id under which this slice's objects and events stand, for the given generation (1 is the first). Never reveals the name. */
  sliceId(slice: SliceName, generation: number): string
  /**
   * Opens the newest generation of a slice. With access `write` keys are made when there are none, and a known identity that differs from the
   * recorded owner opens the next generation. With read access a slice without history gives `undefined`.
   * One key-service call, two for `read-content`; the same again for each earlier generation of the name that another person ended. A generation that was
   * erased is passed over for writing. @throws TorikiError `slice-erased` for reading what was erased.
   */
  openSlice(slice: SliceName, options: OpenSliceOptions & { readonly access: 'write' }): Promise<SliceRepository>
  openSlice(slice: SliceName, options: OpenSliceOptions): Promise<SliceRepository | undefined>
  /** Sealed JSON records outside slices (`runs/…`, `restores/…`), under the run key. */
  readonly records: SealedRecords
}

export interface OpenSliceOptions {
  readonly access: Access
  /** Who the person is, when a component could tell. */
  readonly identity?: { readonly id: string; readonly createdAt?: Date } | undefined
  /** Open this generation instead of the newest. */
  readonly generation?: number | undefined
}

export interface SealedRecords {
  /** Create-only. `exists` when something is there (read it to learn what). A lost answer of this very create is told apart by a nonce and reads as `created`; another attempt with the same content reads as `exists`. */
  create(path: string, value: JsonObject | CanonicalText): Promise<'created' | 'exists'>
  /** `undefined` when there is none. @throws TorikiError `seal-broken`. */
  read(path: string): Promise<JsonObject | undefined>
  /** The same as canonical JSON, to be digested: nothing is made of it. */
  readText(path: string): Promise<Buffer | undefined>
  /** No error when it is not there. Only for what keeps the repository in order, of records whose time is over. */
  delete(path: string): Promise<void>
  /** Paths under the prefix that are greater than `after`, ascending, with the store's time. `after` lets a caller skip a whole run (`runs/<run>/~`). */
  list(
    prefix: string,
    /** `pageMax`: so many are asked for at a time, for whoever wants the first one only. */
    options?: { readonly after?: string; readonly pageMax?: number },
  ): AsyncIterable<{ readonly path: string; readonly modifiedAt: Date }>
}

export interface SliceRepository {
  readonly slice: SliceName
  readonly sliceId: string
  readonly generation: number
  /** Did this open begin a new generation because the name is another person's now? */
  readonly generationOpened: boolean
  /** Newest first. Opens one object per snapshot, as the iteration goes on. With `onBroken` one that does not open is told and passed over. */
  snapshots(options?: { readonly onBroken?: (id: SnapshotId) => void }): AsyncIterable<Snapshot>
  /** @throws TorikiError `snapshot-not-found`. */
  snapshot(id: SnapshotId): Promise<Snapshot>
  /** The newest snapshot in which this component is to be believed (not suspect, or accepted). */
  latest(component: string): Promise<Snapshot | undefined>
  /**
   * The component's resources in ascending key order, from `after` (exclusive), only those whose key begins with the parts of `under` (whole segments).
   * @throws TorikiError `resource-not-found` when the snapshot does not hold the component.
   */
  resources(
    snapshot: Snapshot,
    component: string,
    options?: { readonly after?: ResourceKey; readonly under?: ResourceKey; readonly onLost?: OnLost },
  ): AsyncIterable<StoredResource>
  /** The keys alone, ascending, some at a time; nothing is made of what is stored under them. @throws as `resources`. */
  keys(
    snapshot: Snapshot,
    component: string,
    options?: { readonly onLost?: OnLost },
  ): AsyncIterable<readonly ResourceKey[]>
  /** One resource, by reading one node per level. */
  resource(snapshot: Snapshot, component: string, key: ResourceKey): Promise<StoredResource | undefined>
  /**
   * Compares two maps, skipping equal subtrees; ascending key order, some at a time. A side without the component counts as the empty map. With `onLost` what lies in a
   * range that was told says nothing, on either side.
   */
  diff(
    component: string,
    before: Snapshot,
    after: Snapshot,
    options?: { readonly onLost?: OnLost },
  ): AsyncIterable<readonly StoredDifference[]>
  /** `state` and `kept` whole (opens content when they were too long to stand in the tree: then needs access `read-content`). */
  body(resource: StoredResource): Promise<{ readonly state: JsonObject; readonly kept: JsonObject }>
  /** The bytes, holes included, of a file or a secret. Needs access `read-content`. @throws TorikiError `content-locked`, `seal-broken`. */
  content(
    reference: ContentReference,
    range?: { readonly offset: number; readonly length: number },
  ): AsyncIterable<ContentPart>
  /** All of a short content, where it is there or as soon as it is; `undefined`: it is long, or cannot be read, and `content` says why. */
  shortContent(
    reference: ContentReference,
  ): readonly ContentPart[] | Promise<readonly ContentPart[] | undefined> | undefined
  /**
   * Contents opened and written by other threads; `undefined` where there are none, or enough goes on side by side. To be closed when nothing that was asked of it is unanswered. Needs access `read-content`.
   * @throws TorikiError `seal-broken` for an index object that does not open.
   */
  bringing(): Promise<Bringing | undefined>
  /** Finds many: what lies near the last one, before or behind, costs nothing to wait for. Not for use by two at once. */
  finder(snapshot: Snapshot, component: string): ResourceFinder
  /** Begins a snapshot of `run`. Access `write`. */
  capture(options: CaptureOptions): Promise<Capture>
  /**
   * Keeps other restores off the slice until it is released; what a backup reads meanwhile is `mixed`, unless the restore writes `elsewhere`, to another name or deployment. Gives the restore
   * that has the slice: this one, or another that has not let go. Idempotent.
   */
  claim(restore: string, options?: { readonly elsewhere?: boolean }): Promise<string>
  /** Lets go of what this restore claimed. Idempotent. */
  release(restore: string): Promise<void>
  /** Marks a suspect snapshot as true after all. Idempotent. */
  accept(id: SnapshotId): Promise<void>
  /** Marks snapshots as forgotten: nobody sees them any more, and prune may take them. What is forgotten or gone already is left alone. Also damaged ones. */
  forget(ids: readonly SnapshotId[]): Promise<void>
  /** Condemns what nothing names, deletes what was condemned long ago. @throws as `pruneSlice`. */
  prune(options: PruneOptions): Promise<PruneReport>
  /** Packs living chunks anew of which too many neighbours are dead; access `read-content`. Deletes nothing: what it freed prune takes. @throws as `compactSlice`. */
  compact(options: CompactOptions): Promise<CompactReport>
  /** Reads back and authenticates what is stored; access `read-content` for reading data. @throws as `checkSlice`. */
  check(options: CheckOptions): Promise<CheckReport>
  /** Is nothing of it in the store but keys and marks? Then there is nothing to read, to forget or to prune. */
  isEmpty(): Promise<boolean>
  /** Index objects that do not open, made anew from packs. @throws what the store throws. */
  rebuildIndex(): Promise<RebuiltIndex>
}

/** Contents of one slice, for other threads to write. */
export interface Bringing {
  of(reference: ContentReference): ElsewhereContent
  close(): void
}

export interface ResourceFinder {
  /** `undefined` also when the snapshot does not hold the component. @throws TorikiError for damage where it lies, which says nothing of the next key. */
  find(key: ResourceKey): StoredResource | undefined | Promise<StoredResource | undefined>
}

/** Opaque to other rooms, but for the size. */
export interface ContentReference {
  /** Holes included. */
  readonly sizeBytes: number
  /** Keyed digest of the plaintext, hex: equal digests, equal bytes (within one generation). */
  readonly digest: string
}

export interface StoredResource {
  readonly key: ResourceKey
  /** Present unless the body was too long for the tree; see `SliceRepository.body`. */
  readonly state: JsonObject | undefined
  readonly kept: JsonObject | undefined
  /** Digest of `state` with the digests of content and secrets, hex: what comparison means by "same". */
  readonly stateDigest: string
  readonly content?: ContentReference
  readonly secrets: Readonly<Record<string, ContentReference>>
}

/** Keys of which nothing can be read, because the node that has them is damaged or gone: behind `after`, up to `until`. */
export interface LostRange {
  /** Absent: from the first. */
  readonly after?: ResourceKey
  /** Absent: to the last, for it is the root. */
  readonly until?: ResourceKey
  /** How many there were; absent: nobody can tell. */
  readonly entries?: number
}

/** Told before anything behind the range is given; without it, damage is thrown. */
export type OnLost = (range: LostRange) => void

export interface StoredDifference {
  readonly key: ResourceKey
  readonly before: StoredResource | undefined
  readonly after: StoredResource | undefined
}

export interface CaptureOptions {
  readonly run: string
  /**
   * Of contents so many bytes are stored at most; more is named by its digest, and cannot be read. What other threads read is only named. For looks that nobody keeps.
   */
  readonly contentBytesMax?: number | undefined
  /** Ends reading; what was read so far is kept by `checkpoint`. */
  readonly signal: AbortSignal
  /** The part of a chain of continuations; 0 begins. */
  readonly part?: number
  /** One range of a component that is read in ranges: `Capture.ranges.mine` says which keys. `hop`: of the range's own chain of continuations. */
  readonly range?: { readonly number: number; readonly hop: number } | undefined
  /** Awaited before each full pack is sent, of which most captures have none: what it throws ends the capture. */
  readonly beforeFullPack?: (() => Promise<void>) | undefined
}

/** One snapshot in the making. Not for use by two at once; dropping it half-way leaves only garbage for prune. */
export interface Capture {
  /** Components that an earlier attempt of this run stored already: taken over, not read again. */
  readonly finished: Readonly<Record<string, ComponentRecord>>
  /** The component's record in the newest snapshot that is to be believed: what suspicion compares with. */
  trusted(component: string): ComponentRecord | undefined
  /** Where a continuation goes on: the component it was reading, and after which key. */
  readonly resume: { readonly component: string; readonly after: ResourceKey } | undefined
  /** What is stored of the component, for a reader that need not read again what did not change; `undefined`: nothing that could tell. Ask before `store`. */
  known(component: string): KnownEntries | undefined
  /** Threads that read files for the component that is stored next; `undefined`: there are none. Ask before `store`. `isKnown`: `known` is asked beside, so few files come here, and for a few no thread is started. */
  reading(options?: { readonly isKnown?: boolean }): FileReading | undefined
  /**
   * Stores one component's map in a single streaming pass; resources come one by one or in batches, of which only the last has content to be read. After an abort of the signal it throws; `checkpoint` may then keep what was stored.
   * @throws what `resources` throws: nothing of this component is then in the snapshot.
   */
  store(
    component: string,
    resources: AsyncIterable<Resource | readonly Resource[]>,
    options: StoreOptions,
  ): Promise<ComponentRecord>
  /** What is read in ranges. */
  readonly ranges: CaptureRanges
  /**
   * Plans the rest of a component to be read in ranges, and keeps the plan and the components stored so far as `checkpoint` does. `borders`: the last keys of all ranges but the last one;
   * `of`: what is read, as the component tells it.
   */
  divide(component: string, of: JsonObject, borders: readonly ResourceKey[]): Promise<'kept' | 'lost'>
  /** Reads the capture's own range, as `store`; then, and after an abort, only `checkpoint` is of use. */
  storeRange(resources: AsyncIterable<Resource | readonly Resource[]>, options: StoreOptions): Promise<void>
  /** Joins the ranges, when none is unfinished: the component is stored, with the same root as in one pass. */
  join(): Promise<ComponentRecord>
  /** Names the record suspect before the commit, with the reason. */
  suspect(component: string, reason: string): void
  /** Keeps the components stored so far and the map of the one being read, for a continuation. `lost`: another attempt went on from there already. */
  checkpoint(): Promise<'kept' | 'lost'>
  /**
   * The only commit. Adds nothing when an earlier attempt's snapshot says as much already.
   * @throws TorikiError `capture-stale` when prune went past this capture: start over.
   */
  commit(missing: readonly MissingComponent[]): Promise<CommitResult>
}

export interface CaptureRanges {
  /** Of the plan that the run has; `undefined`: none, or what it planned is stored. */
  readonly component: string | undefined
  readonly of: JsonObject | undefined
  /** Numbers of the ranges that are not whole. Of a capture of one range, which looks for no other: not to be asked. */
  readonly unfinished: readonly number[]
  /** The range that the capture is of. `undefined`: it is of none, or there is no such plan any more. */
  readonly mine: CaptureRange | undefined
  /** The plan is of no use: what was to be read has changed. */
  forget(): void
  /** Of the newest stored map of the component: up to so many ranges, fewer where it is small; only behind what this run has read of it. */
  borders(component: string, ranges: number): Promise<readonly ResourceKey[]>
  /** The same where nothing is stored: of these keys, which ascend, evenly. */
  bordersAmong(component: string, ranges: number, keys: readonly ResourceKey[]): readonly ResourceKey[]
  /** How much of the component is in the newest snapshot of another run, and what this run has read of it. */
  stored(component: string): {
    readonly before: ComponentRecord | undefined
    readonly now: ComponentRecord | undefined
    readonly lastKey: ResourceKey | undefined
  }
}

export interface CaptureRange {
  readonly component: string
  readonly of: JsonObject
  /** Begin with the first key greater than this one, which may be where an earlier hop stopped. */
  readonly after: ResourceKey | undefined
  /** The last key that belongs to it; `undefined`: to the end. */
  readonly until: ResourceKey | undefined
  /** Nothing is left to read of it. */
  readonly isWhole: boolean
}

export interface StoreOptions {
  readonly isContainer?: ((key: ResourceKey) => boolean) | undefined
  readonly source?: JsonObject | undefined
  /** Notes made so far by the reader; read when the component ended. */
  readonly notes: NoteCollection
  /** Told now and then: bytes read and stored, resources seen. For progress only. */
  readonly onProgress?:
    | ((progress: { readonly resources: number; readonly bytesRead: number; readonly bytesStored: number }) => void)
    | undefined
}

export interface NoteCollection {
  add(note: Note): void
  summaries(): readonly NoteSummary[]
}

export interface CommitResult {
  readonly snapshot: Snapshot
  /** False when the snapshot was there already. */
  readonly created: boolean
  readonly bytesRead: number
  /** Sealed bytes put by this capture. */
  readonly bytesStored: number
  /** Objects put by this capture, the snapshot included. */
  readonly objectsPut: number
}
