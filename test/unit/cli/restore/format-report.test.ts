import { describe, expect, test } from '@jest/globals'
import { formatRestore, restoreJson } from '../../../../lib/cli/restore/format-report.ts'
import type { RestoreReport } from '../../../../lib/restore/restore-report.ts'
import { plainTerminal } from '../../../kit/plain-terminal.ts'

const restore = '20261121T080000000Z-restore-1f0c2d3e4a'
const complete: RestoreReport = {
  restore,
  open: false,
  outcome: 'complete',
  verified: true,
  slices: { total: 1, verified: 1, undone: 0, refused: 0, undoFailed: 0, pending: 0 },
  restored: {},
  proof: { readBack: 0, keptCompared: 0, keptNotCompared: 0 },
  lost: [],
  needsPerson: [],
  failures: [],
}
const conflict = {
  code: 'restore-conflict',
  message: 'The live state is not what the plan saw. Plan again.',
  outcome: 'refused' as const,
}

describe('the report of a restore', () => {
  test('that is complete reads so', () => {
    expect(formatRestore(plainTerminal(), complete, { tookMs: 3_200 })).toBe(`
Restore ${restore}: complete, took 3.2 s
1 of 1 slice restored, read again and found as planned.
`)
  })

  test('says the same cause on many once, with whom, what was found and what to do', () => {
    const failures = ['user/ann', 'user/ben'].map((slice) => ({
      ...conflict,
      slice: slice as 'user/ann',
      findings: [{ component: 'files', key: 'notes.md', what: 'differs' }],
    }))
    const slices = { ...complete.slices, total: 50, verified: 48, refused: 2 }
    const report = { ...complete, outcome: 'partial' as const, verified: false, slices, failures }
    expect(formatRestore(plainTerminal(), report)).toBe(`
Restore ${restore}: partial
48 of 50 slices restored, read again and found as planned; 2 refused: nothing
was written.

restore-conflict, 2 slices refused: user/ann, user/ben
  The live state is not what the plan saw. Plan again.
  - user/ann files notes.md differs
  - user/ben files notes.md differs
  → Make a new plan, and look at what changed.
`)
  })

  test('that is open says how to go on, and one that could not be taken back how to acknowledge', () => {
    const open = { ...complete, open: true, slices: { ...complete.slices, verified: 0, pending: 1 } }
    expect(formatRestore(plainTerminal(), open)).toContain(`Go on with: toriki restore resume ${restore}\n`)
    const failed = { ...complete, slices: { ...complete.slices, verified: 0, undoFailed: 1 } }
    expect(formatRestore(plainTerminal(), failed)).toContain(`toriki restore acknowledge ${restore}\n`)
  })

  test('has the members of the contract as JSON, and a remedy for each failure', () => {
    const json = restoreJson({ ...complete, failures: [{ ...conflict, slice: 'user/ann', findings: [] }] })
    expect(json).toMatchObject({ restore, outcome: 'complete', verified: true, slices: { total: 1 } })
    expect(json).toMatchObject({ failures: [{ slice: 'user/ann', remedy: expect.stringContaining('new plan') }] })
  })
})
