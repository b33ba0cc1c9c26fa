/** `toriki cancel RUN`: no further slice is begun; what is saved stays. */
import { cancelRun } from '../../backup/cancel-run.ts'
import { runReport } from '../../backup/run-report.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { formatReport, reportJson } from '../run-summary.ts'
import { withRecords } from '../session.ts'

export async function cancel(context: CommandContext, run: string): Promise<void> {
  const report = await withRecords(context, async (service) => {
    await cancelRun(service, run)
    return await runReport(service, run)
  })
  answer(context, reportJson(report), () => formatReport(context.terminal, report))
}
