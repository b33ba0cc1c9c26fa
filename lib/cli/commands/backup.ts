/** `toriki backup`: starts a run and waits for its end; with workers here, it also does the work. */
import { listMembers, selectMembers } from '../../backup/members.ts'
import { startRun } from '../../backup/start-run.ts'
import { componentNames } from '../../resources/component-name.ts'
import type { ComponentName } from '../../resources/component-name.ts'
import { TorikiError } from '../../errors.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { followRun } from '../follow-run.ts'
import { plural } from '../quantities.ts'
import { withService } from '../session.ts'

export interface BackupOptions {
  readonly user?: readonly string[]
  readonly group?: readonly string[]
  readonly shared?: boolean
  readonly component?: readonly string[]
  readonly dryRun?: boolean
  readonly detach?: boolean
}

export async function backup(context: CommandContext, options: BackupOptions): Promise<number> {
  const selection = {
    ...(options.user === undefined ? {} : { users: options.user }),
    ...(options.group === undefined ? {} : { groups: options.group.map((path) => path.split('/').at(-1) ?? path) }),
    ...(options.shared === true ? { shared: true } : {}),
    ...(options.component === undefined ? {} : { components: options.component.map(componentName) }),
  }
  return await withService(context, async ({ service, settings }) => {
    for (const name of selection.components ?? []) {
      if (!service.components.some((component) => component.name === name)) throw new TorikiError('usage', { message: `${name} is not configured in ${settings.file}.` })
    }
    if (options.dryRun === true) {
      const { members } = await listMembers(service, context.signal)
      const slices = selectMembers(members, selection).map(({ slice, known }) => ({ slice, known }))
      answer(context, { dryRun: true, slices }, () => [...slices.map(({ slice, known }) => `${slice}  ${context.terminal.style('dim', known.join(', '))}\n`), `${plural(slices.length, 'slice')} would be backed up; nothing was written.\n`].join(''))
      return 0
    }
    return await followRun(context, service, settings, { detach: options.detach === true }, (running) => startRun(running, { selection }, { signal: context.signal }))
  })
}

function componentName(text: string): ComponentName {
  const name = componentNames.find((one) => one === text)
  if (name === undefined) throw new TorikiError('usage', { message: `There is no component ${text}; there are ${componentNames.join(', ')}.` })
  return name
}
