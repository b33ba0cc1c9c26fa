/**
 * Ends records of runs and restores whose time is over (`retention.runs`). They name people, so they do not stay for ever; but what something that is kept stands on stays:
 * a run or restore that is open; the newest full runs, which say who is there; and the newest run that names a slice of which anything is still stored, for names stand nowhere else.
 *
 * A run's record goes first, and of a restore its request: what is left by whoever is cut off there belongs to nothing that anybody sees, and goes the next time. Before that a run is marked as
 * ended, and the mark goes last: so that what is left is not taken for a run whose record was lost.
 */
import { isTorikiError } from '../errors.ts'
import type { DeploymentRepository, SealedRecords } from '../repository/repository.ts'
import type { SliceName } from '../resources/slice.ts'
import { isRestoreOpen } from '../restore/restore-state.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { areSourcesAccepted, expiredPath, findRun, recordExpired, runSlices } from '../runs/run-log.ts'
import type { RunRecord } from '../runs/run.ts'
import { isStillOpen } from './open-runs.ts'
import type { MaintenanceService } from './service.ts'

export interface ExpireWish {
  readonly olderThanMs: number
  /** Without it nothing is deleted. */
  readonly apply: boolean
  readonly signal: AbortSignal
}

export interface ExpiredRecords {
  /** Deleted, or without `apply`: would be. */
  readonly runs: number
  readonly restores: number
  /** Of deliveries of runs that are over, whatever their age: nothing needs them. */
  readonly claims: number
}

const DELETES_AT_ONCE = 16

/** @throws what the store throws; the signal's reason. */
export async function expireRecords(service: MaintenanceService, wish: ExpireWish): Promise<ExpiredRecords> {
  const before = new Date(service.platform.clock.now().getTime() - wish.olderThanMs)
  const runs = await expireRuns(service, before, wish)
  const restores = await expireRestores(service, before, wish)
  await expireLoose(service, before, wish)
  return { ...runs, restores }
}

async function expireRuns(
  service: MaintenanceService,
  before: Date,
  { apply, signal }: ExpireWish,
): Promise<{ readonly runs: number; readonly claims: number }> {
  const { records } = service.repository
  const needed = new NeededRuns(service.repository)
  let [runs, claims] = [0, 0]
  for await (const id of runIdsNewestFirst(records, service.platform.clock.now())) {
    signal.throwIfAborted()
    const run = await findRun(records, id)
    const isOver = isBefore(id, before) && (await areBefore(records, `runs/${id}/`, before))
    if (run === undefined) {
      // Who began it was cut off, or who ended it.
      if (isOver && apply) await deleteAll(records, `runs/${id}/`, signal)
      continue
    }
    if (!isOver || (await isStillOpen(service, id)) || (await needed.needs(run))) {
      await needed.keep(run)
      claims += await expireClaims(service, id, { apply, signal })
      continue
    }
    runs++
    if (!apply) continue
    await recordExpired(records, id, service.platform.clock.now())
    await records.delete(`runs/${id}/run`)
    await deleteAll(records, `runs/${id}/`, signal)
  }
  return { runs, claims }
}

/** What runs that are kept say already: met newest first. */
class NeededRuns {
  readonly #repository: DeploymentRepository
  readonly #named = new Set<SliceName>()
  readonly #lists = new Set<string>()
  /** Components of which a full run that is kept has a listing that is to be believed. */
  readonly #believed = new Set<string>()
  #full = false
  #wholly = false

  constructor(repository: DeploymentRepository) {
    this.#repository = repository
  }

  async keep(run: RunRecord): Promise<void> {
    if (run.policy === 'full') {
      const believed = await this.#believedOf(run)
      this.#full = true
      this.#wholly ||= believed.length === Object.keys(run.sources).length
      for (const component of believed) this.#believed.add(component)
    }
    if (this.#lists.has(run.slicesDigest)) return
    this.#lists.add(run.slicesDigest)
    for await (const { slice } of runSlices(this.#repository.records, run)) this.#named.add(slice)
  }

  async needs(run: RunRecord): Promise<boolean> {
    if (run.policy === 'full') {
      if (!this.#full) return true
      const believed = await this.#believedOf(run)
      if (!this.#wholly && believed.length === Object.keys(run.sources).length) return true
      if (believed.some((component) => !this.#believed.has(component))) return true
    }
    if (this.#lists.has(run.slicesDigest)) return false
    for await (const { slice } of runSlices(this.#repository.records, run))
      if (!this.#named.has(slice) && (await this.#isStored(slice))) return true
    return false
  }

  async #believedOf(run: RunRecord): Promise<readonly string[]> {
    const listed = Object.entries(run.sources).filter(([, { unreachable }]) => unreachable === undefined)
    const isAccepted =
      listed.some(([, { suspect }]) => suspect !== undefined) &&
      (await areSourcesAccepted(this.#repository.records, run.run))
    return listed.filter(([, { suspect }]) => suspect === undefined || isAccepted).map(([component]) => component)
  }

  /** Anything, of any generation. */
  async #isStored(slice: SliceName): Promise<boolean> {
    const open = async (generation?: number): ReturnType<DeploymentRepository['openSlice']> => {
      try {
        return await this.#repository.openSlice(slice, { access: 'read-trees', generation })
      } catch (error) {
        if (isTorikiError(error, 'slice-erased')) return undefined
        throw error
      }
    }
    const newest = await open()
    for (let generation = newest?.generation ?? 0; generation >= 1; generation--) {
      const history = generation === newest?.generation ? newest : await open(generation)
      if (history !== undefined && !(await history.isEmpty())) return true
    }
    return false
  }
}

async function expireClaims(
  service: MaintenanceService,
  run: string,
  { apply, signal }: Pick<ExpireWish, 'apply' | 'signal'>,
): Promise<number> {
  const { records } = service.repository
  const claims: string[] = []
  for await (const { path } of records.list(`runs/${run}/claims/`)) claims.push(path)
  if (claims.length === 0 || (await isStillOpen(service, run))) return 0
  if (apply) await deletePaths(records, claims, signal)
  return claims.length
}

async function expireRestores(
  service: MaintenanceService,
  before: Date,
  { apply, signal }: ExpireWish,
): Promise<number> {
  const { records } = service.repository
  let restores = 0
  let after = 'restores/'
  for (;;) {
    signal.throwIfAborted()
    const id = (await firstAfter(records, after))?.split('/')[1]
    if (id === undefined) return restores
    after = `restores/${id}/~`
    const prefix = `restores/${id}/`
    if (!isBefore(id, before) || !(await areBefore(records, prefix, before))) continue
    const request = `${prefix}request`
    if ((await records.read(request)) !== undefined && (await isRestoreOpen(records, id))) continue
    restores++
    if (!apply) continue
    await records.delete(request)
    await deleteAll(records, prefix, signal)
  }
}

/** What belongs to no run: times of triggers, messages that nobody could read. */
async function expireLoose(
  { repository }: MaintenanceService,
  before: Date,
  { apply, signal }: ExpireWish,
): Promise<void> {
  for (const folder of ['triggers', 'unreadable']) {
    const paths: string[] = []
    for await (const { path, modifiedAt } of repository.records.list(`runs/${folder}/`))
      if (modifiedAt < before) paths.push(path)
    if (apply) await deletePaths(repository.records, paths, signal)
  }
}

/** By the time in its name; what has none is not old. */
function isBefore(id: string, before: Date): boolean {
  return /^\d{8}T\d{9}Z-/.test(id) && id < before.toISOString().replace(/[-:.]/g, '')
}

/** A run that was replayed lately is not old; one that was marked lately is. */
async function areBefore(records: SealedRecords, prefix: string, before: Date): Promise<boolean> {
  for await (const { path, modifiedAt } of records.list(prefix))
    if (modifiedAt >= before && path !== expiredPath(prefix)) return false
  return true
}

/** The mark last, where there is one. */
async function deleteAll(records: SealedRecords, prefix: string, signal: AbortSignal): Promise<void> {
  const mark = expiredPath(prefix)
  const [paths, last]: [string[], string[]] = [[], []]
  for await (const { path } of records.list(prefix)) (path === mark ? last : paths).push(path)
  await deletePaths(records, paths, signal)
  await deletePaths(records, last, signal)
}

async function deletePaths(records: SealedRecords, paths: readonly string[], signal: AbortSignal): Promise<void> {
  for (let at = 0; at < paths.length; at += DELETES_AT_ONCE) {
    signal.throwIfAborted()
    await Promise.all(paths.slice(at, at + DELETES_AT_ONCE).map((path) => records.delete(path)))
  }
}

async function firstAfter(records: SealedRecords, after: string): Promise<string | undefined> {
  for await (const { path } of records.list('restores/', { after })) return path
  return undefined
}
