/** May a run still go on from what it left behind? Prune and compact ask it of runs that have checkpoints. */
import { findRun } from '../runs/run-log.ts'
import { isRunOpen } from '../runs/run-state.ts'
import type { MaintenanceService } from './service.ts'

/** A run of which nothing is known any more has ended. */
export async function isStillOpen({ repository, platform }: MaintenanceService, run: string): Promise<boolean> {
  const record = await findRun(repository.records, run)
  return record !== undefined && (await isRunOpen(repository.records, record, platform.clock.now()))
}
