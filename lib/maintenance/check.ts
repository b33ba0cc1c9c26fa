/**
 * Checks histories: structure, and as much of the content as is asked for. Beside what each history says of itself the runs say which snapshots there must be, so that
 * also a newest one that was lost is found.
 */
import { createHash } from 'node:crypto'
import { knownSlices } from '../backup/known-slices.ts'
import { isTorikiError, toTorikiError, TorikiError } from '../errors.ts'
import { checkDeployment } from '../repository/deployment-repository.ts'
import type { SliceDamage } from '../repository/maintenance.ts'
import type { SliceRepository } from '../repository/repository.ts'
import type { SliceName } from '../resources/slice.ts'
import { isRunId } from '../runs/run-id.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { findRun, isRunLost } from '../runs/run-log.ts'
import { sliceStates } from '../runs/slice-states.ts'
import type { MaintenanceService } from './service.ts'
import { sliceHistories } from './slice-histories.ts'

export interface CheckWish {
  /** Absent: everybody. */
  readonly slices?: readonly SliceName[] | undefined
  /** How much of the content is read, in percent; absent: none. Which part turns with the day: daily checks read everything within 90 days. */
  readonly readPercent?: number | undefined
  /** First make anew index objects that do not open. The one thing that a check writes. */
  readonly rebuildIndex?: boolean | undefined
  readonly signal: AbortSignal
  readonly onBytes?: ((bytes: number) => void) | undefined
}

/** A history; or, without a slice, what belongs to none: the deployment itself, records of runs and restores. */
export interface CheckedSlice {
  readonly slice?: SliceName
  readonly generation: number
  readonly objects: number
  readonly bytes: number
  readonly damage: readonly SliceDamage[]
  /** Findings that are not in `damage`. */
  readonly more: number
}

/** So many days may pass until every pack was read once. */
const ROUND_DAYS = 90
const DAY_MS = 24 * 60 * 60 * 1000
/** Narrowed runs since the newest full one whose snapshots are looked for. */
const RUNS_MAX = 100

/** As they are done. @throws TorikiError `usage` for a percentage that is none; what the store throws; the signal's reason. */
export async function* checkAll(service: MaintenanceService, wish: CheckWish): AsyncGenerator<CheckedSlice> {
  const { slices, readPercent, signal, onBytes } = wish
  const readData = readPercent === undefined ? undefined : partOfDay(readPercent, service.platform.clock.now())
  const general = new General()
  const promised = await promisedSnapshots(service, slices, general)
  const access = readData === undefined ? 'read-trees' : 'read-content'
  for await (const history of historiesOrTell(
    service,
    access,
    slices ?? slicesOf(service, promised, general),
    general,
  )) {
    signal.throwIfAborted()
    const { slice, generation } = history
    general.seen.add(`${slice} ${generation}`)
    try {
      if (wish.rebuildIndex === true) await history.rebuildIndex()
      const named = promised.get(`${slice} ${generation}`) ?? []
      yield { slice, generation, ...(await history.check({ readData, promised: named, signal, onBytes })) }
    } catch (error) {
      signal.throwIfAborted()
      const { message } = toTorikiError(error)
      yield {
        slice,
        generation,
        objects: 0,
        bytes: 0,
        damage: [{ what: `It could not be checked: ${message}` }],
        more: 0,
      }
    }
  }
  yield* lostHistories(service, promised, general)
  if (slices === undefined) await checkRest(service, readData, signal, general)
  if (general.objects > 0 || general.damage.length > 0)
    yield { generation: 1, objects: general.objects, bytes: 0, damage: general.damage, more: 0 }
}

/** What belongs to no history. */
class General {
  readonly damage: SliceDamage[] = []
  objects = 0
  /** Histories that were checked. */
  readonly seen = new Set<string>()
  /** Slices that do not open, and why. */
  readonly unopened = new Map<SliceName, string>()
  readonly #told = new Set<string>()

  tell(what: string): void {
    if (!this.#told.has(what)) this.damage.push({ what })
    this.#told.add(what)
  }
}

/** Those that any run ever had, and those of which a run says that they are stored. */
async function* slicesOf(
  { repository, platform }: MaintenanceService,
  promised: ReadonlyMap<string, unknown>,
  general: General,
): AsyncGenerator<SliceName> {
  const given = new Set<SliceName>()
  const onBroken = (run: string, error: unknown): void => {
    if (!isDamage(error)) throw error
    general.tell(`What run ${run} says of its slices cannot be read: it is damaged or gone.`)
  }
  for await (const slice of knownSlices(repository.records, platform.clock.now(), onBroken)) {
    given.add(slice)
    yield slice
  }
  for (const history of promised.keys()) {
    const slice = history.slice(0, history.lastIndexOf(' ')) as SliceName
    if (!given.has(slice)) yield slice
    given.add(slice)
  }
}

/** One that does not open stops nobody else's. */
async function* historiesOrTell(
  service: MaintenanceService,
  access: 'read-trees' | 'read-content',
  slices: Iterable<SliceName> | AsyncIterable<SliceName>,
  { unopened }: General,
): AsyncGenerator<SliceRepository> {
  for await (const slice of slices) {
    try {
      yield* sliceHistories(service, access, [slice])
    } catch (error) {
      const failure = toTorikiError(error)
      if (failure.retry !== 'never') throw error
      unopened.set(slice, failure.message)
    }
  }
}

/** Runs name snapshots in a history that is not found any more: its keys are gone, or what leads to them. */
function* lostHistories(
  { repository }: MaintenanceService,
  promised: ReadonlyMap<string, readonly string[]>,
  { seen, unopened }: General,
): Generator<CheckedSlice> {
  for (const [slice, message] of unopened)
    yield {
      slice,
      generation: 1,
      objects: 0,
      bytes: 0,
      damage: [{ what: `It could not be opened: ${message}` }],
      more: 0,
    }
  for (const [history, ids] of promised) {
    const at = history.lastIndexOf(' ')
    const [slice, generation] = [history.slice(0, at) as SliceName, Number(history.slice(at + 1))]
    if (seen.has(history) || unopened.has(slice)) continue
    const what = `A run made it; its keys (keys/${repository.sliceId(slice, generation)}/), or what leads from one generation to the next, are gone.`
    yield { slice, generation, objects: 0, bytes: 0, damage: ids.map((snapshot) => ({ snapshot, what })), more: 0 }
  }
}

async function checkRest(
  { repository, platform }: MaintenanceService,
  readData: ((name: string) => boolean) | undefined,
  signal: AbortSignal,
  general: General,
): Promise<void> {
  for await (const { object, what } of checkDeployment(platform)) {
    general.objects++
    if (what !== undefined) general.tell(`${object} does not open: ${what}`)
  }
  if (readData === undefined) return
  const [runs, records] = [new Set<string>(), new Set<string>()]
  for (const prefix of ['runs/', 'restores/'])
    for await (const { path } of repository.records.list(prefix)) {
      signal.throwIfAborted()
      const [, run = '', name] = path.split('/')
      if (isRunId(run)) (name === 'run' ? records : runs).add(run)
      if (!readData(path)) continue
      general.objects++
      try {
        await repository.records.read(path)
      } catch (error) {
        if (!isDamage(error)) throw error
        general.tell(`${path} does not open: it was damaged or swapped.`)
      }
    }
  for (const run of runs)
    if (!records.has(run) && (await isRunLost(repository.records, run)))
      general.tell(`Run ${run} left records, and the one that says what it was is gone.`)
}

function isDamage(error: unknown): boolean {
  return (
    isTorikiError(error, 'seal-broken') ||
    isTorikiError(error, 'format-newer') ||
    isTorikiError(error, 'object-not-found')
  )
}

/** Packs are dealt into days by a digest of their name, which is random: each is read once in a round. */
export function partOfDay(percent: number, now: Date): (packId: string) => boolean {
  if (!(percent > 0 && percent <= 100))
    throw new TorikiError('usage', { message: 'The part to read is a percentage from 1 to 100.' })
  const days = Math.min(ROUND_DAYS, Math.ceil(100 / percent))
  const today = Math.floor(now.getTime() / DAY_MS) % days
  return (packId) => createHash('sha256').update(packId).digest().readUInt32BE() % days === today
}

/**
 * By slice and generation: what events of the newest full run and of those after it name. Each snapshot names the one before it, so a newest one that is there proves
 * the rest.
 */
async function promisedSnapshots(
  { repository, platform }: MaintenanceService,
  slices: readonly SliceName[] | undefined,
  general: General,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const promised = new Map<string, string[]>()
  let runs = 0
  for await (const id of runIdsNewestFirst(repository.records, platform.clock.now())) {
    if (++runs > RUNS_MAX) break
    try {
      if (await addPromised(repository, id, slices, promised)) break
    } catch (error) {
      if (!isDamage(error)) throw error
      general.tell(`A record of run ${id} cannot be read: which snapshots it made is not known.`)
    }
  }
  return promised
}

/** Was it a full run? */
async function addPromised(
  { records }: MaintenanceService['repository'],
  id: string,
  slices: readonly SliceName[] | undefined,
  promised: Map<string, string[]>,
): Promise<boolean> {
  const run = await findRun(records, id)
  if (run === undefined) return false
  for await (const { slice, fold } of sliceStates(records, run)) {
    if (fold.snapshot === undefined || (slices !== undefined && !slices.includes(slice.slice))) continue
    const key = `${slice.slice} ${fold.snapshot.generation}`
    promised.set(key, [...(promised.get(key) ?? []), fold.snapshot.id])
  }
  return run.policy === 'full'
}
