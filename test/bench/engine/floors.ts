/** What the engine must reach, and what it would like to (the design's targets): each held against what was measured. Figures never fail a run; they are told. */
import { median } from '../table.ts'
import type { EngineResult, Step } from './engine.ts'
import { kopiaToRestic } from './kopia-reference.ts'
import type { Measure } from './measure-process.ts'
import type { ToolName } from './tool.ts'

export interface Verdict {
  readonly what: string
  /** As the target says it. */
  readonly floor: string
  readonly seen: string
  /** `undefined`: nothing to hold it against. */
  readonly isMet: boolean | undefined
  /** In words: met, or missed and by how much. */
  readonly said: string
}

type Quantity = 'wall' | 'CPU'
type Peer = 'restic' | 'kopia' | 'kopia-zstd'

/** The peer takes at least so many times what we take. */
interface Ratio {
  readonly step: Step
  readonly peer: Peer
  readonly quantity: Quantity
  readonly floor?: number
  readonly stretch?: number
  readonly only?: 'small'
}

const RATIOS: readonly Ratio[] = [
  { step: 'first', peer: 'restic', quantity: 'wall', floor: 1.8, stretch: 2 },
  { step: 'first', peer: 'restic', quantity: 'CPU', floor: 2 },
  { step: 'first', peer: 'kopia-zstd', quantity: 'wall', floor: 1.5, stretch: 2 },
  { step: 'first', peer: 'kopia', quantity: 'wall', stretch: 1 },
  { step: 'unchanged', peer: 'restic', quantity: 'wall', floor: 2.5, stretch: 4, only: 'small' },
  { step: 'unchanged', peer: 'kopia', quantity: 'wall', floor: 1, stretch: 2, only: 'small' },
  { step: 'changed', peer: 'restic', quantity: 'wall', floor: 2 },
  { step: 'changed', peer: 'kopia-zstd', quantity: 'wall', stretch: 1 },
  { step: 'restore', peer: 'restic', quantity: 'wall', floor: 1, stretch: 1.5 },
  { step: 'restore', peer: 'kopia-zstd', quantity: 'wall', floor: 1.5 },
  { step: 'one', peer: 'restic', quantity: 'wall', floor: 1, stretch: 1.5 },
  { step: 'one', peer: 'kopia-zstd', quantity: 'wall', floor: 1.5 },
  { step: 'check', peer: 'restic', quantity: 'wall', floor: 1, stretch: 2 },
]
const PUTS_MAX = 5
const PEAK_MIB = { floor: 640, stretch: 512 } as const

export const stepNames: Readonly<Record<Step, string>> = {
  first: 'first backup',
  unchanged: 'unchanged',
  changed: '1 % changed',
  restore: 'restore, whole',
  one: 'restore, one file',
  check: 'check, all data',
}

const valueOf = (quantity: Quantity, measure: Measure): number =>
  quantity === 'wall' ? measure.wallSeconds : measure.cpuSeconds

/** The median of a step; `undefined` where the tool was not measured. */
export function medianOf(result: EngineResult, tool: ToolName, step: Step, quantity: Quantity): number | undefined {
  const measures = result.measures.get(tool)?.steps[step] ?? []
  return measures.length === 0 ? undefined : median(measures.map((measure) => valueOf(quantity, measure)))
}

/** Peer ÷ ours; `isEstimate`: the peer is not here, and stands for restic times the reference's ratio. */
export function ratioTo(
  result: EngineResult,
  { step, peer, quantity }: { readonly step: Step; readonly peer: ToolName; readonly quantity: Quantity },
): { readonly value: number; readonly isEstimate: boolean } | undefined {
  const ours = medianOf(result, 'toriki', step, quantity)
  if (ours === undefined) return undefined
  const theirs = medianOf(result, peer, step, quantity)
  if (theirs !== undefined) return { value: theirs / ours, isEstimate: false }
  const restic = medianOf(result, 'restic', step, quantity)
  const factor =
    (peer === 'kopia' || peer === 'kopia-zstd') && quantity === 'wall' ? kopiaToRestic(peer, result, step) : undefined
  return restic === undefined || factor === undefined
    ? undefined
    : { value: (restic * factor) / ours, isEstimate: true }
}

export function verdicts(result: EngineResult): readonly Verdict[] {
  const ours = result.measures.get('toriki')
  if (ours === undefined) return []
  const found: Verdict[] = []
  for (const ratio of RATIOS) {
    if (ratio.only !== undefined && (ratio.only !== result.profile || !result.isSettled)) continue
    const seen = ratioTo(result, ratio)
    const what = `${stepNames[ratio.step]}: ${ratio.peer} ÷ ours, ${ratio.quantity}`
    found.push(
      verdict(
        what,
        ratio,
        seen?.value,
        (value) => `${value.toFixed(2)}×${seen?.isEstimate === true ? ' (estimate)' : ''}`,
      ),
    )
  }
  const sizes = (tool: ToolName): number | undefined => {
    const bytes = result.measures.get(tool)?.repositoryBytes ?? []
    return bytes.length === 0 ? undefined : median(bytes)
  }
  const [own, restic] = [sizes('toriki'), sizes('restic')]
  const relation = own === undefined || restic === undefined ? undefined : own / restic
  found.push(atMost('repository: ours ÷ restic', 1, relation, (value) => `${value.toFixed(3)}×`))
  const peak = Math.max(...Object.values(ours.steps).flatMap((list) => list.map(({ peakMiB }) => peakMiB)))
  found.push({
    ...atMost('largest peak memory of any step', PEAK_MIB.floor, peak, (value) => `${value.toFixed(0)} MiB`),
    floor: `≤ ${PEAK_MIB.floor} MiB (stretch ${PEAK_MIB.stretch})`,
  })
  const { unchanged } = ours
  // Files that are too young to count as unchanged are read again: that says nothing.
  if (result.isSettled && unchanged.length > 0) {
    const most = (pick: (seen: (typeof unchanged)[number]) => number): number => Math.max(...unchanged.map(pick))
    found.push(
      atMost(
        'unchanged: objects put',
        PUTS_MAX,
        most(({ objectsPut }) => objectsPut),
        String,
      ),
      atMost(
        'unchanged: content bytes read',
        0,
        most(({ bytesRead }) => bytesRead),
        String,
      ),
    )
  }
  return found
}

function verdict(
  what: string,
  { floor, stretch }: Pick<Ratio, 'floor' | 'stretch'>,
  seen: number | undefined,
  show: (value: number) => string,
): Verdict {
  const asked = [
    ...(floor === undefined ? [] : [`≥ ${floor}×`]),
    ...(stretch === undefined ? [] : [`stretch ${stretch}×`]),
  ].join(', ')
  if (seen === undefined) return { what, floor: asked, seen: '–', isMet: undefined, said: 'not measured' }
  if (floor === undefined)
    return {
      what,
      floor: asked,
      seen: show(seen),
      isMet: undefined,
      said: seen >= (stretch ?? 0) ? 'stretch reached' : 'stretch not reached',
    }
  const isMet = seen >= floor
  const said = !isMet
    ? `MISSED by ${percent(1 - seen / floor)}`
    : stretch !== undefined && seen >= stretch
      ? 'met, stretch too'
      : 'met'
  return { what, floor: asked, seen: show(seen), isMet, said }
}

function atMost(what: string, most: number, seen: number | undefined, show: (value: number) => string): Verdict {
  const floor = `≤ ${most}`
  if (seen === undefined) return { what, floor, seen: '–', isMet: undefined, said: 'not measured' }
  const isMet = seen <= most
  const said = isMet ? 'met' : most === 0 ? 'MISSED' : `MISSED by ${percent(seen / most - 1)}`
  return { what, floor, seen: show(seen), isMet, said }
}

const percent = (share: number): string => `${Math.max(1, Math.round(share * 100))} %`
