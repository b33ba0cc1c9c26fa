import { describe, expect, test } from '@jest/globals'
import { formatReport, reportJson } from '../../../lib/cli/run-summary.ts'
import type { Terminal } from '../../../lib/cli/terminal.ts'
import type { RunReport } from '../../../lib/runs/outcome.ts'

const terminal: Terminal = {
  out: () => undefined,
  err: () => undefined,
  outBytes: async () => undefined,
  width: 80,
  interactive: false,
  style: (_style, text) => text,
}

const report: RunReport = {
  run: '20261121T020000Z-k3x7',
  open: false,
  outcome: 'partial',
  startedAt: '2026-11-21T02:00:00.000Z',
  endedAt: '2026-11-21T02:03:20.000Z',
  slices: { total: 1002, saved: 1000, partial: 1, skipped: 0, failed: 1, suspect: 2, pending: 0 },
  bytes: { read: 5 * 2 ** 30, stored: 3 * 2 ** 20 },
  objects: { put: 2010 },
  failures: [
    {
      slice: 'user/ann',
      component: 'keycloak',
      code: 'source-failed',
      message: 'The source answered with an error.',
      remedy: 'Look at its own log for the time of the run.',
      attempts: 5,
    },
    {
      slice: 'user/ben',
      component: 'keycloak',
      code: 'source-failed',
      message: 'The source answered with an error.',
      remedy: 'Look at its own log for the time of the run.',
      attempts: 5,
    },
  ],
  sources: [{ component: 'files', suspect: 'the root holds 10 homes, and held 1,000' }],
}

describe('the summary of a run', () => {
  test('reads so, at 80 columns', () => {
    expect(formatReport(terminal, report)).toBe(`
Run 20261121T020000Z-k3x7: partial
began 2026-11-21 02:00:00 UTC, took 3 min 20 s

SLICES  SAVED  PARTIAL  SKIPPED  FAILED  SUSPECT     READ   STORED  OBJECTS
 1,002  1,000        1        0       1        2  5.0 GiB  3.0 MiB    2,010
files is suspect: the root holds 10 homes, and held 1,000

2 slices stored but not believed: the source looked emptied, or is not the one
of before. Check the mount or the server; if it is the truth: toriki accept
20261121T020000Z-k3x7

source-failed in keycloak, 2 slices: user/ann, user/ben
  The source answered with an error.
  → Look at its own log for the time of the run.

When mended: toriki replay 20261121T020000Z-k3x7
`)
  })

  test('has the members of the contract as JSON', () => {
    expect(Object.keys(reportJson(report))).toEqual([
      'run',
      'open',
      'outcome',
      'startedAt',
      'endedAt',
      'slices',
      'bytes',
      'objects',
      'failures',
      'sources',
    ])
  })
})
