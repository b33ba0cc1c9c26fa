/** `toriki restore`: plan, show, ask, apply; how a restore stands; go on with one; acknowledge what could not be taken back. */
import { TorikiError } from '../../errors.ts'
import { beginPlan } from '../../restore/plan-restore.ts'
import { planThrough } from '../../restore/plan-through.ts'
import { restoreReport } from '../../restore/restore-report.ts'
import type { RestoreOutcome, RestoreReport } from '../../restore/restore-report.ts'
import { readRequest, requestedSlices } from '../../restore/restore-request.ts'
import { acknowledgeSlice } from '../../restore/restore-slice.ts'
import { finishPlan } from '../../restore/root-plan.ts'
import type { RootPlan } from '../../restore/root-plan.ts'
import type { RestoreService } from '../../restore/service.ts'
import { workThrough } from '../../restore/work-through.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { askToRestore } from '../restore/ask.ts'
import { formatPlan } from '../restore/format-plan.ts'
import { formatRestore, restoreJson } from '../restore/format-report.ts'
import { formatRestores, listRestores } from '../restore/list-restores.ts'
import { newestRestore } from '../restore/named-restore.ts'
import { writePlanJson } from '../restore/plan-json.ts'
import { showing, watched } from '../restore/restore-progress.ts'
import { withNewRestore, withPlannedRestore, withRestoreRecords } from '../restore/restore-session.ts'
import { changesAnything, viewPlan } from '../restore/view-plan.ts'
import type { PlanView } from '../restore/view-plan.ts'
import { wishOf } from '../restore/wish.ts'
import type { RestoreOptions } from '../restore/wish.ts'

/** Slices worked on side by side. */
const PARALLEL = 8

export async function restorePlan(context: CommandContext, options: RestoreOptions): Promise<number> {
  return await withNewRestore(context, options, async (service) => {
    const root = await makePlan(context, service, options)
    if (context.json) await writePlanJson(context.terminal, service, root)
    else {
      const { terminal } = context
      const next = changesAnything(root)
        ? `\nApply it: ${terminal.style('bold', `toriki restore apply ${root.restore}`)}\n`
        : ''
      terminal.out(formatPlan(terminal, await viewPlan(service, root)) + next)
    }
    return exitOfPlan(root)
  })
}

export async function restoreApply(
  context: CommandContext,
  restore: string,
  options: { readonly yes?: boolean },
): Promise<number> {
  return await withPlannedRestore(context, restore, async (service) => {
    const root = await finishPlan(service, restore)
    if (root === undefined)
      throw new TorikiError('restore-not-planned', {
        message: 'That plan was not made to its end.',
        remedy: 'Make a new one with `toriki restore plan`.',
      })
    const view = await viewPlan(service, root)
    if (options.yes !== true && !(await isBegun(service, restore)) && changesAnything(root)) {
      context.terminal.err(formatPlan(context.terminal, view))
      await askToRestore(context, restore)
    }
    return await applyAndAnswer(context, service, view)
  })
}

/** Plans, shows, asks, applies. */
export async function restoreWhole(
  context: CommandContext,
  options: RestoreOptions & { readonly yes?: boolean },
): Promise<number> {
  return await withNewRestore(context, options, async (service) => {
    const root = await makePlan(context, service, options)
    const view = await viewPlan(service, root)
    context.terminal.err(formatPlan(context.terminal, view))
    if (options.yes !== true && changesAnything(root)) await askToRestore(context, root.restore)
    return await applyAndAnswer(context, service, view)
  })
}

export async function restoreStatus(context: CommandContext, restore: string | undefined): Promise<number> {
  return await withRestoreRecords(context, async (service) => {
    const report = await restoreReport(service, restore ?? (await newestRestore(service)))
    answer(context, restoreJson(report), () => formatRestore(context.terminal, report))
    return report.open ? EXIT.complete : exitOf(report.outcome)
  })
}

/** Newest first. */
export async function restoreList(context: CommandContext, { limit }: { readonly limit: number }): Promise<void> {
  const restores = await withRestoreRecords(context, (service) => listRestores(service, limit))
  answer(context, restores, () => formatRestores(context.terminal, restores))
}

export async function restoreResume(context: CommandContext, restore: string | undefined): Promise<number> {
  const id = restore ?? (await withRestoreRecords(context, newestRestore))
  return await withPlannedRestore(context, id, async (service) => {
    const root = await finishPlan(service, id)
    if (root === undefined || !(await isBegun(service, id)))
      throw new TorikiError('restore-not-planned', {
        message: 'That restore was not begun: there is nothing to go on with.',
        remedy: `Begin it with: toriki restore apply ${id}`,
      })
    return await applyAndAnswer(context, service, await viewPlan(service, root))
  })
}

export async function restoreAcknowledge(context: CommandContext, restore: string | undefined): Promise<number> {
  return await withRestoreRecords(context, async (service) => {
    const id = restore ?? (await newestRestore(service))
    const { failures } = await restoreReport(service, id)
    const { records } = service.repository
    const wanted = new Set(failures.filter(({ outcome }) => outcome === 'undo-failed').map(({ slice }) => slice))
    if (wanted.size === 0)
      throw new TorikiError('restore-not-found', { message: 'There is nothing to acknowledge in this restore.' })
    for await (const { slice, sliceId } of requestedSlices(records, await readRequest(records, id)))
      if (wanted.has(slice)) await acknowledgeSlice(service, { restore: id, sliceId })
    const report = await restoreReport(service, id)
    answer(context, restoreJson(report), () => `Acknowledged: ${[...wanted].join(', ')} may be restored again.\n`)
    return EXIT.complete
  })
}

async function makePlan(context: CommandContext, service: RestoreService, options: RestoreOptions): Promise<RootPlan> {
  const { terminal, signal } = context
  const wish = wishOf(options)
  const { clock, random } = service.platform
  const { restore, slicesTotal } = await beginPlan(service, wish, Buffer.from(random.bytes(16)).toString('hex'))
  const { service: counted, counts } = watched(service)
  let done = 0
  const phase = { what: 'planning', total: slicesTotal, done: () => done } as const
  try {
    return await showing({ terminal, clock, signal }, counts, phase, () =>
      planThrough(counted, restore, { parallel: PARALLEL, signal, onPlanned: () => void done++ }),
    )
  } catch (error) {
    if (!signal.aborted) throw error
    throw new TorikiError('interrupted', {
      message: 'Stopped while planning. Nothing was changed.',
      remedy: 'Run it again: a plan is made anew.',
    })
  }
}

async function applyAndAnswer(context: CommandContext, service: RestoreService, view: PlanView): Promise<number> {
  const { terminal, signal } = context
  const { root } = view
  const { clock } = service.platform
  const beganMs = clock.monotonicMs()
  const { service: counted, counts } = watched(service)
  const { create, update, delete: deletes } = root.counts
  let done = 0
  const bytes = [...view.components.values()].reduce((sum, one) => sum + one.bytes, 0)
  const changes = create + update + deletes
  const phase = { what: 'restoring', total: root.slices, changes, bytes, done: () => done } as const
  let report: RestoreReport
  try {
    report = await showing({ terminal, clock, signal }, counts, phase, () =>
      workThrough(counted, root.restore, { parallel: PARALLEL, signal, onEnded: () => void done++ }),
    )
  } catch (error) {
    if (!signal.aborted) throw error
    throw new TorikiError('interrupted', {
      message: 'The restore was interrupted; what was begun is neither lost nor half shown.',
      remedy: `Go on with: toriki restore resume ${root.restore}`,
    })
  }
  const tookMs = clock.monotonicMs() - beganMs
  answer(context, restoreJson(report), () =>
    formatRestore(terminal, report, { tookMs, folders: [...view.folders.keys()] }),
  )
  return exitOf(report.outcome)
}

async function isBegun({ repository }: RestoreService, restore: string): Promise<boolean> {
  return (await repository.records.read(`restores/${restore}/applied`)) !== undefined
}

function exitOf(outcome: RestoreOutcome): number {
  return outcome === 'complete' ? EXIT.complete : outcome === 'partial' ? EXIT.partial : EXIT.failed
}

function exitOfPlan({ slices, failed }: RootPlan): number {
  if (failed === 0) return EXIT.complete
  return failed < slices ? EXIT.partial : EXIT.failed
}
