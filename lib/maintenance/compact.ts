/** Compacts histories one after the other: each takes the memory of one person's index and a few packs, and what stops one stops no other. */
import { toTorikiError } from '../errors.ts'
import type { TorikiError } from '../errors.ts'
import type { ChoiceLimits } from '../repository/compact-choice.ts'
import type { CompactReport } from '../repository/maintenance.ts'
import type { SliceName } from '../resources/slice.ts'
import { isStillOpen } from './open-runs.ts'
import type { MaintenanceService } from './service.ts'
import { sliceHistories } from './slice-histories.ts'

/**
 * A tenth of what a history's packs hold may be dead, as borg's `compact --threshold` has it (restic's `--max-unused` is 5 %, of one repository for all); and less than a
 * mebibyte is not worth the requests.
 */
export const worthwhile: ChoiceLimits = { deadShareMax: 0.1, deadBytesMin: 1024 * 1024 }

export interface CompactWish {
  /** Absent: everybody. */
  readonly slices?: readonly SliceName[] | undefined
  /** Where it is not what is worthwhile: from 0 to 1. */
  readonly deadShareMax?: number | undefined
  /** Without it nothing is written. */
  readonly apply: boolean
  readonly signal: AbortSignal
}

export interface CompactedSlice {
  readonly slice: SliceName
  readonly generation: number
  /** Absent: it could not be looked at; what was copied before is whole, or garbage for prune. */
  readonly report?: CompactReport
  readonly failure?: TorikiError
}

/**
 * As they are done. When the signal ends it, what the last one copied so far is kept and told in its report.
 * @throws what the store throws while slices are looked for; the signal's reason.
 */
export async function* compactAll(service: MaintenanceService, wish: CompactWish): AsyncGenerator<CompactedSlice> {
  const { slices, apply, signal } = wish
  const limits = { ...worthwhile, ...(wish.deadShareMax === undefined ? {} : { deadShareMax: wish.deadShareMax }) }
  for await (const history of sliceHistories(service, 'read-content', slices)) {
    signal.throwIfAborted()
    const { slice, generation } = history
    const isRunOpen = (run: string): Promise<boolean> => isStillOpen(service, run)
    try {
      yield {
        slice,
        generation,
        report: await history.compact({ ...limits, isRunOpen, apply, signal }),
      }
    } catch (error) {
      signal.throwIfAborted()
      yield { slice, generation, failure: toTorikiError(error) }
    }
  }
}
