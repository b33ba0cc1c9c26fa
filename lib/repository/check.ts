/**
 * Check of one slice: reads back and authenticates what is stored, and names what is damaged by snapshot, component and key. Writes nothing, and goes on behind damage.
 *
 * First everything is looked at once, whatever names it: snapshot objects and their chain, marks, index objects, tree nodes, where contents lie; and with `readData` the
 * packs whole. Only when something is damaged are the trees walked again, to say whom it hits.
 */
import { isTorikiError } from '../errors.ts'
import { listAll } from '../platform/object-store/port.ts'
import { formatKey } from '../resources/key.ts'
import { SlicePacks } from './check-packs.ts'
import { findDamage, tellDamage } from './check-walk.ts'
import type { Damaged } from './check-walk.ts'
import { readCondemned } from './condemned.ts'
import type { CheckOptions, CheckReport, SliceDamage } from './maintenance.ts'
import { NO_MARKS, readMarks, readOlderMarks } from './marks.ts'
import { slicePath } from './slice-context.ts'
import { SnapshotCache, SnapshotChunks } from './snapshot-chunks.ts'
import { compareSnapshotIds, parseSnapshotId } from './snapshot-id.ts'
import { loadCheckpoint } from './snapshot-object.ts'
import type { Marks } from './marks.ts'
import type { SliceContext } from './slice-context.ts'
import type { StoredComponent } from './snapshot-document.ts'
import type { LoadedSnapshot } from './snapshot-object.ts'
import type { SnapshotId } from './snapshot.ts'

const DAMAGE_MAX = 10_000

/** So often it is looked at again when prune took something meanwhile. */
const TRIES_MAX = 4

/** @throws TorikiError what the store throws; `content-locked` for `readData` without the right to it. Damage is an answer, no error. */
export async function checkSlice(context: SliceContext, options: CheckOptions): Promise<CheckReport> {
  for (let tries = 1; ; tries++) {
    const { report, packs } = await checkOnce(context, options)
    // What prune took while it was looked at is no damage; what somebody else took is missing the next time, too.
    if (report.damage.length === 0 || tries === TRIES_MAX || !(await packs.wentSince())) return report
  }
}

async function checkOnce(
  context: SliceContext,
  { readData, promised = [], signal, onBytes = () => undefined }: CheckOptions,
): Promise<{ readonly report: CheckReport; readonly packs: SlicePacks }> {
  const findings = new Findings()
  const cache = new SnapshotCache(context)
  const marks = await readMarksOrTell(context, findings)
  const snapshots = await loadSnapshots(context, cache, { marks, promised }, findings)
  await tellLost(context, snapshots, marks, findings)
  await checkOthers(context, findings, readData !== undefined)
  const packs = await SlicePacks.open(context, () =>
    findings.add({
      what: 'An index object does not open: it was damaged or swapped. Make it anew with `toriki check --rebuild-index`.',
    }),
  )
  const damaged: Damaged = new Set()
  const walking = ({ chunks }: StoredComponent): Parameters<typeof findDamage>[0] => ({
    ...{ packs, damaged, signal, formats: context.formats, inline: chunks },
    source: new SnapshotChunks(context, chunks, cache, () => Promise.resolve(packs)),
  })
  const seen = { places: new Uint8Array(packs.index.size), inline: new Set<string>() }
  let bytes = 0
  const walk = async (stop: AbortSignal): Promise<void> => {
    for (const { document } of snapshots)
      for (const stored of document.components.values())
        await findDamage({ ...walking(stored), signal: stop }, stored, seen)
  }
  const readAll = async (isMeant: (packId: string) => boolean, stop: AbortSignal): Promise<void> => {
    for (const { document } of snapshots)
      for (const stored of document.components.values()) await openInlined({ ...walking(stored), signal: stop }, stored)
    await packs.readData({
      ...{ isMeant, signal: stop },
      onPack: (length) => {
        bytes += length
        onBytes(length)
      },
      onBroken: (sort, packId, lost) => {
        for (const id of lost) damaged.add(id.toString('hex'))
        findings.add({
          what: `A pack (${sort === 'tree' ? 'trees' : 'packs'}/${packId}) does not open whole: it was damaged, cut or swapped.`,
        })
      },
    })
  }
  // Other threads prove packs while this one walks.
  await together(signal, readData === undefined ? [walk] : [(stop) => readAll(readData, stop), walk])
  if (damaged.size > 0) {
    const clean = new Set<string>()
    for (const { id, document } of snapshots)
      for (const [component, stored] of document.components)
        await tellDamage(walking(stored), stored, clean, (key, what) =>
          findings.add({ snapshot: id, component, ...(key === undefined ? {} : { key: formatKey(key) }), what }),
        )
  }
  const { damage, more } = findings
  return { report: { objects: findings.objects + packs.objects, bytes, damage, more }, packs }
}

/** Side by side. When one fails the other is stopped, and the first error is thrown once both have ended. */
async function together(signal: AbortSignal, works: readonly ((stop: AbortSignal) => Promise<void>)[]): Promise<void> {
  const stop = new AbortController()
  const onAbort = (): void => stop.abort(signal.reason)
  signal.throwIfAborted()
  signal.addEventListener('abort', onAbort, { once: true })
  let first: { readonly error: unknown } | undefined
  await Promise.all(
    works.map(async (work) => {
      try {
        await work(stop.signal)
      } catch (error) {
        first ??= { error }
        stop.abort(error)
      }
    }),
  )
  signal.removeEventListener('abort', onAbort)
  if (first !== undefined) throw first.error
}

class Findings {
  readonly damage: SliceDamage[] = []
  more = 0
  objects = 0

  add(damage: SliceDamage): void {
    if (this.damage.length < DAMAGE_MAX) this.damage.push(damage)
    else this.more++
  }
}

async function readMarksOrTell(context: SliceContext, findings: Findings): Promise<Marks> {
  try {
    const marks = await readMarks(context)
    if (marks.n > 0) findings.objects++
    return marks
  } catch (error) {
    if (!isBroken(error)) throw error
    findings.add({
      what: 'The newest marks of the slice (accepted, forgotten) do not open: they were damaged or swapped.',
    })
    // Which there were cannot be told, so none are missing.
    return { ...NO_MARKS, n: Infinity }
  }
}

/** Those that open, newest first. Each names its parent with its digest: one that is gone and was not forgotten is told. */
async function loadSnapshots(
  context: SliceContext,
  cache: SnapshotCache,
  { marks: { forgotten }, promised }: { readonly marks: Marks; readonly promised: readonly SnapshotId[] },
  findings: Findings,
): Promise<readonly LoadedSnapshot[]> {
  const prefix = slicePath(context, 'snapshots')
  const ids: SnapshotId[] = []
  for await (const { key } of listAll(context.platform.store, prefix)) {
    const id = key.slice(prefix.length)
    if (parseSnapshotId(id) === undefined) findings.add({ what: 'Among the snapshots lies an object that is none.' })
    else ids.push(id)
  }
  const loaded = new Map<SnapshotId, LoadedSnapshot>()
  const broken = new Set<SnapshotId>()
  for (const id of ids.sort((a, b) => compareSnapshotIds(b, a))) {
    if (forgotten.has(id)) continue
    findings.objects++
    try {
      loaded.set(id, await cache.load(id))
    } catch (error) {
      if (isTorikiError(error, 'snapshot-not-found')) continue // forgotten and pruned since it was listed
      if (!isBroken(error)) throw error
      broken.add(id)
      findings.add({ snapshot: id, what: 'The snapshot does not open: it was damaged or swapped.' })
    }
  }
  const told = new Set<SnapshotId>()
  for (const id of promised) {
    if (ids.includes(id) || forgotten.has(id)) continue
    told.add(id)
    findings.add({ snapshot: id, what: 'A run says that it made this snapshot; it is gone, and nobody forgot it.' })
  }
  for (const { document } of loaded.values()) {
    const { parent } = document
    if (parent === undefined || broken.has(parent.id) || told.has(parent.id)) continue
    const digest = loaded.get(parent.id)?.digest ?? forgotten.get(parent.id)
    if (digest === parent.digest) continue
    told.add(parent.id)
    findings.add({
      snapshot: parent.id,
      what:
        digest === undefined
          ? 'The snapshot is gone, and nobody forgot it.'
          : 'The snapshot is not the one that was committed.',
    })
  }
  return [...loaded.values()]
}

/** What was there when a snapshot was made, and is not part of it. */
async function tellLost(
  context: SliceContext,
  snapshots: readonly LoadedSnapshot[],
  { n }: Marks,
  findings: Findings,
): Promise<void> {
  const marks = Math.max(0, ...snapshots.map(({ document }) => document.marks ?? 0))
  // Read again: both may have been made since.
  if (marks > n && marks > (await readMarks(context)).n)
    findings.add({
      what: `Marks of the slice (accepted, forgotten) are gone: there was a number ${marks}, and the newest found is ${n}.`,
    })
  try {
    await context.readNext()
    findings.objects++
  } catch (error) {
    if (isBroken(error))
      findings.add({
        what: 'What says that another generation follows (`next`) does not open: it was damaged or swapped.',
      })
    else if (!isTorikiError(error, 'object-not-found')) throw error
  }
  const wasOwned = snapshots.some(({ document }) => document.owned)
  try {
    await context.readOwner()
    findings.objects++
  } catch (error) {
    if (isBroken(error))
      findings.add({ what: 'The record of whose history this is (`owner`) does not open: it was damaged or swapped.' })
    else if (!isTorikiError(error, 'object-not-found')) throw error
    else if (wasOwned) findings.add({ what: 'The record of whose history this is (`owner`) is gone.' })
  }
}

/** What no snapshot names: condemned, checkpoints. */
async function checkOthers(context: SliceContext, findings: Findings, all: boolean): Promise<void> {
  if (all) await checkOlderMarks(context, findings)
  try {
    findings.objects += (await readCondemned(context)).objects.size
  } catch (error) {
    if (!isBroken(error)) throw error
    findings.add({
      what: 'An object in which prune condemned something does not open: backups and prune stop at it. Delete it.',
    })
  }
  const prefix = slicePath(context, 'checkpoints')
  for await (const { key } of listAll(context.platform.store, prefix)) {
    findings.objects++
    try {
      await loadCheckpoint(context, key.slice(prefix.length))
    } catch (error) {
      if (isTorikiError(error, 'object-not-found')) continue
      if (!isBroken(error)) throw error
      findings.add({ what: 'A checkpoint of a backup does not open: it was damaged or swapped. Its run begins anew.' })
    }
  }
}

/** The newest says all; what stands before it is read by nobody, but should be what it was. */
async function checkOlderMarks(context: SliceContext, findings: Findings): Promise<void> {
  for await (const { n, error } of readOlderMarks(context)) {
    findings.objects++
    if (error === undefined) continue
    if (!isBroken(error)) throw error
    findings.add({ what: `Marks that later ones repeat (marks/${n}) do not open: they were damaged or swapped.` })
  }
}

/** Content that stands in snapshot objects. */
async function openInlined(
  { source, damaged, signal }: Parameters<typeof findDamage>[0],
  { chunks }: StoredComponent,
): Promise<void> {
  for (const [hex, { sort }] of chunks) {
    signal.throwIfAborted()
    try {
      await source.get(sort, Buffer.from(hex, 'hex'))
    } catch (error) {
      if (!isBroken(error) && !isTorikiError(error, 'object-not-found')) throw error
      damaged.add(hex)
    }
  }
}

function isBroken(error: unknown): boolean {
  return isTorikiError(error, 'seal-broken') || isTorikiError(error, 'format-newer')
}
