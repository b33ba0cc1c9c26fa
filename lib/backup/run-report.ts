/** How runs stand: one from its own events, many from their summaries where they have ended. Reads only. */
import type { RunReport } from '../runs/outcome.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { findRun, readRun } from '../runs/run-log.ts'
import { readRunState } from '../runs/run-state.ts'
import { latestSummary } from '../runs/summary-log.ts'
import type { Service } from './service.ts'

/** What this room needs of a service to look at runs. */
export type RunView = Pick<Service, 'repository'> & { readonly platform: Pick<Service['platform'], 'clock'> }

const RUNS_DEFAULT = 50
/** A replay or late words may have come after the summary of so many newest runs: they are looked at themselves. */
const LOOKED_AT = 3

/** @throws TorikiError `run-not-found`. */
export async function runReport(service: RunView, run: string): Promise<RunReport> {
  const { records } = service.repository
  return (await readRunState(records, await readRun(records, run), service.platform.clock.now())).report
}

/** Newest first by the time they were meant for. */
export async function listRuns(
  service: RunView,
  options: { readonly limit?: number } = {},
): Promise<readonly RunReport[]> {
  const { records } = service.repository
  const now = service.platform.clock.now()
  const limit = options.limit ?? RUNS_DEFAULT
  const reports: RunReport[] = []
  for await (const id of runIdsNewestFirst(records, now)) {
    if (reports.length >= limit) break
    const run = await findRun(records, id)
    if (run === undefined) continue
    const summary = reports.length < LOOKED_AT ? undefined : await latestSummary(records, id)
    reports.push(summary?.report ?? (await readRunState(records, run, now)).report)
  }
  return reports
}
