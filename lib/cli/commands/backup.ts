/** `toriki backup`: starts a run and waits for its end; with workers here, it also does the work. */
import { previewRun, resumeRun, startRun } from '../../backup/start-run.ts'
import { componentNames } from '../../resources/component-name.ts'
import type { ComponentName } from '../../resources/component-name.ts'
import type { Service } from '../../backup/service.ts'
import { isTorikiError, TorikiError } from '../../errors.ts'
import { formatSegment } from '../../resources/key.ts'
import type { Selection } from '../../runs/run.ts'
import type { Settings } from '../../settings.ts'
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
      if (!service.components.some((component) => component.name === name))
        throw new TorikiError('usage', { message: `${name} is not configured in ${settings.file}.` })
    }
    if (options.dryRun === true) {
      const slices = (await previewRun(service, selection, { signal: context.signal })).map(({ slice, known }) => ({
        slice,
        known,
      }))
      answer(context, { dryRun: true, slices }, () =>
        [
          ...slices.map(({ slice, known }) => `${slice}  ${context.terminal.style('dim', known.join(', '))}\n`),
          `${plural(slices.length, 'slice')} would be backed up; nothing was written.\n`,
        ].join(''),
      )
      return 0
    }
    return await followRun(context, service, settings, { detach: options.detach === true }, (running) =>
      begin(context, running, settings, selection),
    )
  })
}

/** Starts the run. With workers here, a full run that was interrupted is gone on with, instead of being refused. */
async function begin(
  context: CommandContext,
  service: Service,
  settings: Settings,
  selection: Selection,
): Promise<{ readonly run: string }> {
  const trigger = { ...(Object.keys(selection).length === 0 ? {} : { selection }) }
  try {
    return await startRun(service, trigger, { signal: context.signal })
  } catch (error) {
    if (isTorikiError(error, 'slice-unknown')) throw unknownSlice(error, selection)
    if (!isTorikiError(error, 'run-open') || settings.workers !== 'here') throw error
    const run = String(error.ids['run'])
    context.terminal.err(`Run ${run} is still open: going on with it.\n`)
    return await resumeRun(service, run)
  }
}

/** The error names no people; the terminal of whoever typed the name may. */
function unknownSlice(error: TorikiError, { users = [], groups = [] }: Selection): TorikiError {
  const name = (error.ids['kind'] === 'group' ? groups : users)[Number(error.ids['place']) - 1]
  return name === undefined
    ? error
    : new TorikiError('slice-unknown', {
        message: `Nobody knows the ${error.ids['kind'] === 'group' ? 'group' : 'user'} ${formatSegment(Buffer.from(name))}.`,
        cause: error,
      })
}

function componentName(text: string): ComponentName {
  const name = componentNames.find((one) => one === text)
  if (name === undefined)
    throw new TorikiError('usage', {
      message: `There is no component ${text}; there are ${componentNames.join(', ')}.`,
    })
  return name
}
