/** `toriki accept RUN`: the suspect snapshots of a run are the truth after all. Shows what that means, asks, then marks them. */
import { confirm, isCancel } from '@clack/prompts'
import { acceptRun } from '../../backup/accept-run.ts'
import { runReport } from '../../backup/run-report.ts'
import { TorikiError } from '../../errors.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { plural } from '../quantities.ts'
import { withRecords } from '../session.ts'

export async function accept(
  context: CommandContext,
  run: string,
  options: { readonly user?: readonly string[]; readonly yes?: boolean },
): Promise<void> {
  const { terminal } = context
  const result = await withRecords(context, async (service) => {
    const report = await runReport(service, run)
    const sources = report.sources.filter(({ suspect }) => suspect !== undefined)
    if (report.slices.suspect === 0 && sources.length === 0)
      throw new TorikiError('usage', { message: 'Nothing in that run is suspect.' })
    terminal.err(
      `${plural(report.slices.suspect, 'slice')} of run ${run} will be believed${options.user === undefined ? '' : ` (only ${options.user.join(', ')})`}: the next backups compare with them, and \`latest\` means them.\n`,
    )
    if (options.yes !== true) {
      if (!terminal.interactive || !process.stdin.isTTY)
        throw new TorikiError('usage', { message: 'Accepting needs --yes where nobody can be asked.' })
      const sure = await confirm({ message: 'Is that the truth?', initialValue: false })
      if (isCancel(sure) || !sure)
        throw new TorikiError('interrupted', {
          message: 'Nothing was changed.',
          remedy: 'Run it again when you are sure.',
        })
    }
    return await acceptRun(service, { run, ...(options.user === undefined ? {} : { users: options.user }) })
  })
  answer(context, result, () => `Accepted ${plural(result.accepted.length, 'snapshot')}.\n`)
}
