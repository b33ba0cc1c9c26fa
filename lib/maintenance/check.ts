/**
 * Checks histories: structure, and as much of the content as is asked for. Beside what each history says of itself the runs say which snapshots there must be, so that
 * also a newest one that was lost is found.
 */
import { createHash } from 'node:crypto'
import { toTorikiError, TorikiError } from '../errors.ts'
import type { SliceDamage } from '../repository/maintenance.ts'
import type { SliceName } from '../resources/slice.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { findRun } from '../runs/run-log.ts'
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

export interface CheckedSlice {
  readonly slice: SliceName
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
  const promised = await promisedSnapshots(service, slices)
  for await (const history of sliceHistories(service, readData === undefined ? 'read-trees' : 'read-content', slices)) {
    signal.throwIfAborted()
    const { slice, generation } = history
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
): Promise<ReadonlyMap<string, readonly string[]>> {
  const promised = new Map<string, string[]>()
  let runs = 0
  for await (const id of runIdsNewestFirst(repository.records, platform.clock.now())) {
    if (++runs > RUNS_MAX) break
    const run = await findRun(repository.records, id)
    if (run === undefined) continue
    for await (const { slice, fold } of sliceStates(repository.records, run)) {
      if (fold.snapshot === undefined || (slices !== undefined && !slices.includes(slice.slice))) continue
      const key = `${slice.slice} ${fold.snapshot.generation}`
      promised.set(key, [...(promised.get(key) ?? []), fold.snapshot.id])
    }
    if (run.policy === 'full') break
  }
  return promised
}
