/**
 * What a capture finds when it begins: what is condemned, the snapshots it is compared with, and what earlier attempts of its run left behind.
 *
 * Four lists (condemned, snapshots, marks, checkpoints of the run), and for an unchanged slice one read: the newest snapshot. What is condemned is
 * listed before anything else is read.
 */
import { isTorikiError } from '../errors.ts'
import { listAll } from '../platform/object-store/port.ts'
import { readCondemned } from './condemned.ts'
import { areHeld, checkpointName, componentsOf, listCheckpoints, readProgress } from './checkpoints.ts'
import { readMarks } from './marks.ts'
import { slicePath } from './slice-context.ts'
import { isSafetySnapshot } from './safety-snapshot.ts'
import { compareSnapshotIds, parseSnapshotId } from './snapshot-id.ts'
import { isMixed } from './snapshot-view.ts'
import type { Condemned } from './condemned.ts'
import type { Marks } from './marks.ts'
import type { CaptureOptions } from './repository.ts'
import type { SliceContext } from './slice-context.ts'
import type { SnapshotCache } from './snapshot-chunks.ts'
import type { Progress } from './checkpoints.ts'
import type { InlineChunk, InlineChunks, StoredComponent } from './snapshot-document.ts'
import type { LoadedSnapshot } from './snapshot-object.ts'
import type { ComponentRecord, SnapshotId } from './snapshot.ts'

export interface CaptureStart {
  readonly condemned: Condemned
  /** The newest snapshot of another run. */
  readonly parent: LoadedSnapshot | undefined
  /** Per component, the newest snapshot of another run in which it is believed. */
  readonly trusted: ReadonlyMap<string, { readonly id: SnapshotId; readonly record: ComponentRecord }>
  /** Per component, the newest that is stored, believed or not: what an unchanged source is compared with. */
  readonly previous: ReadonlyMap<string, StoredComponent>
  /** Chunks in snapshot objects that are there and not condemned. */
  readonly reusable: InlineChunks
  /** The snapshot that speaks for this run so far. */
  readonly committed: LoadedSnapshot | undefined
  /** The number of this run's next snapshot. */
  readonly nextSnapshot: number
  /** What earlier parts of this run left. */
  readonly progress: Progress
  /** The highest marks; `undefined`: there are none. */
  readonly marks: number | undefined
  /** The name of the next checkpoint of this part, or of this hop of a range. */
  readonly nextCheckpoint: string
}

export async function readCaptureStart(
  context: SliceContext,
  cache: SnapshotCache,
  { run, part, range }: { readonly run: string; readonly part: number; readonly range?: CaptureOptions['range'] },
): Promise<CaptureStart> {
  const condemned = await readCondemned(context)
  const [ids, marks, checkpoints] = await Promise.all([
    listSnapshotIds(context),
    readMarks(context),
    listCheckpoints(context, run),
  ])
  const live = ids.filter((id) => !marks.forgotten.has(id) && !condemned.snapshots.has(id))
  const loader = new Loader(context, cache)
  const history = await readHistory(
    live.filter((id) => parseSnapshotId(id)?.run !== run && !isSafetySnapshot(id)),
    marks,
    loader,
  )

  const ofRun = (id: SnapshotId): boolean => parseSnapshotId(id)?.run === run
  // A holder that was listed and is not condemned is there; one that was lost is healed by storing its chunks again.
  const present = new Set(ids)
  const isHeld = ({ holder }: InlineChunk): boolean => present.has(holder) && !condemned.snapshots.has(holder)
  const own = await loader.newest(live.filter(ofRun))
  const committed = own && areHeld(own.document.components.values(), isHeld) ? own : undefined
  // A number that a forgotten snapshot had would make the next one count as forgotten.
  const taken = [...ids, ...marks.forgotten.keys()].filter(ofRun).map((id) => parseSnapshotId(id)?.n ?? 0)

  const progress = await readProgress(context, checkpoints, { condemned, isHeld, range: range?.number })
  const stored = [...history.loaded, ...(committed ? [committed] : [])].flatMap(({ document }) => [
    ...document.components.values(),
  ])
  const reusable = new Map<string, InlineChunk>()
  for (const { chunks, hints } of [...stored, ...progress.documents.flatMap(componentsOf)]) {
    for (const [id, chunk] of [...chunks, ...(hints?.chunks ?? [])]) if (isHeld(chunk)) reusable.set(id, chunk)
  }
  const place = { range: range?.number, part: Math.max(range?.hop ?? part, progress.reached) }
  const before = checkpoints.filter((one) => one.range === place.range && one.part === place.part)
  const nextCheckpoint = checkpointName(run, { ...place, n: Math.max(0, ...before.map(({ n }) => n)) + 1 })
  const previous = new Map<string, StoredComponent>()
  for (const { document } of history.loaded)
    for (const [component, one] of document.components) if (!previous.has(component)) previous.set(component, one)
  return {
    condemned,
    parent: history.loaded[0],
    trusted: history.trusted,
    previous,
    reusable,
    committed,
    nextSnapshot: Math.max(0, ...taken) + 1,
    progress,
    marks: marks.n === 0 ? undefined : marks.n,
    nextCheckpoint,
  }
}

/** Newest first. What is no snapshot's name is passed over. */
export async function listSnapshotIds(context: SliceContext): Promise<SnapshotId[]> {
  const prefix = slicePath(context, 'snapshots')
  const ids: SnapshotId[] = []
  for await (const { key } of listAll(context.platform.store, prefix)) {
    const id = key.slice(prefix.length)
    if (parseSnapshotId(id) !== undefined) ids.push(id)
  }
  return ids.sort((a, b) => compareSnapshotIds(b, a))
}

/**
 * Finds, per component, the newest snapshot in which it is believed, without reading the whole history: each snapshot says where that is for what it
 * does not hold itself, so only those are opened that the newest one cannot have known of, and those that were accepted later.
 */
async function readHistory(
  ids: readonly SnapshotId[],
  marks: Marks,
  loader: Loader,
): Promise<Pick<CaptureStart, 'trusted'> & { readonly loaded: readonly LoadedSnapshot[] }> {
  const loaded: LoadedSnapshot[] = []
  const trusted = new Map<string, { readonly id: SnapshotId; readonly record: ComponentRecord }>()
  /** Components that are not believed in what was opened, and where the newest snapshot says they are. */
  const open = new Map<string, SnapshotId | undefined>()
  const take = (snapshot: LoadedSnapshot): void => {
    loaded.push(snapshot)
    for (const [component, { record }] of snapshot.document.components) {
      if (trusted.has(component)) continue
      if (isBelieved(snapshot, record, marks)) {
        trusted.set(component, { id: snapshot.id, record })
        open.delete(component)
      } else if (!open.has(component)) open.set(component, undefined)
    }
    for (const [component, id] of snapshot.document.known)
      if (!trusted.has(component) && open.get(component) === undefined) open.set(component, id)
  }

  let parent: SnapshotId | undefined
  for (const id of ids) {
    // The parent had been read when its child was made, and so had everything before it.
    if (parent !== undefined && compareSnapshotIds(id, parent) <= 0) break
    const snapshot = await loader.load(id)
    if (snapshot === undefined) continue
    take(snapshot)
    parent ??= snapshot.document.parent?.id
  }
  for (const [component, known] of open) {
    const isCandidate = (id: SnapshotId): boolean =>
      id === known || (marks.accepted.has(id) && (known === undefined || compareSnapshotIds(id, known) > 0))
    const candidates = ids.filter(isCandidate)
    // Where it should be is gone: the whole history is asked.
    if (known !== undefined && !candidates.includes(known))
      candidates.push(...ids.filter((id) => compareSnapshotIds(id, known) < 0))
    for (const id of candidates) {
      const snapshot = loaded.find((one) => one.id === id) ?? (await loader.load(id))
      const record = snapshot?.document.components.get(component)?.record
      if (snapshot === undefined || record === undefined) continue
      if (!isBelieved(snapshot, record, marks)) continue
      trusted.set(component, { id, record })
      if (!loaded.includes(snapshot)) loaded.push(snapshot)
      break
    }
  }
  return { trusted, loaded }
}

function isBelieved({ id, document }: LoadedSnapshot, { suspect }: ComponentRecord, marks: Marks): boolean {
  return marks.accepted.has(id) || (suspect === undefined && !isMixed(document, marks.claims))
}

/** Opens snapshots for a capture, which must not fail because an old one is damaged: that is for `check` to report. */
class Loader {
  readonly #context: SliceContext
  readonly #cache: SnapshotCache

  constructor(context: SliceContext, cache: SnapshotCache) {
    this.#context = context
    this.#cache = cache
  }

  async load(id: SnapshotId): Promise<LoadedSnapshot | undefined> {
    try {
      return await this.#cache.load(id)
    } catch (error) {
      if (!isTorikiError(error, 'seal-broken') && !isTorikiError(error, 'snapshot-not-found')) throw error
      const ids = { slice: this.#context.sliceId, snapshot: id, code: error.code }
      this.#context.platform.log.write('warn', 'snapshot-passed-over', ids)
      return undefined
    }
  }

  /** The first that opens. */
  async newest(ids: readonly SnapshotId[]): Promise<LoadedSnapshot | undefined> {
    for (const id of ids) {
      const snapshot = await this.load(id)
      if (snapshot !== undefined) return snapshot
    }
    return undefined
  }
}
