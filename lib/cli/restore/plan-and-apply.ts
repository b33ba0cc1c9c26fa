/** Plans and applies a restore in front of a person: here or by others, with progress, until its end or Ctrl-C. */
import { TorikiError } from '../../errors.ts'
import { followApply, followPlan } from '../../restore/follow-restore.ts'
import { beginPlan } from '../../restore/plan-restore.ts'
import { planThrough } from '../../restore/plan-through.ts'
import type { RestoreOutcome, RestoreReport } from '../../restore/restore-report.ts'
import type { RootPlan } from '../../restore/root-plan.ts'
import { sendApply, sendPlan } from '../../restore/send-restore.ts'
import { workThrough } from '../../restore/work-through.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { formatRestore, restoreJson } from './format-report.ts'
import { showing, watched } from './restore-progress.ts'
import type { RestoreSession } from './restore-session.ts'
import type { PlanView } from './view-plan.ts'
import { wishOf } from './wish.ts'
import type { RestoreOptions } from './wish.ts'

/** Slices worked on side by side. */
const PARALLEL = 8

/** `undefined`: others plan, and the person does not wait for it. @throws TorikiError `interrupted` when it was planned here. */
export async function makePlan(
  { terminal, signal }: CommandContext,
  { service, queued }: RestoreSession,
  options: RestoreOptions,
): Promise<RootPlan | undefined> {
  const wish = wishOf(options)
  const { clock, random } = service.platform
  const { restore, slicesTotal } = await beginPlan(service, wish, Buffer.from(random.bytes(16)).toString('hex'))
  const { service: counted, counts } = watched(service)
  let done = 0
  const phase = { what: 'planning', total: slicesTotal, done: () => done } as const
  const plan = async (): Promise<RootPlan | undefined> => {
    if (queued === undefined)
      return await planThrough(counted, restore, { parallel: PARALLEL, signal, onPlanned: () => void done++ })
    await sendPlan(queued, restore)
    return await followPlan(queued, restore, { signal, onLook: (planned) => void (done = planned) })
  }
  try {
    const root = await showing({ terminal, clock, signal }, counts, phase, plan)
    if (root === undefined)
      terminal.err(`The plan goes on elsewhere. When it is made: toriki restore apply ${restore}\n`)
    return root
  } catch (error) {
    if (!signal.aborted) throw error
    throw new TorikiError('interrupted', {
      message: 'Stopped while planning. Nothing was changed.',
      remedy: 'Run it again: a plan is made anew.',
    })
  }
}

/** The exit status. @throws TorikiError `interrupted` when it was applied here. */
export async function applyAndAnswer(
  context: CommandContext,
  { service, queued }: RestoreSession,
  view: PlanView,
): Promise<number> {
  const { terminal, signal } = context
  const { root } = view
  const { restore } = root
  const { clock } = service.platform
  const beganMs = clock.monotonicMs()
  const { service: counted, counts } = watched(service)
  const { create, update, delete: deletes } = root.counts
  let done = 0
  const bytes = [...view.components.values()].reduce((sum, one) => sum + one.bytes, 0)
  const phase = {
    ...({ what: 'restoring', total: root.slices, done: () => done } as const),
    // What others write is not seen from here.
    ...(queued === undefined ? { changes: create + update + deletes, bytes } : {}),
  }
  const apply = async (): Promise<RestoreReport | undefined> => {
    if (queued === undefined)
      return await workThrough(counted, restore, { parallel: PARALLEL, signal, onEnded: () => void done++ })
    await sendApply(queued, restore)
    return await followApply(queued, restore, { signal, onLook: (ended) => void (done = ended) })
  }
  let report: RestoreReport | undefined
  try {
    report = await showing({ terminal, clock, signal }, counts, phase, apply)
  } catch (error) {
    if (!signal.aborted) throw error
    throw new TorikiError('interrupted', {
      message: 'The restore was interrupted; what was begun is neither lost nor half shown.',
      remedy: `Go on with: toriki restore resume ${restore}`,
    })
  }
  if (report === undefined) {
    terminal.err(`Restore ${restore} goes on elsewhere: toriki restore status ${restore}\n`)
    return EXIT.complete
  }
  const ended = report
  const details = { tookMs: clock.monotonicMs() - beganMs, folders: [...view.folders.keys()] }
  answer(context, restoreJson(ended), () => formatRestore(terminal, ended, details))
  return exitOfRestore(ended.outcome)
}

export function exitOfRestore(outcome: RestoreOutcome): number {
  return outcome === 'complete' ? EXIT.complete : outcome === 'partial' ? EXIT.partial : EXIT.failed
}

export function exitOfPlan({ slices, failed }: RootPlan): number {
  if (failed === 0) return EXIT.complete
  return failed < slices ? EXIT.partial : EXIT.failed
}
