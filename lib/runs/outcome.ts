/** How a run ended, or stands: the shape that `backup`, `status`, `replay` print as JSON (docs: contract of the command line), and how it is reckoned. */
import type { ComponentName } from '../resources/component-name.ts'
import type { Cause } from './run.ts'

export type RunOutcome = 'complete' | 'partial' | 'failed' | 'cancelled'

export interface RunReport {
  readonly run: string
  readonly open: boolean
  /** Of an open run: how it would end if it ended now. */
  readonly outcome: RunOutcome
  readonly startedAt: string
  readonly endedAt: string | undefined
  readonly slices: SliceCounts
  readonly bytes: { readonly read: number; readonly stored: number }
  readonly objects: { readonly put: number }
  readonly failures: readonly Failure[]
  /** Components whose members could not be listed or fell too far, unless accepted. */
  readonly sources: readonly {
    readonly component: ComponentName
    readonly unreachable?: string
    readonly suspect?: string
  }[]
}

/** saved + partial + skipped + failed (+ pending while open) = total. `suspect` counts slices, whatever their outcome. */
export interface SliceCounts {
  readonly total: number
  readonly saved: number
  readonly partial: number
  readonly skipped: number
  readonly failed: number
  readonly suspect: number
  readonly pending: number
}

export interface Failure {
  readonly slice: string
  readonly component: ComponentName | undefined
  readonly code: string
  readonly message: string
  readonly remedy: string
  readonly attempts: number
}

/**
 * `complete` only when every slice is saved (or has nothing to save), everything is believed and every source listed its own members: what was not seen is not
 * success. `failed` when nothing at all was saved.
 */
export function runOutcome(slices: SliceCounts, sources: RunReport['sources'], cancelled: boolean): RunOutcome {
  if (cancelled) return 'cancelled'
  const stored = slices.saved + slices.partial
  if (stored === 0 && (slices.failed > 0 || slices.pending > 0)) return 'failed'
  const whole = slices.partial + slices.failed + slices.pending + slices.suspect === 0
  return whole && sources.length === 0 ? 'complete' : stored === 0 && slices.skipped === 0 ? 'failed' : 'partial'
}

/** One cause and how many slices it hit. */
export interface FailureGroup {
  readonly component: ComponentName | undefined
  readonly code: string
  readonly message: string
  readonly remedy: string
  readonly count: number
  /** The first few. */
  readonly slices: readonly string[]
}

const SLICES_A_GROUP = 5

/** The same component, code and message on many slices is one entry; the most frequent first. */
export function groupFailures(failures: readonly Failure[]): readonly FailureGroup[] {
  const groups = new Map<string, Omit<FailureGroup, 'count' | 'slices'> & { count: number; slices: string[] }>()
  for (const { slice, component, code, message, remedy } of failures) {
    const name = JSON.stringify([component ?? null, code, message])
    const group = groups.get(name)
    if (group === undefined) groups.set(name, { component, code, message, remedy, count: 1, slices: [slice] })
    else {
      group.count++
      if (group.slices.length < SLICES_A_GROUP) group.slices.push(slice)
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count)
}

/** A cause as a failure of a slice. */
export function failureOf(slice: string, cause: Cause, attempts: number): Failure {
  return { slice, component: cause.component, code: cause.code, message: cause.message, remedy: cause.remedy, attempts }
}
