/** The exit statuses of the contract. */
import type { TorikiError } from '../errors.ts'
import type { RunOutcome } from '../runs/outcome.ts'

export const EXIT = {
  complete: 0,
  /** Failed, refused, damaged, rolled back, or a failing `doctor`. */
  failed: 1,
  /** Bad usage or settings. */
  usage: 2,
  /** Something is saved, something is not. */
  partial: 3,
  interrupted: 130,
} as const

const USAGE_CODES: ReadonlySet<string> = new Set([
  'usage',
  'settings-missing',
  'settings-invalid',
  'reference-unresolved',
  'region-not-allowed',
  'slice-unknown',
  'restore-invalid',
  'restore-other-target',
])

export function exitStatusOfError(error: TorikiError): number {
  if (error.code === 'interrupted') return EXIT.interrupted
  return USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed
}

export function exitStatusOfOutcome(outcome: RunOutcome): number {
  return outcome === 'complete' ? EXIT.complete : outcome === 'partial' ? EXIT.partial : EXIT.failed
}
