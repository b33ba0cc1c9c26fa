/** Settles the newest runs that are not ended yet: what their own ticks would do, for a service that was down when the ticks were due. */
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { findRun } from '../runs/run-log.ts'
import { latestSummary } from '../runs/summary-log.ts'
import type { RunOutcome } from '../runs/outcome.ts'
import { runReport } from './run-report.ts'
import type { Service } from './service.ts'
import { settleRun } from './settle-run.ts'

/** An open run is among the newest: full runs do not overlap, narrowed ones are short. */
const LOOKED_AT = 5

/** The runs that this call saw end. */
export async function settleOpenRuns(service: Service): Promise<readonly { readonly run: string; readonly outcome: RunOutcome }[]> {
  const { records } = service.repository
  const ended: { run: string; outcome: RunOutcome }[] = []
  let looked = 0
  for await (const run of runIdsNewestFirst(records, service.platform.clock.now())) {
    if (++looked > LOOKED_AT) break
    if ((await findRun(records, run)) === undefined || (await latestSummary(records, run)) !== undefined) continue
    if (!(await settleRun(service, { run })).open) ended.push({ run, outcome: (await runReport(service, run)).outcome })
  }
  return ended
}
