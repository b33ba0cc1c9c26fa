import { expect, test } from '@jest/globals'
import type { EngineResult, Step, ToolMeasures } from '../../bench/engine/engine.ts'
import { ratioTo, verdicts } from '../../bench/engine/floors.ts'
import type { ToolName } from '../../bench/engine/tool.ts'

const steps: readonly Step[] = ['first', 'unchanged', 'changed', 'restore', 'one', 'check']

/** Every step takes so many seconds, each run of it. */
function took(...seconds: readonly number[]): ToolMeasures {
  const measures = seconds.map((wallSeconds) => ({ wallSeconds, cpuSeconds: 2 * wallSeconds, peakMiB: 100 }))
  return {
    steps: Object.fromEntries(steps.map((step) => [step, measures])) as unknown as ToolMeasures['steps'],
    repositoryBytes: [1000],
    proven: [],
    unchanged: [],
  }
}

function result(measures: Partial<Record<ToolName, ToolMeasures>>): EngineResult {
  return {
    profile: 'small',
    store: 'folder',
    repetitions: 3,
    isSettled: true,
    home: { files: 1, bytes: 1 },
    tools: [],
    measures: new Map(Object.entries(measures) as [ToolName, ToolMeasures][]),
  }
}

const said = (of: EngineResult, what: string): string | undefined =>
  verdicts(of).find((verdict) => verdict.what === what)?.said

test('a floor is held against medians, and by how much it is missed is said', () => {
  const of = (restic: number): EngineResult => result({ toriki: took(9, 1, 1), restic: took(restic, restic, 90) })
  const what = 'first backup: restic ÷ ours, wall'
  expect(said(of(2), what)).toBe('met, stretch too')
  expect(said(of(1.8), what)).toBe('met')
  expect(said(of(0.9), what)).toBe('MISSED by 50 %')
})

test('what was not measured is neither met nor missed', () => {
  const alone = verdicts(result({ toriki: took(1) }))
  expect(new Set(alone.filter(({ what }) => what.includes('÷')).map(({ said: words }) => words))).toEqual(
    new Set(['not measured']),
  )
  expect(verdicts(result({ restic: took(1) }))).toEqual([])
})

test('kopia is estimated from restic only where it was not measured itself', () => {
  const wish = { step: 'first', peer: 'kopia-zstd', quantity: 'wall' } as const
  const estimate = ratioTo(result({ toriki: took(1), restic: took(5) }), wish)
  expect(estimate).toMatchObject({ isEstimate: true })
  expect(estimate?.value).toBeCloseTo(6.45)
  expect(ratioTo(result({ toriki: took(1), restic: took(5), 'kopia-zstd': took(3) }), wish)).toEqual({
    value: 3,
    isEstimate: false,
  })
})

test('the peak of memory is that of the hungriest step', () => {
  const hungry = took(1)
  const measures = { ...hungry, steps: { ...hungry.steps, restore: [{ wallSeconds: 1, cpuSeconds: 1, peakMiB: 704 }] } }
  expect(said(result({ toriki: measures }), 'largest peak memory of any step')).toBe('MISSED by 10 %')
})
