/** `toriki restore`: plan, show, ask, apply; how a restore stands; go on with one; acknowledge what could not be taken back. */
import { TorikiError } from '../../errors.ts'
import { restoreReport } from '../../restore/restore-report.ts'
import { readRequest, requestedSlices } from '../../restore/restore-request.ts'
import { acknowledgeSlice } from '../../restore/restore-slice.ts'
import { finishPlan } from '../../restore/root-plan.ts'
import type { RestoreService } from '../../restore/service.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { askToRestore } from '../restore/ask.ts'
import { formatPlan } from '../restore/format-plan.ts'
import { formatRestore, restoreJson } from '../restore/format-report.ts'
import { formatRestores, listRestores } from '../restore/list-restores.ts'
import { newestRestore } from '../restore/named-restore.ts'
import { applyAndAnswer, exitOfPlan, exitOfRestore, makePlan } from '../restore/plan-and-apply.ts'
import { writePlanJson } from '../restore/plan-json.ts'
import { withNewRestore, withPlannedRestore, withRestoreRecords } from '../restore/restore-session.ts'
import { changesAnything, viewPlan } from '../restore/view-plan.ts'
import type { RestoreOptions } from '../restore/wish.ts'

export async function restorePlan(context: CommandContext, options: RestoreOptions): Promise<number> {
  return await withNewRestore(context, options, async (session) => {
    const { service } = session
    const root = await makePlan(context, session, options)
    if (root === undefined) return EXIT.complete
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
  return await withPlannedRestore(context, restore, async (session) => {
    const { service } = session
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
    return await applyAndAnswer(context, session, view)
  })
}

/** Plans, shows, asks, applies. */
export async function restoreWhole(
  context: CommandContext,
  options: RestoreOptions & { readonly yes?: boolean },
): Promise<number> {
  return await withNewRestore(context, options, async (session) => {
    const { service } = session
    const root = await makePlan(context, session, options)
    if (root === undefined) return EXIT.complete
    const view = await viewPlan(service, root)
    context.terminal.err(formatPlan(context.terminal, view))
    if (options.yes !== true && changesAnything(root)) await askToRestore(context, root.restore)
    return await applyAndAnswer(context, session, view)
  })
}

export async function restoreStatus(context: CommandContext, restore: string | undefined): Promise<number> {
  return await withRestoreRecords(context, async (service) => {
    const report = await restoreReport(service, restore ?? (await newestRestore(service)))
    answer(context, restoreJson(report), () => formatRestore(context.terminal, report))
    return report.open ? EXIT.complete : exitOfRestore(report.outcome)
  })
}

/** Newest first. */
export async function restoreList(context: CommandContext, { limit }: { readonly limit: number }): Promise<void> {
  const restores = await withRestoreRecords(context, (service) => listRestores(service, limit))
  answer(context, restores, () => formatRestores(context.terminal, restores))
}

export async function restoreResume(context: CommandContext, restore: string | undefined): Promise<number> {
  const id = restore ?? (await withRestoreRecords(context, newestRestore))
  return await withPlannedRestore(context, id, async (session) => {
    const { service } = session
    const root = await finishPlan(service, id)
    if (root === undefined || !(await isBegun(service, id)))
      throw new TorikiError('restore-not-planned', {
        message: 'That restore was not begun: there is nothing to go on with.',
        remedy: `Begin it with: toriki restore apply ${id}`,
      })
    return await applyAndAnswer(context, session, await viewPlan(service, root))
  })
}

export async function restoreAcknowledge(context: CommandContext, restore: string | undefined): Promise<number> {
  return await withRestoreRecords(context, async (service) => {
    const id = restore ?? (await newestRestore(service))
    const { failures } = await restoreReport(service, id)
    const { records } = service.repository
    const wanted = new Set(
      failures.filter(({ outcome }) => outcome === 'undo-failed' || outcome === 'stopped').map(({ slice }) => slice),
    )
    if (wanted.size === 0)
      throw new TorikiError('restore-not-found', { message: 'There is nothing to acknowledge in this restore.' })
    for await (const { slice, sliceId } of requestedSlices(records, await readRequest(records, id)))
      if (wanted.has(slice)) await acknowledgeSlice(service, { restore: id, sliceId })
    const report = await restoreReport(service, id)
    answer(context, restoreJson(report), () => `Acknowledged: ${[...wanted].join(', ')} may be restored again.\n`)
    return EXIT.complete
  })
}

async function isBegun({ repository }: RestoreService, restore: string): Promise<boolean> {
  return (await repository.records.read(`restores/${restore}/applied`)) !== undefined
}
