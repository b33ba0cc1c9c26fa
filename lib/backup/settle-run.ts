/**
 * Ends a run: folds its events and, once nothing is pending, writes the next summary and tells a person what went wrong. Called by ticks (numbered messages, of
 * which each number is claimed by one message) and by whoever looks at a run: done twice it does nothing more.
 */
import { canonicalJson } from '../resources/json.ts'
import type { RunReport } from '../runs/outcome.ts'
import { toRecord } from '../runs/record-schemas.ts'
import { listEvents } from '../runs/event-log.ts'
import { cancelledAt, claimTick, readRun } from '../runs/run-log.ts'
import type { RunRecord, RunRecords } from '../runs/run.ts'
import { isRunOpen, readRunState } from '../runs/run-state.ts'
import type { RunState } from '../runs/run-state.ts'
import { createSummary, latestSummary } from '../runs/summary-log.ts'
import type { RunSummary } from '../runs/summary-log.ts'
import { keepInOrder } from './keep-in-order.ts'
import { sendTick } from './send-tick.ts'
import type { Service } from './service.ts'
import { alarmFailures, tellOnce } from './tell.ts'
import { tellFigures } from './tell-figures.ts'

export interface SettleRequest {
  readonly run: string
  /** Absent: somebody looks; nothing is claimed and no tick follows. */
  readonly tick?: { readonly number: number; readonly messageId: string }
}

export interface Settled {
  readonly open: boolean
  /** Another message has this tick: nothing was done. */
  readonly claimed: boolean
}

/** While the run is open the next tick is sent before this one may be acknowledged. @throws TorikiError `run-not-found`. */
export async function settleRun(service: Service, { run: id, tick }: SettleRequest): Promise<Settled> {
  const { records } = service.repository
  const run = await readRun(records, id)
  if (tick !== undefined && (await claimTick(records, id, tick.number, tick.messageId)) === 'taken')
    return { open: true, claimed: false }
  const summary = await latestSummary(records, id)
  if (summary !== undefined && (await isSummaryTrue(records, id, summary))) {
    await tellEnd(service, run, summary.report, summary.n)
    return { open: false, claimed: true }
  }
  const now = service.platform.clock.now()
  if (await isRunOpen(records, run, now)) {
    if (tick !== undefined) await sendTick(service, id, tick.number + 1)
    return { open: true, claimed: true }
  }
  const state = await readRunState(records, run, now)
  const n = await summarise(service, id, state)
  await tellEnd(service, run, state.report, n)
  return { open: false, claimed: true }
}

/** Has nothing happened since it was written? By listing alone: old runs are looked at again and again, and nearly always stay as they are. */
async function isSummaryTrue(records: RunRecords, run: string, { report, events }: RunSummary): Promise<boolean> {
  if (report.sources.some(({ suspect }) => suspect !== undefined)) return false // May have been accepted.
  if (report.outcome !== 'cancelled' && (await cancelledAt(records, run)) !== undefined) return false
  let seen = 0
  for await (const _event of listEvents(records, run)) if (++seen > events) return false
  return seen === events
}

/** The number of the summary that says this: the newest one, or a new one. */
async function summarise(service: Service, run: string, { report, events }: RunState): Promise<number> {
  const { records } = service.repository
  for (;;) {
    const latest = await latestSummary(records, run)
    // Who folded more events than we knows better.
    if (latest !== undefined && (latest.events > events || isSame(latest.report, report))) return latest.n
    const n = (latest?.n ?? 0) + 1
    if ((await createSummary(records, run, n, report, events)) === 'created') {
      const { total, saved, partial, skipped, failed, suspect } = report.slices
      service.platform.log.write('info', 'run-ended', {
        run,
        outcome: report.outcome,
        total,
        saved,
        partial,
        skipped,
        failed,
        suspect,
      })
      return n
    }
  }
}

function isSame(a: RunReport, b: RunReport): boolean {
  return canonicalJson(toRecord(a)) === canonicalJson(toRecord(b))
}

/** Once per summary: what failed, what is not believed, and the figures. */
async function tellEnd(service: Service, record: RunRecord, report: RunReport, n: number): Promise<void> {
  const { run, outcome, slices, sources } = report
  const doubted = sources.filter(({ suspect }) => suspect !== undefined).map(({ component }) => component)
  if (
    outcome === 'failed' ||
    slices.failed + slices.partial > 0 ||
    sources.some(({ unreachable }) => unreachable !== undefined)
  ) {
    await tellOnce(service, run, `ended-${n}`, {
      alarm: 'run-ended',
      outcome,
      message: `The backup ended ${outcome}: ${slices.saved} of ${slices.total} slices saved, ${slices.partial} partial, ${slices.failed} failed.`,
      failures: alarmFailures(report.failures),
    })
  }
  if (slices.suspect > 0 || doubted.length > 0) {
    await tellOnce(service, run, `suspect-${n}`, {
      alarm: 'suspect',
      outcome,
      message: `The source looks emptied: ${slices.suspect} of ${slices.total} slices are kept but not believed. If it is the truth: toriki accept ${run}`,
      suspect: doubted,
    })
  }
  await tellFigures(service, record, report, n)
  await keepInOrder(service, record, report)
}
