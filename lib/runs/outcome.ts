/** How a run ended, or stands: the shape that `backup`, `status`, `replay` print as JSON (docs: contract of the command line). */
import type { ComponentName } from '../resources/component-name.ts'

export type RunOutcome = 'complete' | 'partial' | 'failed' | 'cancelled'

export interface RunReport {
  readonly run: string
  readonly open: boolean
  /** Of an open run: how it would end if it ended now. */
  readonly outcome: RunOutcome
  readonly startedAt: string
  readonly endedAt: string | undefined
  /** saved + partial + skipped + failed (+ pending while open) = total. `suspect` counts slices, whatever their outcome. */
  readonly slices: { readonly total: number; readonly saved: number; readonly partial: number; readonly skipped: number; readonly failed: number; readonly suspect: number; readonly pending: number }
  readonly bytes: { readonly read: number; readonly stored: number }
  readonly objects: { readonly put: number }
  readonly failures: readonly Failure[]
  /** Components whose members could not be listed or fell too far. */
  readonly sources: readonly { readonly component: ComponentName; readonly unreachable?: string; readonly suspect?: string }[]
}

export interface Failure {
  readonly slice: string
  readonly component: ComponentName | undefined
  readonly code: string
  readonly message: string
  readonly remedy: string
  readonly attempts: number
}
