import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { isRunId, policyOfRunId, runId, runSuffix } from '../../../lib/runs/run-id.ts'

const times = fc.date({
  min: new Date('2000-01-01T00:00:00Z'),
  max: new Date('2999-12-31T00:00:00Z'),
  noInvalidDate: true,
})

describe('the name of a run', () => {
  test('is the same for the same time, policy and cause', () => {
    expect(runId(new Date('2026-11-21T02:00:00Z'), 'full', 'schedule')).toBe(
      runId(new Date('2026-11-21T02:00:00.000Z'), 'full', 'schedule'),
    )
    expect(runId(new Date('2026-11-21T02:00:00Z'), 'full', 'schedule')).toMatch(
      /^20261121T020000000Z-full-[0-9a-f]{10}$/,
    )
  })

  test('differs by cause and policy', () => {
    const at = new Date('2026-11-21T02:00:00Z')
    expect(new Set([runId(at, 'full', 'a'), runId(at, 'full', 'b'), runId(at, 'narrowed', 'a')]).size).toBe(3)
  })

  test('sorts as text by its time, and fits where a message takes a run', () => {
    fc.assert(
      fc.property(times, times, fc.string(), (a, b, cause) => {
        const [one, two] = [runId(a, 'full', cause), runId(b, 'full', cause)]
        expect(isRunId(one)).toBe(true)
        expect(one).toMatch(/^[0-9A-Za-z][0-9A-Za-z-]{0,79}$/)
        expect(Math.sign(a.getTime() - b.getTime())).toBe(one < two ? -1 : one > two ? 1 : 0)
      }),
    )
  })

  test('ends with what two starts for the same cause share', () => {
    const run = runId(new Date('2026-11-21T02:00:00Z'), 'narrowed', 'invocation 1')
    expect(run.endsWith(runSuffix('narrowed', 'invocation 1'))).toBe(true)
    expect(policyOfRunId(run)).toBe('narrowed')
  })

  test.each(['', 'unreadable', '20261121T020000Z', '../x'])('%j is none', (text) => {
    expect(isRunId(text)).toBe(false)
  })
})
