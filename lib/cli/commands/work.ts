/** `toriki work`: a consumer of the queues, until it is stopped. */
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { untilAborted, withService } from '../session.ts'

export async function work(context: CommandContext): Promise<number> {
  return await withService(context, async ({ service, settings }) => {
    const workers = await context.host.startWorkers(service)
    context.terminal.err(
      `Working on the queues of ${settings.deployment}. Ctrl-C ends it when the slices in work are done.\n`,
    )
    await untilAborted(context.signal)
    context.terminal.err('Stopping: taking nothing new, finishing what is in work.\n')
    await workers.stop()
    answer(context, { stopped: true }, () => 'Stopped. Nothing is lost.\n')
    return EXIT.complete
  })
}
