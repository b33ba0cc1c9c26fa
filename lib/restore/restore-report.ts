/** How a restore stands: the steps of its slices, folded. Reads only. */
import type { SliceName } from '../resources/slice.ts'
import { readRequest, requestedSlices } from './restore-request.ts'
import type { RestoreService } from './service.ts'
import { hasEnded, readProgress } from './slice-log.ts'
import type { Finding, RestoreStep } from './slice-log.ts'

export type RestoreOutcome = 'complete' | 'partial' | 'rolled-back' | 'rollback-failed' | 'refused'

export interface RestoreReport {
  readonly restore: string
  /** Slices are still to be worked on. */
  readonly open: boolean
  /** As far as it came; that of a restore that is open may still change. */
  readonly outcome: RestoreOutcome
  /** Everything that was to be restored reads back as planned. */
  readonly verified: boolean
  readonly slices: {
    readonly total: number
    readonly verified: number
    readonly undone: number
    readonly refused: number
    readonly undoFailed: number
    readonly pending: number
  }
  readonly failures: readonly RestoreFailure[]
}

export interface RestoreFailure {
  readonly slice: SliceName
  readonly code: string
  readonly message: string
  readonly outcome: 'undone' | 'undo-failed' | 'refused'
  readonly findings: readonly Finding[]
}

/** Failures in one report; the counts are always whole. */
const FAILURES_MAX = 1000

/** @throws TorikiError `restore-not-found`. */
export async function restoreReport(service: RestoreService, restore: string): Promise<RestoreReport> {
  const { records } = service.repository
  const slices = { total: 0, verified: 0, undone: 0, refused: 0, undoFailed: 0, pending: 0 }
  const failures: RestoreFailure[] = []
  for await (const { slice, sliceId } of requestedSlices(records, await readRequest(records, restore))) {
    slices.total++
    const progress = await readProgress(records, { restore, sliceId })
    const { last } = progress
    if (last === undefined || !hasEnded(progress)) slices.pending++
    else slices[countOf(last)]++
    if (last?.step !== 'undone' && last?.step !== 'undo-failed' && last?.step !== 'refused') continue
    const { step: outcome, code, why: message, findings } = last
    if (failures.length < FAILURES_MAX) failures.push({ slice, code, message, outcome, findings })
  }
  return {
    restore,
    open: slices.pending > 0,
    outcome: outcomeOf(slices),
    verified: slices.verified === slices.total,
    slices,
    failures,
  }
}

function countOf({ step }: RestoreStep): 'verified' | 'undone' | 'refused' | 'undoFailed' {
  if (step === 'verified' || step === 'refused') return step
  return step === 'undone' ? 'undone' : 'undoFailed'
}

function outcomeOf({ verified, total, undone, undoFailed }: RestoreReport['slices']): RestoreOutcome {
  if (verified === total) return 'complete'
  if (undoFailed > 0) return 'rollback-failed'
  if (verified > 0) return 'partial'
  return undone > 0 ? 'rolled-back' : 'refused'
}
