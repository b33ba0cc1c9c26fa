/**
 * How a run stands at a moment: its records and the time, folded into the report. Reads only; who looks twice sees the same until something is written
 * or the silence has grown too long.
 *
 * A slice that nobody reports is a failure `no-report` when nothing at all has been heard in the run for longer than its attempts could take. A
 * cancelled run ends at once: what it did not reach counts as skipped.
 */
import { errorCatalogue } from '../errors.ts'
import type { EventKey } from './event-log.ts'
import type { SliceFold } from './fold.ts'
import { failureOf, runOutcome } from './outcome.ts'
import type { Failure, RunReport, SliceCounts } from './outcome.ts'
import { areSourcesAccepted, cancelledAt } from './run-log.ts'
import { sliceStates } from './slice-states.ts'
import type { Cause, RunRecord, RunRecords, SliceOutcome } from './run.ts'

export interface RunState {
  readonly report: RunReport
  /** Events seen: equal counts, equal events, for events are never taken away while a run is looked at. */
  readonly events: number
  /** Ended because nothing was heard for too long. */
  readonly expired: boolean
}

/** Is work under way or to come? By listing alone: what a tick asks every minute of a run of thousands. */
export async function isRunOpen(records: RunRecords, run: RunRecord, now: Date): Promise<boolean> {
  if ((await cancelledAt(records, run.run)) !== undefined) return false
  let pending = 0
  let heardMs = Date.parse(run.startedAt)
  const onEvent = ({ modifiedAt }: EventKey): void => {
    heardMs = Math.max(heardMs, modifiedAt.getTime())
  }
  for await (const { fold } of sliceStates(records, run, { onEvent, withoutBodies: true })) if (fold.pending) pending++
  return pending > 0 && now.getTime() - heardMs <= silenceMsOf(run)
}

/**
 * Nothing heard of any slice for longer than this: nobody works on the run any more. What crashes whoever takes it is hidden after each attempt and is given up only
 * behind the last hiding: who was silent for just so long must still have time to be recorded with his cause.
 */
function silenceMsOf({ attemptsMax, visibilityMs }: RunRecord): number {
  return (attemptsMax + 0.5) * visibilityMs
}

type Ending = 'not' | 'cancelled' | 'expired'

export async function readRunState(records: RunRecords, run: RunRecord, now: Date): Promise<RunState> {
  const cancelled = await cancelledAt(records, run.run)
  let ending: Ending = cancelled === undefined ? 'not' : 'cancelled'
  let tally = await tallySlices(records, run, ending)
  const silenceMs = silenceMsOf(run)
  if (ending === 'not' && tally.counts.pending > 0 && now.getTime() - tally.heardMs > silenceMs) {
    // Seldom: read once more rather than keep every pending slice in memory every time.
    ending = 'expired'
    tally = await tallySlices(records, run, ending)
  }
  const { counts, heardMs } = tally
  const open = counts.pending > 0
  const sources = await doubtfulSources(records, run)
  const report: RunReport = {
    run: run.run,
    open,
    outcome: runOutcome(counts, sources, cancelled !== undefined),
    startedAt: run.startedAt,
    endedAt: open
      ? undefined
      : (cancelled ?? new Date(ending === 'expired' ? heardMs + silenceMs : heardMs).toISOString()),
    slices: counts,
    bytes: tally.bytes,
    objects: tally.objects,
    failures: tally.failures,
    sources,
  }
  return { report, events: tally.events, expired: ending === 'expired' }
}

/** How a slice counts in a run that ended so. */
export function countedAs({ outcome, pending }: SliceFold, ending: Ending): SliceOutcome | 'pending' {
  if (!pending && outcome !== undefined) return outcome
  if (ending === 'not') return 'pending'
  if (outcome === 'partial') return 'partial'
  return ending === 'cancelled' ? 'skipped' : 'failed'
}

interface Tally {
  readonly counts: SliceCounts
  readonly bytes: RunReport['bytes']
  readonly objects: RunReport['objects']
  readonly failures: readonly Failure[]
  readonly events: number
  readonly heardMs: number
}

async function tallySlices(records: RunRecords, run: RunRecord, ending: Ending): Promise<Tally> {
  let events = 0
  let heardMs = Date.parse(run.startedAt)
  const counts = { total: run.slicesTotal, saved: 0, partial: 0, skipped: 0, failed: 0, suspect: 0, pending: 0 }
  const bytes = { read: 0, stored: 0 }
  const objects = { put: 0 }
  const failures: Failure[] = []
  const onEvent = ({ modifiedAt }: EventKey): void => {
    events++
    heardMs = Math.max(heardMs, modifiedAt.getTime())
  }
  for await (const { slice, fold } of sliceStates(records, run, { onEvent })) {
    const counted = countedAs(fold, ending)
    counts[counted]++
    if (fold.suspect.length > 0) counts.suspect++
    bytes.read += fold.bytesRead
    bytes.stored += fold.bytesStored
    objects.put += fold.objectsPut
    if (counted !== 'partial' && counted !== 'failed') continue
    const causes: readonly Cause[] = fold.pending && ending === 'expired' ? [...fold.causes, NO_REPORT] : fold.causes
    failures.push(...causes.map((cause) => failureOf(slice.slice, cause, fold.attempts)))
  }
  return { counts, bytes, objects, failures, events, heardMs }
}

const NO_REPORT: Cause = {
  code: 'no-report',
  message: errorCatalogue['no-report'].message,
  remedy: errorCatalogue['no-report'].remedy,
}

async function doubtfulSources(records: RunRecords, run: RunRecord): Promise<RunReport['sources']> {
  const doubtful = run.components.flatMap((component) => {
    const { unreachable, suspect } = run.sources[component] ?? {}
    if (unreachable === undefined && suspect === undefined) return []
    return [
      {
        component,
        ...(unreachable === undefined ? {} : { unreachable }),
        ...(suspect === undefined ? {} : { suspect }),
      },
    ]
  })
  const accepted = doubtful.some(({ suspect }) => suspect !== undefined) && (await areSourcesAccepted(records, run.run))
  return accepted ? doubtful.filter(({ unreachable }) => unreachable !== undefined) : doubtful
}
