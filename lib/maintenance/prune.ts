/** Prunes histories one after the other: each takes the memory of one person's, and what stops one stops no other. */
import { toTorikiError } from '../errors.ts'
import type { TorikiError } from '../errors.ts'
import type { PruneReport } from '../repository/maintenance.ts'
import type { SliceName } from '../resources/slice.ts'
import { worthwhile } from './compact.ts'
import { isStillOpen } from './open-runs.ts'
import type { MaintenanceService } from './service.ts'
import { sliceHistories } from './slice-histories.ts'

export interface PrunedSlice {
  readonly slice: SliceName
  readonly generation: number
  /** Absent: it could not be pruned, and nothing of it was deleted. */
  readonly report?: PruneReport
  readonly failure?: TorikiError
}

export interface PruneWish {
  /** Absent: everybody. */
  readonly slices?: readonly SliceName[] | undefined
  /** Also say how many packs are worth packing anew. */
  readonly worthCompacting?: boolean
  /** Without it nothing is written. */
  readonly apply: boolean
  readonly signal: AbortSignal
}

/** As they are done. @throws what the store throws while slices are looked for; the signal's reason. */
export async function* pruneAll(
  service: MaintenanceService,
  { slices, apply, signal, worthCompacting = false }: PruneWish,
): AsyncGenerator<PrunedSlice> {
  for await (const history of sliceHistories(service, 'read-trees', slices)) {
    signal.throwIfAborted()
    const { slice, generation } = history
    try {
      const report = await history.prune({
        isRunOpen: (run) => isStillOpen(service, run),
        ...(worthCompacting ? { worthCompacting: worthwhile } : {}),
        ...{ apply, signal },
      })
      yield { slice, generation, report }
    } catch (error) {
      signal.throwIfAborted()
      yield { slice, generation, failure: toTorikiError(error) }
    }
  }
}
