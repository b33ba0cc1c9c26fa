/**
 * How far back would a disaster throw each person? The age of everybody's newest good backup, reckoned from what is in the bucket: who was saved in this run is
 * good by that; of everybody else the newest snapshots are read that are to be believed. People who left do not count.
 */
import { isTorikiError } from '../errors.ts'
import type { SliceName } from '../resources/slice.ts'
import type { Snapshot } from '../repository/snapshot.ts'
import { isTrusted } from '../repository/snapshot.ts'
import { policyOfRunId, runId } from '../runs/run-id.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { areSourcesAccepted, cancelledAt, findRun, runSlices } from '../runs/run-log.ts'
import type { RunRecord } from '../runs/run.ts'
import type { SliceFold } from '../runs/fold.ts'
import { sliceStates } from '../runs/slice-states.ts'
import type { Service } from './service.ts'

export interface RecoveryPoint {
  readonly people: number
  /** People whose newest good backup is older than the objective, or who have none and have been known for longer. */
  readonly beyond: number
  /** Of the person who would lose most; for somebody without a good backup at least this much. */
  readonly oldestMs: number
  /** Opaque ids of some of those beyond. */
  readonly sliceIds: readonly string[]
}

/** People whose snapshots are looked at side by side. */
const PARALLEL = 16
/** Snapshots of one person looked at; the good one is older than these, if there is one. */
const SNAPSHOTS_MAX = 30
const IDS_MAX = 20

interface Person {
  readonly slice: SliceName
  readonly sliceId: string
}

/** Is there no later full run, whose own end says how it stands now? */
export async function isNewestFullRun(service: Service, run: string, now: Date): Promise<boolean> {
  const { records } = service.repository
  for await (const id of runIdsNewestFirst(records, now)) {
    if (id <= run) return true
    if (policyOfRunId(id) !== 'full' || (await findRun(records, id)) === undefined) continue
    if ((await cancelledAt(records, id)) === undefined) return false
  }
  return true
}

/** Of a full run that ended. One call to the key service for each person who was not saved in it. @throws what store and key service throw. */
export async function recoveryPoint(
  service: Service,
  run: RunRecord,
  rpoMs: number,
  now: Date,
): Promise<RecoveryPoint> {
  const good = new Tally(rpoMs, now)
  const without: Person[] = []
  const look = async (people: readonly Person[]): Promise<void> => {
    const times = await Promise.all(people.map(({ slice }) => goodSince(service, run, slice)))
    for (const [index, person] of people.entries()) {
      const time = times[index]
      if (time === undefined) without.push(person)
      else good.add(person, time)
    }
  }
  let batch: Person[] = []
  for await (const { person, savedAt } of members(service, run, now)) {
    if (savedAt !== undefined) {
      good.add(person, savedAt)
      continue
    }
    batch.push(person)
    if (batch.length < PARALLEL) continue
    await look(batch)
    batch = []
  }
  await look(batch)
  if (without.length > 0) {
    const known = await knownBefore(service, new Date(now.getTime() - rpoMs), without)
    for (const person of without)
      good.add(person, known.people.has(person.slice) ? known.at : Date.parse(run.startedAt))
  }
  return good.point
}

class Tally {
  readonly #now: number
  readonly #rpoMs: number
  #people = 0
  #beyond = 0
  #oldestMs = 0
  readonly #sliceIds: string[] = []

  constructor(rpoMs: number, now: Date) {
    this.#rpoMs = rpoMs
    this.#now = now.getTime()
  }

  add({ sliceId }: Person, time: number): void {
    const ageMs = Math.max(0, this.#now - time)
    this.#people++
    this.#oldestMs = Math.max(this.#oldestMs, ageMs)
    if (ageMs <= this.#rpoMs) return
    this.#beyond++
    if (this.#sliceIds.length < IDS_MAX) this.#sliceIds.push(sliceId)
  }

  get point(): RecoveryPoint {
    return { people: this.#people, beyond: this.#beyond, oldestMs: this.#oldestMs, sliceIds: this.#sliceIds }
  }
}

/**
 * The people of the run, with the time they were saved in it. Where a listing is not believed, those of the last run that was believed are members still: an emptied
 * source must not look as if everybody were safe.
 */
async function* members(
  service: Service,
  run: RunRecord,
  now: Date,
): AsyncGenerator<{ readonly person: Person; readonly savedAt?: number }> {
  const { records } = service.repository
  const isDoubtful = isDoubted(run) && !(await areSourcesAccepted(records, run.run))
  const seen = new Set<SliceName>()
  for await (const { slice, fold } of sliceStates(records, run)) {
    if (isDoubtful) seen.add(slice.slice)
    if (!isPerson(slice) || (fold.outcome === 'skipped' && !fold.pending)) continue
    const savedAt = savedSince(fold)
    yield { person: slice, ...(savedAt === undefined ? {} : { savedAt }) }
  }
  if (!isDoubtful) return
  const believed = await newestFullRun(service, now, (one) => one.run < run.run && !isDoubted(one))
  if (believed === undefined) return
  for await (const slice of runSlices(records, believed))
    if (isPerson(slice) && !seen.has(slice.slice)) yield { person: slice }
}

function isPerson({ slice }: Person): boolean {
  return slice.startsWith('user/')
}

function isDoubted({ sources }: RunRecord): boolean {
  return Object.values(sources).some(({ suspect }) => suspect !== undefined)
}

function savedSince({ outcome, suspect, endedAt }: SliceFold): number | undefined {
  return outcome === 'saved' && suspect.length === 0 && endedAt !== undefined ? Date.parse(endedAt) : undefined
}

/**
 * The time up to which everything of a person is stored and believed: of each component the newest reading that is, and of these the oldest. `undefined`: a
 * component was never stored. Where the last snapshots hold nothing to be believed of one, the time of the oldest of them.
 */
async function goodSince(service: Service, run: RunRecord, slice: SliceName): Promise<number | undefined> {
  let wanted: Set<string> | undefined
  let oldest = Number.POSITIVE_INFINITY
  let looked = 0
  for await (const snapshot of snapshotsOf(service, slice)) {
    wanted ??= componentsOf(snapshot, run)
    for (const name of wanted) {
      if (!isTrusted(snapshot, name)) continue
      oldest = Math.min(oldest, Date.parse(snapshot.components[name]?.readAt ?? snapshot.time))
      wanted.delete(name)
    }
    if (wanted.size === 0) return Number.isFinite(oldest) ? oldest : undefined
    if (++looked === SNAPSHOTS_MAX) return Math.min(oldest, Date.parse(snapshot.time))
  }
  return undefined
}

async function* snapshotsOf(service: Service, slice: SliceName): AsyncGenerator<Snapshot> {
  try {
    const repository = await service.repository.openSlice(slice, { access: 'read-trees' })
    if (repository !== undefined) yield* repository.snapshots()
  } catch (error) {
    // Erased since: there is nothing of that person.
    if (!isTorikiError(error, 'slice-erased')) throw error
  }
}

/** What has to be there for a whole backup: the newest snapshot says which components cover the slice. */
function componentsOf(snapshot: Snapshot, run: RunRecord): Set<string> {
  const covering = [...Object.keys(snapshot.components), ...snapshot.missing.map(({ component }) => component)]
  return new Set(covering.filter((name) => (run.components as readonly string[]).includes(name)))
}

/** Which of these people a full run that began before that time knew already, and when it began. */
async function knownBefore(
  service: Service,
  before: Date,
  people: readonly Person[],
): Promise<{ readonly at: number; readonly people: ReadonlySet<SliceName> }> {
  const last = runId(before, 'full', '')
  const run = await newestFullRun(service, before, ({ run: id }) => id < last)
  if (run === undefined) return { at: 0, people: new Set() }
  const asked = new Set(people.map(({ slice }) => slice))
  const known = new Set<SliceName>()
  for await (const { slice } of runSlices(service.repository.records, run)) if (asked.has(slice)) known.add(slice)
  return { at: Date.parse(run.intendedAt), people: known }
}

async function newestFullRun(
  service: Service,
  now: Date,
  is: (run: RunRecord) => boolean,
): Promise<RunRecord | undefined> {
  const { records } = service.repository
  for await (const id of runIdsNewestFirst(records, now)) {
    const run = policyOfRunId(id) === 'full' ? await findRun(records, id) : undefined
    if (run !== undefined && is(run)) return run
  }
  return undefined
}
