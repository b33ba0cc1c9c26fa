/** `toriki serve`: the whole service on this machine: the schedule, the workers, the settling of runs. */
import { TorikiError } from '../../errors.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { withService } from '../session.ts'

export async function serve(context: CommandContext): Promise<number> {
  const { terminal } = context
  return await withService(
    context,
    async ({ service, settings }) => {
      if (settings.schedule === undefined)
        throw new TorikiError('settings-invalid', {
          message: `${settings.file} has no \`schedule\`.`,
          remedy: 'Add for example schedule: { cron: "0 2 * * *", timezone: Europe/Berlin }.',
        })
      const stamp = (): string => terminal.style('dim', service.platform.clock.now().toISOString().slice(0, 19) + 'Z')
      terminal.err(
        `Serving ${settings.deployment}: ${settings.schedule.cron} in ${settings.schedule.timezone}. Ctrl-C stops it.\n`,
      )
      await context.host.serve(
        service,
        settings,
        {
          scheduled: (next) => terminal.err(`${stamp()} next run ${next.toISOString().slice(0, 19)}Z\n`),
          started: (run) => terminal.err(`${stamp()} run ${run} began\n`),
          ended: (run, outcome) => terminal.err(`${stamp()} run ${run}: ${outcome}\n`),
          refused: (run, reason) =>
            terminal.err(`${stamp()} ${terminal.style('red', `no run was begun: ${reason}`)} (${run})\n`),
          failed: (error) =>
            terminal.err(
              `${stamp()} ${terminal.style('red', error instanceof TorikiError ? `${error.code}: ${error.message}` : 'an unforeseen error')}\n`,
            ),
        },
        context.signal,
      )
      terminal.err('Stopped. Nothing is lost.\n')
      return EXIT.complete
    },
    { keepsInOrder: true },
  )
}
