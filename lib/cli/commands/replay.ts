/** `toriki replay`: the failed slices of a run again, in that run. */
import { replayRun } from '../../backup/replay-run.ts'
import { listRuns } from '../../backup/run-report.ts'
import { TorikiError } from '../../errors.ts'
import type { CommandContext } from '../context.ts'
import { followRun } from '../follow-run.ts'
import { withService } from '../session.ts'

export async function replay(
  context: CommandContext,
  run: string | undefined,
  options: { readonly user?: readonly string[]; readonly detach?: boolean },
): Promise<number> {
  return await withService(context, async ({ service, settings }) => {
    const name = run ?? (await listRuns(service, { limit: 1 }))[0]?.run
    if (name === undefined)
      throw new TorikiError('run-not-found', {
        message: 'There is no run yet.',
        remedy: 'Start one with `toriki backup`.',
      })
    return await followRun(context, service, settings, { detach: options.detach === true }, async (running) => {
      await replayRun(running, { run: name, ...(options.user === undefined ? {} : { users: options.user }) })
      return { run: name }
    })
  })
}
