/**
 * Names of runs: `20261121T020000000Z-full-1f0c2d3e4a`. Sorted as text they are sorted by the time they were meant for. The last part is a digest of what caused the
 * run (the schedule, an invocation), so that a retried invocation finds the run it opened, although its clock went on.
 */
import { createHash } from 'node:crypto'
import type { RunRecord } from './run.ts'

const RUN_ID = /^\d{8}T\d{9}Z-(full|narrowed)-[0-9a-f]{10}$/

/** The same time, policy and cause give the same id. `cause` is any text; nothing of it can be read from the id. */
export function runId(intendedAt: Date, policy: RunRecord['policy'], cause: string): string {
  const time = intendedAt.toISOString().replace(/[-:.]/g, '')
  return `${time}-${runSuffix(policy, cause)}`
}

/** What two ids of the same policy and cause share, whatever their time. */
export function runSuffix(policy: RunRecord['policy'], cause: string): string {
  return `${policy}-${createHash('sha256').update(cause).digest('hex').slice(0, 10)}`
}

export function isRunId(text: string): boolean {
  return RUN_ID.test(text)
}

/** The policy is in the name, so that a look for full runs need not open the others. */
export function policyOfRunId(run: string): RunRecord['policy'] {
  return run.includes('-full-') ? 'full' : 'narrowed'
}
