/** `toriki runs` and `toriki status`: what ran, and how one run stands. */
import { listRuns, runReport } from '../../backup/run-report.ts'
import { settleRun } from '../../backup/settle-run.ts'
import { TorikiError } from '../../errors.ts'
import type { RunReport } from '../../runs/outcome.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT, exitStatusOfOutcome } from '../exit-status.ts'
import { formatBytes, formatCount, formatTime } from '../quantities.ts'
import { formatReport, reportJson } from '../run-summary.ts'
import { withRecords } from '../session.ts'
import { formatTable } from '../table.ts'

export async function runs(context: CommandContext, options: { readonly limit?: number }): Promise<void> {
  const reports = await withRecords(context, (service) =>
    listRuns(service, options.limit === undefined ? {} : { limit: options.limit }),
  )
  answer(context, reports.map(reportJson), () =>
    reports.length === 0
      ? 'There is no run yet. Start one with `toriki backup`.\n'
      : formatTable<RunReport>(
          [
            { heading: 'RUN', cell: (row) => row.run, flexible: true },
            { heading: 'BEGAN (UTC)', cell: (row) => formatTime(row.startedAt) },
            {
              heading: 'OUTCOME',
              cell: (row) => (row.open ? 'open' : row.outcome) + (row.slices.suspect > 0 ? ', suspect' : ''),
              paint: (text, row) => context.terminal.style(outcomeStyle(row), text),
            },
            {
              heading: 'SAVED',
              cell: (row) => `${formatCount(row.slices.saved)}/${formatCount(row.slices.total)}`,
              align: 'right',
            },
            { heading: 'STORED', cell: (row) => formatBytes(row.bytes.stored), align: 'right' },
          ],
          reports,
          context.terminal.width,
          (text) => context.terminal.style('bold', text),
        ),
  )
}

export async function status(context: CommandContext, run: string | undefined): Promise<number> {
  const report = await withRecords(context, async (service) => {
    const name = run ?? (await listRuns(service, { limit: 1 }))[0]?.run
    if (name === undefined)
      throw new TorikiError('run-not-found', {
        message: 'There is no run yet.',
        remedy: 'Start one with `toriki backup`.',
      })
    // Whoever looks settles what is overdue: a run whose ticks were lost is told of all the same.
    await settleRun(service, { run: name })
    return await runReport(service, name)
  })
  answer(context, reportJson(report), () => formatReport(context.terminal, report))
  return report.open ? EXIT.complete : exitStatusOfOutcome(report.outcome)
}

function outcomeStyle(report: RunReport): 'green' | 'yellow' | 'red' | 'cyan' {
  if (report.open) return 'cyan'
  if (report.outcome === 'complete') return report.slices.suspect > 0 ? 'yellow' : 'green'
  return report.outcome === 'partial' ? 'yellow' : 'red'
}
