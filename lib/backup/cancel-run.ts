/** Stops a run: no further slice is begun, what is saved stays. Messages that are still queued are dropped as they come. */
import { readRun, recordCancelled } from '../runs/run-log.ts'
import { readRunState } from '../runs/run-state.ts'
import type { Service } from './service.ts'
import { settleRun } from './settle-run.ts'

/** A run that has ended is left as it is. Done twice it changes nothing more. @throws TorikiError `run-not-found`. */
export async function cancelRun(service: Service, run: string): Promise<void> {
  const { records } = service.repository
  const record = await readRun(records, run)
  const now = service.platform.clock.now()
  const { report } = await readRunState(records, record, now)
  if (report.open) await recordCancelled(records, run, now, 'asked')
  await settleRun(service, { run })
}
