/**
 * What one slice's objects are to each other at a moment: what names, what is named, what is condemned. Prune and compact begin with it. Reads tree nodes only, and
 * writes nothing.
 */
import { listAll } from '../platform/object-store/port.ts'
import type { ObjectInfo } from '../platform/object-store/port.ts'
import { GRACE_MS, readCondemned } from './condemned.ts'
import type { PruneOptions } from './maintenance.ts'
import { readMarks } from './marks.ts'
import { listPacks } from './pack-listing.ts'
import type { StoredPack } from './pack-listing.ts'
import { PackStore } from './pack-store.ts'
import { Reach } from './reach.ts'
import { isSafetySnapshot } from './safety-snapshot.ts'
import { slicePath } from './slice-context.ts'
import { SnapshotCache, SnapshotChunks } from './snapshot-chunks.ts'
import { compareSnapshotIds, parseSnapshotId } from './snapshot-id.ts'
import { loadCheckpoint } from './snapshot-object.ts'
import type { ChunkIndex } from './chunk-index.ts'
import type { SliceContext } from './slice-context.ts'
import type { SnapshotId } from './snapshot.ts'

export interface Condemnable {
  readonly packs: ReadonlySet<string>
  readonly snapshots: ReadonlySet<SnapshotId>
}

export interface Survey {
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
  readonly index: ChunkIndex
  /** The packs of that index. */
  readonly packStore: PackStore
}

/**
 * What is condemned is read first: whatever is named after that was named by somebody who saw it too. Then what names, then what is named, so that no snapshot is met
 * whose packs were not listed.
 * @throws TorikiError `object-not-found`, `seal-broken` when something that is kept cannot be read.
 */
export async function surveySlice(
  context: SliceContext,
  options: Pick<PruneOptions, 'isRunOpen' | 'signal'>,
): Promise<Survey> {
  const { store, random } = context.platform
  const { sliceId, keys } = context
  const condemned = await readCondemned(context)
  const at = condemned.at
  const snapshots = await listFolder(context, 'snapshots', (id) => parseSnapshotId(id) !== undefined)
  const checkpoints = await listFolder(context, 'checkpoints')
  const packs = await listPacks(context)
  const packStore = new PackStore({ store, random, sliceId, keys })
  const index = await packStore.index()
  const cache = new SnapshotCache(context)
  const reach = new Reach({
    context,
    index,
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
    ...{ at, packs, snapshots, overruled, deadCheckpoints, reach, index, packStore, isOld },
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
