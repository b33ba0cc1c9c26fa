/** Settles runs that are overdue, for a process that stays: beside the runs' own ticks, so that a run whose tick was lost ends all the same. */
import type { RunOutcome } from '../runs/outcome.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { findRun } from '../runs/run-log.ts'
import { readRunState } from '../runs/run-state.ts'
import type { RunRecords } from '../runs/run.ts'
import type { Service } from './service.ts'
import { settleRun } from './settle-run.ts'

/** Newest runs looked at: more than can be open at once. */
const RUNS_MAX = 20

interface Seen {
  readonly since: Date
  /** Ended when last looked at; a replay of one is settled by its ticks. */
  readonly ended: Set<string>
  readonly open: Set<string>
}

const seenBy = new WeakMap<RunRecords, Seen>()

/** The runs that ended since the last look of this process, newest first; of those before its first look none. */
export async function settleOpenRuns(
  service: Service,
): Promise<readonly { readonly run: string; readonly outcome: RunOutcome }[]> {
  const { records } = service.repository
  const now = service.platform.clock.now()
  const seen = seenBy.get(records) ?? { since: now, ended: new Set(), open: new Set() }
  seenBy.set(records, seen)
  const ended: { run: string; outcome: RunOutcome }[] = []
  let looked = 0
  for await (const id of runIdsNewestFirst(records, now)) {
    if (looked++ >= RUNS_MAX) break
    if (seen.ended.has(id)) continue
    const run = await findRun(records, id)
    if (run === undefined) continue
    if ((await settleRun(service, { run: id })).open) {
      seen.open.add(id)
      continue
    }
    seen.ended.add(id)
    if (!seen.open.delete(id) && new Date(run.startedAt) < seen.since) continue
    const { report } = await readRunState(records, run, now)
    ended.push({ run: id, outcome: report.outcome })
  }
  return ended
}
