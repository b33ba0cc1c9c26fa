/** A run's report: the JSON of the contract, and the summary people read at the end of `backup`, `replay` and `status`. */
import type { Failure, RunReport } from '../runs/outcome.ts'
import { formatBytes, formatCount, formatDuration, formatTime, plural } from './quantities.ts'
import { formatTable, wrap } from './table.ts'
import type { Terminal } from './terminal.ts'

/** Names of slices shown per cause. */
const SLICES_SHOWN_MAX = 5

export function reportJson(report: RunReport): object {
  const { run, open, outcome, startedAt, endedAt, slices, bytes, objects, failures, sources } = report
  return {
    run,
    open,
    outcome,
    startedAt,
    endedAt: endedAt ?? null,
    slices,
    bytes,
    objects,
    failures: failures.map((failure) => ({ ...failure, component: failure.component ?? null })),
    ...(sources.length === 0 ? {} : { sources }),
  }
}

export function formatReport(terminal: Terminal, report: RunReport): string {
  const { slices } = report
  const state = report.open ? 'open' : report.outcome
  const style = report.open
    ? 'cyan'
    : report.outcome === 'complete'
      ? 'green'
      : report.outcome === 'partial'
        ? 'yellow'
        : 'red'
  const took =
    report.endedAt === undefined
      ? ''
      : `, took ${formatDuration(Date.parse(report.endedAt) - Date.parse(report.startedAt))}`
  const lines = [
    `\n${terminal.style('bold', `Run ${report.run}`)}: ${terminal.style(style, state)}\n`,
    `began ${formatTime(report.startedAt)} UTC${took}\n\n`,
    formatTable(
      [
        { heading: 'SLICES', cell: () => formatCount(slices.total), align: 'right' },
        {
          heading: 'SAVED',
          cell: () => formatCount(slices.saved),
          align: 'right',
          paint: (text) => terminal.style('green', text),
        },
        {
          heading: 'PARTIAL',
          cell: () => formatCount(slices.partial),
          align: 'right',
          paint: (text) => (slices.partial > 0 ? terminal.style('yellow', text) : text),
        },
        { heading: 'SKIPPED', cell: () => formatCount(slices.skipped), align: 'right' },
        {
          heading: 'FAILED',
          cell: () => formatCount(slices.failed),
          align: 'right',
          paint: (text) => (slices.failed > 0 ? terminal.style('red', text) : text),
        },
        ...(slices.pending > 0
          ? [{ heading: 'TO DO', cell: () => formatCount(slices.pending), align: 'right' as const }]
          : []),
        ...(slices.suspect > 0
          ? [
              {
                heading: 'SUSPECT',
                cell: () => formatCount(slices.suspect),
                align: 'right' as const,
                paint: (text: string) => terminal.style('yellow', text),
              },
            ]
          : []),
        { heading: 'READ', cell: () => formatBytes(report.bytes.read), align: 'right' },
        { heading: 'STORED', cell: () => formatBytes(report.bytes.stored), align: 'right' },
        { heading: 'OBJECTS', cell: () => formatCount(report.objects.put), align: 'right' },
      ],
      [report],
      terminal.width,
      (text) => terminal.style('dim', text),
    ),
  ]
  for (const source of report.sources) {
    if (source.unreachable !== undefined)
      lines.push(
        '\n',
        terminal.style(
          'yellow',
          wrap(
            `${source.component}: its members could not be listed (${source.unreachable}); those of the last run stand in.`,
            terminal.width,
          ),
        ),
      )
    if (source.suspect !== undefined)
      lines.push(terminal.style('yellow', wrap(`${source.component} is suspect: ${source.suspect}`, terminal.width)))
  }
  if (slices.suspect > 0 || report.sources.some(({ suspect }) => suspect !== undefined)) {
    lines.push(
      '\n',
      wrap(
        `${plural(slices.suspect, 'slice')} stored but not believed: the source looked emptied, or is not the one of before. Check the mount or the server; if it is the truth: toriki accept ${report.run}`,
        terminal.width,
      ),
    )
  }
  lines.push(...formatCauses(terminal, report.failures))
  if (!report.open && report.failures.length > 0)
    lines.push(`\nWhen mended: ${terminal.style('bold', `toriki replay ${report.run}`)}\n`)
  return lines.join('')
}

/** The same cause on many slices is one entry with a count. */
function formatCauses(terminal: Terminal, failures: readonly Failure[]): string[] {
  const causes = new Map<string, Failure[]>()
  for (const failure of failures) {
    const key = `${failure.component ?? ''} ${failure.code} ${failure.message}`
    causes.set(key, [...(causes.get(key) ?? []), failure])
  }
  return [...causes.values()].flatMap((group) => {
    const [first] = group
    if (first === undefined) return []
    const shown = group.slice(0, SLICES_SHOWN_MAX).map((failure) => failure.slice)
    const more = group.length > shown.length ? ` and ${formatCount(group.length - shown.length)} more` : ''
    return [
      `\n${terminal.style('red', first.code)}${first.component === undefined ? '' : ` in ${first.component}`}, ${plural(group.length, 'slice')}: ${shown.join(', ')}${more}\n`,
      wrap(first.message, terminal.width, '  '),
      wrap(`→ ${first.remedy}`, terminal.width, '  '),
    ]
  })
}
