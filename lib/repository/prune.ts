/**
 * Prune of one slice (docs/format.md, "Forget and prune"): condemns packs that nothing names and snapshot objects that are forgotten and hold nothing for others; and
 * deletes what was condemned long enough ago and still is not needed. No lock: whoever writes beside looks twice at what is condemned. Two at once, and one that was cut
 * off anywhere and runs again, lose nothing that is named. Opens no content.
 */
import { listAll } from '../platform/object-store/port.ts'
import type { ObjectInfo } from '../platform/object-store/port.ts'
import { base32 } from './base32.ts'
import { GRACE_MS, readCondemned } from './condemned.ts'
import { rewriteIndex } from './index-rewrite.ts'
import type { PruneCounts, PruneOptions, PruneReport } from './maintenance.ts'
import { addMarks, readMarks } from './marks.ts'
import { packPath, packPrefix } from './object-paths.ts'
import { PackStore } from './pack-store.ts'
import { Reach } from './reach.ts'
import { isSafetySnapshot } from './safety-snapshot.ts'
import { sealJson } from './sealed-json.ts'
import { slicePath } from './slice-context.ts'
import { SnapshotCache, SnapshotChunks } from './snapshot-chunks.ts'
import { compareSnapshotIds, parseSnapshotId } from './snapshot-id.ts'
import { loadCheckpoint } from './snapshot-object.ts'
import type { ChunkSort } from './chunk-store.ts'
import type { SliceContext } from './slice-context.ts'
import type { SnapshotId } from './snapshot.ts'

interface StoredPack {
  readonly sort: ChunkSort
  readonly sizeBytes: number
  readonly modifiedAt: Date
}

/** @throws TorikiError `object-not-found`, `seal-broken` when something that is kept cannot be read: then nothing is deleted. */
export async function pruneSlice(context: SliceContext, options: PruneOptions): Promise<PruneReport> {
  const found = await survey(context, options)
  const deleted = await sweep(context, found, options)
  const condemned = await condemn(context, found, options)
  const kept = [...found.reach.packs].map(([id, bytes]) => ({ bytes, pack: found.packs.get(id) }))
  return {
    deleted,
    condemned,
    waiting: countsOf(found, found.waiting),
    rescued: [...found.mature.packs].filter((id) => found.reach.packs.has(id)).length,
    kept: {
      packs: kept.length,
      neededBytes: kept.reduce((sum, { bytes }) => sum + bytes, 0),
      storedBytes: kept.reduce((sum, { pack }) => sum + (pack?.sizeBytes ?? 0), 0),
    },
  }
}

interface Condemnable {
  readonly packs: ReadonlySet<string>
  readonly snapshots: ReadonlySet<SnapshotId>
}

interface Survey {
  /** The store's clock. */
  readonly at: Date
  readonly packs: ReadonlyMap<string, StoredPack>
  readonly snapshots: ReadonlyMap<SnapshotId, ObjectInfo>
  readonly forgotten: ReadonlyMap<SnapshotId, string>
  /** Earlier numbers of a run, which a later one speaks for. */
  readonly overruled: ReadonlyMap<SnapshotId, string>
  /** Of runs that have ended. */
  readonly deadCheckpoints: readonly ObjectInfo[]
  /** Older than the grace time. */
  readonly isOld: (one: { readonly modifiedAt: Date }) => boolean
  readonly mature: Condemnable & { readonly objects: readonly string[] }
  readonly waiting: Condemnable
  readonly reach: Reach
}

/**
 * What is condemned is read first: whatever is named after that was named by somebody who saw it too. Then what names, then what is named, so that no snapshot is met
 * whose packs were not listed.
 */
async function survey(context: SliceContext, options: PruneOptions): Promise<Survey> {
  const { store, random } = context.platform
  const { sliceId, keys } = context
  const condemned = await readCondemned(context)
  const at = condemned.at
  const snapshots = await listFolder(context, 'snapshots', (id) => parseSnapshotId(id) !== undefined)
  const checkpoints = await listFolder(context, 'checkpoints')
  const packs = await listPacks(context)
  const packStore = new PackStore({ store, random, sliceId, keys })
  const cache = new SnapshotCache(context)
  const reach = new Reach({
    context,
    index: await packStore.index(),
    // Of copies the newest is kept that is not condemned: what was packed anew frees the old, and nothing is rescued that has a copy.
    rank: (id) => {
      const pack = packs.get(id)
      if (pack === undefined) return -1
      return (condemned.packs.has(id) ? 0 : Number.MAX_SAFE_INTEGER / 2) + pack.modifiedAt.getTime()
    },
    open: (inline) => new SnapshotChunks(context, inline, cache, () => Promise.resolve(packStore)),
    signal: options.signal,
  })
  const isRunOpen = asksOnce(options.isRunOpen)
  const marks = await readMarks(context)
  const overruled = new Map<SnapshotId, string>()
  const speaking = new Set<string>()
  const hinted = new Set<string>()
  // Of a run the highest number speaks.
  for (const id of [...snapshots.keys()].sort((a, b) => compareSnapshotIds(b, a))) {
    if (marks.forgotten.has(id)) continue
    const run = parseSnapshotId(id)?.run ?? id
    const { digest, document } = await cache.load(id)
    // While the run is open, another worker may be about to take over what a lower number holds.
    if (speaking.has(run) && !isSafetySnapshot(id) && !(await isRunOpen(run))) {
      overruled.set(id, digest)
      continue
    }
    speaking.add(run)
    for (const [name, component] of document.components) {
      await reach.add(component)
      // Of older snapshots nobody asks them any more.
      if (component.hints !== undefined && !hinted.has(name)) await reach.addHints(component.hints)
      hinted.add(name)
    }
  }
  const isOld = ({ modifiedAt }: { readonly modifiedAt: Date }): boolean =>
    at.getTime() - modifiedAt.getTime() > GRACE_MS
  const deadCheckpoints: ObjectInfo[] = []
  for (const [name, object] of checkpoints) {
    if (await isRunOpen(name.slice(0, name.indexOf('.')))) await reachCheckpoint(context, name, packs, reach)
    else if (isOld(object)) deadCheckpoints.push(object)
  }
  const objects = [...condemned.objects]
  const mature = objects.filter(([, one]) => isOld(one))
  return {
    ...{ at, packs, snapshots, overruled, deadCheckpoints, reach, isOld },
    forgotten: marks.forgotten,
    mature: { ...union(mature), objects: mature.map(([key]) => key) },
    waiting: union(objects.filter(([, one]) => !isOld(one))),
  }
}

/** A checkpoint that lists a pack that is gone is used by nobody. */
async function reachCheckpoint(
  context: SliceContext,
  name: string,
  packs: ReadonlyMap<string, StoredPack>,
  reach: Reach,
): Promise<void> {
  const { components, partial, packs: listed } = await loadCheckpoint(context, name)
  if (!listed.every((pack) => packs.has(pack))) return
  for (const component of [...components.values(), ...(partial ? [partial] : [])]) {
    await reach.add(component)
    if (component.hints !== undefined) await reach.addHints(component.hints)
  }
  for (const pack of listed) reach.need(pack)
}

async function listPacks(context: SliceContext): Promise<ReadonlyMap<string, StoredPack>> {
  const packs = new Map<string, StoredPack>()
  for (const sort of ['tree', 'content'] as const) {
    const prefix = packPrefix(context.sliceId, sort)
    for await (const { key, sizeBytes, modifiedAt } of listAll(context.platform.store, prefix))
      packs.set(key.slice(prefix.length), { sort, sizeBytes, modifiedAt })
  }
  return packs
}

async function listFolder(
  context: SliceContext,
  folder: 'snapshots' | 'checkpoints',
  isMeant: (name: string) => boolean = () => true,
): Promise<ReadonlyMap<string, ObjectInfo>> {
  const prefix = slicePath(context, folder)
  const objects = new Map<string, ObjectInfo>()
  for await (const object of listAll(context.platform.store, prefix)) {
    const name = object.key.slice(prefix.length)
    if (isMeant(name)) objects.set(name, object)
  }
  return objects
}

function asksOnce(ask: (run: string) => Promise<boolean>): (run: string) => Promise<boolean> {
  const answers = new Map<string, Promise<boolean>>()
  return async (run) => {
    const answer = answers.get(run) ?? ask(run)
    answers.set(run, answer)
    return await answer
  }
}

/** The second phase: an index without them, packs and snapshot objects, and last what condemned them. */
async function sweep(context: SliceContext, found: Survey, { apply, signal }: PruneOptions): Promise<PruneCounts> {
  const { store } = context.platform
  const { reach, mature, packs, snapshots, deadCheckpoints } = found
  const gone = new Set([...mature.packs].filter((id) => !reach.packs.has(id)))
  const goneSnapshots = [...mature.snapshots].filter((id) => !reach.holders.has(id) && found.forgotten.has(id))
  const index = await rewriteIndex(context, (id) => gone.has(id), { apply })
  if (apply) {
    for (const id of gone) {
      signal.throwIfAborted()
      const pack = packs.get(id)
      if (pack !== undefined) await store.delete(packPath(context.sliceId, pack.sort, id))
    }
    for (const id of goneSnapshots) await store.delete(slicePath(context, 'snapshots', id))
    for (const { key } of deadCheckpoints) await store.delete(key)
    for (const key of mature.objects) await store.delete(key)
  }
  const counts = countsOf(found, { packs: gone, snapshots: new Set(goneSnapshots) })
  const bytes = counts.bytes + sum(deadCheckpoints.map(({ sizeBytes }) => sizeBytes)) + index.deletedBytes
  const there = {
    packs: [...gone].filter((id) => packs.has(id)),
    snapshots: goneSnapshots.filter((id) => snapshots.has(id)),
  }
  return {
    packs: there.packs.length,
    snapshots: there.snapshots.length,
    checkpoints: deadCheckpoints.length,
    indexes: index.old.length,
    bytes,
  }
}

/** The first phase. What is young may belong to a capture that has not committed yet. */
async function condemn(context: SliceContext, found: Survey, { apply }: PruneOptions): Promise<PruneCounts> {
  const { at, packs, snapshots, reach, waiting, mature, overruled, forgotten, isOld } = found
  const dead = [...packs].filter(
    ([id, pack]) => isOld(pack) && !reach.packs.has(id) && !waiting.packs.has(id) && !mature.packs.has(id),
  )
  const deadSnapshots = [...snapshots].filter(
    ([id]) =>
      (forgotten.has(id) || overruled.has(id)) &&
      !reach.holders.has(id) &&
      !waiting.snapshots.has(id) &&
      !mature.snapshots.has(id),
  )
  const what = { packs: new Set(dead.map(([id]) => id)), snapshots: new Set(deadSnapshots.map(([id]) => id)) }
  if (apply && what.packs.size + what.snapshots.size > 0) {
    const newly = deadSnapshots.flatMap(([id]) => {
      const digest = overruled.get(id)
      return digest === undefined ? [] : [{ id, digest }]
    })
    if (newly.length > 0) await addMarks(context, { forgotten: newly })
    const { store, random } = context.platform
    const path = slicePath(context, 'condemned', base32(random.bytes(16)))
    const document = { since: at.toISOString(), packs: [...what.packs], snapshots: [...what.snapshots] }
    const place = { parentKey: context.keys.treeKey, kind: 'condemned', path, random } as const
    await store.create(path, sealJson(place, document))
  }
  return countsOf(found, what)
}

function countsOf({ packs, snapshots }: Survey, what: Condemnable): PruneCounts {
  return {
    packs: what.packs.size,
    snapshots: what.snapshots.size,
    checkpoints: 0,
    indexes: 0,
    bytes:
      sum([...what.packs].map((id) => packs.get(id)?.sizeBytes)) +
      sum([...what.snapshots].map((id) => snapshots.get(id)?.sizeBytes)),
  }
}

function union(
  objects: readonly (readonly [string, { readonly packs: readonly string[]; readonly snapshots: readonly string[] }])[],
): {
  readonly packs: ReadonlySet<string>
  readonly snapshots: ReadonlySet<SnapshotId>
} {
  return {
    packs: new Set(objects.flatMap(([, { packs }]) => packs)),
    snapshots: new Set(objects.flatMap(([, { snapshots }]) => snapshots)),
  }
}

function sum(numbers: readonly (number | undefined)[]): number {
  return numbers.reduce<number>((total, one) => total + (one ?? 0), 0)
}
