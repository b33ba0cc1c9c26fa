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
  slices: { total: 1, verified: 1, undone: 0, refused: 0, undoFailed: 0, stopped: 0, pending: 0 },
  restored: { files: { create: 20, update: 1, delete: 0, cannot: 0, left: 0, keep: 3 } },
  proof: { readBack: 21, keptCompared: 1, keptNotCompared: 20 },
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
1 of 1 slice restored.

COMPONENT  CREATED  UPDATED  AS IT WAS
files           20        1          3

Proven: 21 resources were read again and are as planned, ids and dates of 1
included.
`)
  })

  test('says what did not come back and what a person must do, each once', () => {
    const text = formatRestore(plainTerminal(), {
      ...complete,
      lost: [{ component: 'keycloak', field: 'credentials', reason: 'The backup does not cover its hash.', count: 40 }],
      needsPerson: [{ sentence: 'Get a new password.', count: 40, slices: ['user/ann', 'user/ben'] }],
    })
    expect(text).toContain(
      '\nDid not come back, for it is not covered here:\n  - keycloak credentials: The backup does not cover its hash. (40 times)\n',
    )
    expect(text).toContain('\nNeeds a person now:\n  - Get a new password. (user/ann, user/ben and 38 more)\n')
  })

  test('says the same cause on many once, with whom, what was found and what to do', () => {
    const failures = ['user/ann', 'user/ben'].map((slice) => ({
      ...conflict,
      slice: slice as 'user/ann',
      findings: [{ component: 'files', key: 'notes.md', what: 'differs' }],
    }))
    const slices = { ...complete.slices, total: 50, verified: 48, refused: 2 }
    const report = { ...complete, outcome: 'partial' as const, verified: false, slices, restored: {}, failures }
    expect(formatRestore(plainTerminal(), report)).toBe(`
Restore ${restore}: partial
48 of 50 slices restored; 2 refused: nothing was written.

Proven: 21 resources were read again and are as planned, ids and dates of 1
included.

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

  test('names what is to be done by hand, what was left to whoever changed it, and where the state before is kept', () => {
    const findings = [
      { component: 'files', key: 'a.md', what: 'differs', todo: 'Set it back.' },
      { component: 'files', key: 'b.md', what: 'was changed since, and is left', left: true },
    ]
    const failure = { ...conflict, slice: 'user/ann' as const, outcome: 'undo-failed' as const, findings, more: 7 }
    const slices = { ...complete.slices, verified: 0, undoFailed: 1 }
    const failures = [{ ...failure, safety: `${restore}.1` }]
    expect(formatRestore(plainTerminal(), { ...complete, slices, restored: {}, failures })).toContain(`
restore-conflict, 1 slice NOT taken back: user/ann
  The live state is not what the plan saw. Plan again.
  - files a.md differs
    → Set it back.
  Changed by somebody meanwhile, and left to them:
  - files b.md was changed since, and is left
  … and 7 more (with --json)
  → Make a new plan, and look at what changed.
  Before the restore: toriki ls user/ann@${restore}.1
`)
  })

  test('has the members of the contract as JSON, and a remedy for each failure', () => {
    const json = restoreJson({ ...complete, failures: [{ ...conflict, slice: 'user/ann', findings: [] }] })
    expect(json).toMatchObject({ restore, outcome: 'complete', verified: true, slices: { total: 1 } })
    expect(json).toMatchObject({ failures: [{ slice: 'user/ann', remedy: expect.stringContaining('new plan') }] })
  })
})
