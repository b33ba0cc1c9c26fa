/** What was measured, as Markdown: figures, ratios, floors. */
import { markdownTable, median } from '../table.ts'
import { steps } from './engine.ts'
import type { EngineResult } from './engine.ts'
import { ratioTo, stepNames, verdicts } from './floors.ts'
import type { ToolName } from './tool.ts'

export function engineReport(result: EngineResult): string {
  const { profile, store, home, repetitions, isSettled } = result
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`
  return [
    `### \`${profile}\` on ${store === 'folder' ? 'a folder' : 'S3'}\n\n`,
    `${home.files.toLocaleString('en')} files, ${megabytes(home.bytes)}; ${repetitions} ${repetitions === 1 ? 'repetition' : 'repetitions'}, `,
    `the home 1 % further on in each. Wall median / least, CPU median.`,
    isSettled ? '\n\n' : ' Files were too young to count as unchanged: ours read them all again.\n\n',
    figures(result, megabytes),
    `\nPeer ÷ ours, medians: wall (CPU). More than 1: ours is faster.\n\n`,
    ratios(result),
    provenSentence(result),
    `\nThe targets:\n\n`,
    markdownTable(
      ['what', 'target', 'seen', ''],
      verdicts(result).map(({ what, floor, seen, said }) => [what, floor, seen, said]),
    ),
  ].join('')
}

function figures({ tools, measures }: EngineResult, megabytes: (bytes: number) => string): string {
  return markdownTable(
    ['tool', ...steps.map((step) => stepNames[step]), 'most memory, first · restore', 'repository'],
    tools.map(({ name }) => {
      const of = measures.get(name)
      const cells = steps.map((step) => {
        const list = of?.steps[step] ?? []
        if (list.length === 0) return '–'
        const walls = list.map(({ wallSeconds }) => wallSeconds)
        const cpu = median(list.map(({ cpuSeconds }) => cpuSeconds))
        return `${median(walls).toFixed(2)} / ${Math.min(...walls).toFixed(2)} s · ${cpu.toFixed(2)} s`
      })
      const peak = (step: 'first' | 'restore'): string =>
        Math.max(...(of?.steps[step] ?? []).map(({ peakMiB }) => peakMiB)).toFixed(0)
      return [name, ...cells, `${peak('first')} · ${peak('restore')} MiB`, megabytes(median(of?.repositoryBytes ?? []))]
    }),
  )
}

/** Ours reads again whatever it wrote. Who does so when asked to is beside it here, and no target hangs on it. */
function provenSentence({ measures }: EngineResult): string {
  const ours = measures.get('toriki')?.steps.restore.map(({ wallSeconds }) => wallSeconds) ?? []
  const told = [...measures].flatMap(([name, { proven }]) => {
    if (proven.length === 0) return []
    const wall = median(proven.map(({ wallSeconds }) => wallSeconds))
    const cpu = median(proven.map(({ cpuSeconds }) => cpuSeconds))
    const ratio = ours.length === 0 ? '' : `, ${(wall / median(ours)).toFixed(2)}× ours`
    return [`${name} takes ${wall.toFixed(2)} s · ${cpu.toFixed(2)} s for that${ratio}`]
  })
  return told.length === 0
    ? ''
    : `\nA whole restore that reads back what it wrote, as ours always does: ${told.join('; ')}.\n`
}

function ratios(result: EngineResult): string {
  const peers: readonly Exclude<ToolName, 'toriki'>[] = ['restic', 'borg', 'kopia', 'kopia-zstd']
  const rows = peers.flatMap((peer) => {
    const isHere = result.measures.has(peer)
    const cells = steps.map((step) => {
      const wall = ratioTo(result, { step, peer, quantity: 'wall' })
      const cpu = ratioTo(result, { step, peer, quantity: 'CPU' })
      if (wall === undefined) return '–'
      return `${wall.isEstimate ? '≈ ' : ''}${wall.value.toFixed(2)}×${cpu === undefined ? '' : ` (${cpu.value.toFixed(2)}×)`}`
    })
    if (cells.every((cell) => cell === '–')) return []
    return [[isHere ? peer : `${peer} (not here: restic's time × the reference's ratio)`, ...cells]]
  })
  return markdownTable(['peer', ...steps.map((step) => stepNames[step])], rows)
}
