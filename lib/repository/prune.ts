/**
 * Prune of one slice (docs/format.md, "Forget and prune"): condemns packs that nothing names and snapshot objects that are forgotten and hold nothing for others; and
 * deletes what was condemned long enough ago and still is not needed. No lock: whoever writes beside looks twice at what is condemned. Two at once, and one that was cut
 * off anywhere and runs again, lose nothing that is named. Opens no content.
 */
import { TorikiError } from '../errors.ts'
import { base32 } from './base32.ts'
import { GRACE_MS, storeTime } from './condemned.ts'
import { packUses } from './compact.ts'
import { packsToRepack } from './compact-choice.ts'
import { rewriteIndex } from './index-rewrite.ts'
import type { PruneCounts, PruneOptions, PruneReport } from './maintenance.ts'
import { addMarks } from './marks.ts'
import { packPath } from './object-paths.ts'
import { sealJson } from './sealed-json.ts'
import { slicePath } from './slice-context.ts'
import { listPacks } from './pack-listing.ts'
import { surveySlice } from './survey.ts'
import type { SliceContext } from './slice-context.ts'
import type { Condemnable, Survey } from './survey.ts'

/** @throws TorikiError `object-not-found`, `seal-broken` when something that is kept cannot be read: then nothing is deleted. */
export async function pruneSlice(context: SliceContext, options: PruneOptions): Promise<PruneReport> {
  const found = await surveySlice(context, options)
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
      repackable:
        options.worthCompacting === undefined ? 0 : packsToRepack(packUses(found), options.worthCompacting).length,
    },
  }
}

/** The second phase: an index without them, packs and snapshot objects, and last what condemned them. */
async function sweep(context: SliceContext, found: Survey, { apply, signal }: PruneOptions): Promise<PruneCounts> {
  const { store } = context.platform
  const { reach, mature, packs, snapshots, deadCheckpoints } = found
  const gone = new Set([...mature.packs].filter((id) => !reach.packs.has(id)))
  const goneSnapshots = [...mature.snapshots].filter((id) => !reach.holders.has(id) && found.forgotten.has(id))
  const absent = await absentPacks(context, found)
  if (apply) await requireFresh(context, found)
  const index = await rewriteIndex(context, (id) => gone.has(id) || absent.has(id), { apply })
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

/**
 * Packs that an index object names and that are not there: whoever wrote it was cut off, or asleep, while they were deleted. An index object is written behind its packs,
 * so what is missing from a listing that comes after it was deleted.
 */
async function absentPacks(context: SliceContext, { index, packs }: Survey): Promise<ReadonlySet<string>> {
  const missing = new Set(index.packIds().filter((id) => !packs.has(id)))
  if (missing.size > 0) for (const id of (await listPacks(context)).keys()) missing.delete(id)
  return missing
}

/** What was true long ago decides nothing: another prune may have gone by, and rescued. @throws TorikiError `capture-stale`. */
async function requireFresh(context: SliceContext, { at }: Survey): Promise<void> {
  const now = await storeTime(context)
  if (now.getTime() - at.getTime() > GRACE_MS / 2)
    throw new TorikiError('capture-stale', { message: 'Prune took longer than half of its own grace time.' })
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

function sum(numbers: readonly (number | undefined)[]): number {
  return numbers.reduce<number>((total, one) => total + (one ?? 0), 0)
}
