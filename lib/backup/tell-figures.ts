/**
 * What a run's end says in figures: how many slices ended how, and how old everybody's newest good backup is. Counted once per summary for whoever keeps metrics, and
 * told once per summary to a person, when somebody would lose more than `alarms.rpo` allows.
 */
import { toTorikiError } from '../errors.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { RunReport } from '../runs/outcome.ts'
import { recordTold, wasTold } from '../runs/run-log.ts'
import type { RunRecord } from '../runs/run.ts'
import { logFailure } from './cause.ts'
import { isNewestFullRun, recoveryPoint } from './recovery-point.ts'
import type { RecoveryPoint } from './recovery-point.ts'
import type { Service } from './service.ts'
import { tellOnce } from './tell.ts'

/** `n`: the number of the run's summary. @throws TorikiError only for what may pass: whoever settles the run then tries again. */
export async function tellFigures(service: Service, run: RunRecord, report: RunReport, n: number): Promise<void> {
  const { metrics, limits, repository, platform } = service
  const { records } = repository
  const isTold = (what: string): Promise<boolean> => wasTold(records, run.run, `${what}-${n}`)
  const told = (what: string): Promise<void> => recordTold(records, run.run, `${what}-${n}`, platform.clock.now())
  // Figures are marked only by who keeps them: a command line that settles the run first must not withhold them from the function that does.
  if (metrics.kept && !(await isTold('metrics'))) {
    countSlices(metrics, run, report)
    await told('metrics')
  }
  if (limits.rpoMs === undefined) return
  const counts = metrics.kept && !(await isTold('age'))
  const tells = !(await isTold('rpo'))
  if (!counts && !tells) return
  const point = await pointOf(service, run, report, limits.rpoMs)
  if (point === 'unknown') return
  if (counts) {
    if (point !== undefined) countPoint(metrics, point)
    await told('age')
  }
  if (!tells) return
  if (point !== undefined && point.beyond > 0) await tell(service, run, point, limits.rpoMs, n)
  else await told('rpo')
}

function countSlices(metrics: Metrics, run: RunRecord, report: RunReport): void {
  const { saved, partial, failed, skipped, suspect } = report.slices
  metrics.add('SlicesSaved', saved)
  metrics.add('SlicesPartial', partial)
  metrics.add('SlicesFailed', failed)
  metrics.add('SlicesSkipped', skipped)
  metrics.add('SlicesSuspect', suspect)
  if (run.policy === 'full') metrics.add('RunComplete', report.outcome === 'complete' ? 1 : 0)
  metrics.flush()
}

function countPoint(metrics: Metrics, { beyond, oldestMs }: RecoveryPoint): void {
  metrics.add('PeopleBeyondRpo', beyond)
  metrics.add('GoodBackupAgeMaxSeconds', Math.round(oldestMs / 1000))
  metrics.flush()
}

/** Only a full run knows who is there, and only the newest says how it stands now. `unknown`: a right is missing, and the log says so. */
async function pointOf(
  service: Service,
  run: RunRecord,
  report: RunReport,
  rpoMs: number,
): Promise<RecoveryPoint | 'unknown' | undefined> {
  if (run.policy !== 'full' || report.outcome === 'cancelled') return undefined
  const now = service.platform.clock.now()
  try {
    return (await isNewestFullRun(service, run.run, now)) ? await recoveryPoint(service, run, rpoMs, now) : undefined
  } catch (error) {
    if (toTorikiError(error).retry !== 'never') throw error
    logFailure(service.platform.log, 'recovery-point-unknown', error, { run: run.run })
    return 'unknown'
  }
}

async function tell(
  service: Service,
  { run }: RunRecord,
  { beyond, oldestMs, sliceIds }: RecoveryPoint,
  rpoMs: number,
  n: number,
): Promise<void> {
  const who = beyond === 1 ? 'One person has' : `${beyond} people have`
  await tellOnce(service, run, `rpo-${n}`, {
    alarm: 'rpo',
    message: `${who} no good backup of the last ${inWords(rpoMs)}; the oldest is ${inWords(oldestMs)} old. What kept it from them: toriki status ${run}`,
    people: { beyond, oldestSeconds: Math.round(oldestMs / 1000), sliceIds },
  })
}

const HOUR_MS = 3_600_000
const DAYS_FROM_HOURS = 96

function inWords(ms: number): string {
  const hours = ms / HOUR_MS
  if (hours < 1) return `${Math.round(ms / 60_000)} minutes`
  return hours < DAYS_FROM_HOURS ? `${Math.round(hours)} hours` : `${Math.floor(hours / 24)} days`
}
