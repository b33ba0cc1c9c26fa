/** `toriki restore`: plan, show, ask, apply; how a restore stands; go on with one; acknowledge what could not be taken back. */
import { confirm, isCancel } from '@clack/prompts'
import pLimit from 'p-limit'
import { withRestoreService } from '../../assemble-restore.ts'
import { TorikiError } from '../../errors.ts'
import { loadSettings } from '../../load-settings.ts'
import { componentNames } from '../../resources/component-name.ts'
import { parseKey } from '../../resources/key.ts'
import type { SliceName } from '../../resources/slice.ts'
import { knownKinds } from '../../components/registry.ts'
import { beginPlan, finishPlan, planRequested } from '../../restore/plan-restore.ts'
import type { RestoreWish, RootPlan } from '../../restore/plan-restore.ts'
import { restoreIds } from '../../restore/restore-index.ts'
import { restoreReport } from '../../restore/restore-report.ts'
import type { RestoreOutcome, RestoreReport } from '../../restore/restore-report.ts'
import { readRequest, requestedSlices } from '../../restore/restore-request.ts'
import { acknowledgeSlice } from '../../restore/restore-slice.ts'
import type { RestoreService } from '../../restore/service.ts'
import { findSlicePlan, planItems } from '../../restore/slice-plan.ts'
import { workThrough } from '../../restore/work-through.ts'
import { policyOfRunId } from '../../runs/run-id.ts'
import { runIdsNewestFirst } from '../../runs/run-index.ts'
import { findRun, runSlices } from '../../runs/run-log.ts'
import { answer } from '../context.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-status.ts'
import { formatPlan, formatRestore, planJson, plannedItem, restoreJson } from '../restore-summary.ts'
import type { PlanView } from '../restore-summary.ts'
import { commandLog } from '../session.ts'
import { requiredSlice } from '../slice-selection.ts'
import type { SliceOptions } from '../slice-selection.ts'

export interface RestorePlanOptions extends SliceOptions {
  readonly all?: boolean
  readonly snapshot?: string
  readonly at?: string
  readonly component?: readonly string[]
  readonly path?: readonly string[]
  readonly inPlace?: boolean
  readonly deleteExtra?: boolean
  readonly privileged?: boolean
  readonly installerOwned?: boolean
}

/** Slices worked on side by side. */
const PARALLEL = 8

export async function restorePlan(context: CommandContext, options: RestorePlanOptions): Promise<number> {
  return await withRestore(context, async (service) => {
    const view = await makePlan(context, service, options)
    answer(
      context,
      planJson(view),
      () => `${formatPlan(context.terminal, view)}\nApply it: toriki restore apply ${view.root.restore}\n`,
    )
    return view.failures.length > 0 ? EXIT.failed : EXIT.complete
  })
}

export async function restoreApply(
  context: CommandContext,
  restore: string,
  options: { readonly yes?: boolean },
): Promise<number> {
  return await withRestore(context, async (service) => {
    if (options.yes !== true) {
      const root = await finishPlan(service, restore)
      if (root === undefined) throw new TorikiError('restore-not-planned', { ids: { restore } })
      context.terminal.err(formatPlan(context.terminal, await viewPlan(service, root)))
      await ask(context)
    }
    return await applyAndAnswer(context, service, restore)
  })
}

/** Plans, shows, asks, applies. */
export async function restoreWhole(
  context: CommandContext,
  options: RestorePlanOptions & { readonly yes?: boolean },
): Promise<number> {
  return await withRestore(context, async (service) => {
    const view = await makePlan(context, service, options)
    context.terminal.err(formatPlan(context.terminal, view))
    if (options.yes !== true) await ask(context)
    return await applyAndAnswer(context, service, view.root.restore)
  })
}

export async function restoreStatus(context: CommandContext, restore: string | undefined): Promise<number> {
  return await withRestore(context, async (service) => {
    const report = await restoreReport(service, restore ?? (await newest(service)))
    answer(context, restoreJson(report), () => formatRestore(context.terminal, report))
    return EXIT.complete
  })
}

export async function restoreResume(context: CommandContext, restore: string | undefined): Promise<number> {
  return await withRestore(context, async (service) => {
    const id = restore ?? (await newest(service))
    if ((await service.repository.records.read(`restores/${id}/applied`)) === undefined)
      throw new TorikiError('restore-not-planned', { ids: { restore: id } })
    return await applyAndAnswer(context, service, id)
  })
}

export async function restoreAcknowledge(context: CommandContext, restore: string | undefined): Promise<number> {
  return await withRestore(context, async (service) => {
    const id = restore ?? (await newest(service))
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

async function withRestore(
  context: CommandContext,
  action: (service: RestoreService) => Promise<number>,
): Promise<number> {
  const settings = await loadSettings({ file: context.settingsFile, resolve: 'restore' })
  return await withRestoreService(settings, { log: commandLog() }, action)
}

async function makePlan(
  context: CommandContext,
  service: RestoreService,
  options: RestorePlanOptions,
): Promise<PlanView> {
  const wish = await wishOf(service, options)
  const { restore } = await beginPlan(service, wish, service.platform.random.bytes(16).toString('hex'))
  const limit = pLimit(PARALLEL)
  await Promise.all(
    wish.slices.map((slice) => limit(async () => await planRequested(service, { restore, slice }, context.signal))),
  )
  const root = await finishPlan(service, restore)
  if (root === undefined) throw new TorikiError('restore-not-planned', { ids: { restore } })
  return await viewPlan(service, root)
}

async function wishOf(service: RestoreService, options: RestorePlanOptions): Promise<RestoreWish> {
  const {
    all,
    component,
    path,
    at,
    inPlace = false,
    deleteExtra = false,
    privileged = false,
    installerOwned = false,
  } = options
  const named = [options.user, options.group, options.shared].some((one) => one !== undefined)
  if (deleteExtra && !inPlace)
    throw new TorikiError('usage', { message: '--delete-extra deletes in place: name --in-place with it.' })
  if (all === true && named) throw new TorikiError('usage', { message: '--all is everybody: name nobody beside it.' })
  const slices = all === true ? await everybody(service) : [requiredSlice(options).name]
  // `user/ann@RUN.N`, as `snapshots` prints it, or the part behind the @.
  const snapshot = options.snapshot?.slice(options.snapshot.lastIndexOf('@') + 1)
  if (snapshot !== undefined && slices.length > 1)
    throw new TorikiError('usage', { message: 'A snapshot is one slice’s; for everybody name a time with --at.' })
  const components = component?.map((name) => {
    const known = componentNames.find((one) => one === name)
    if (known === undefined)
      throw new TorikiError('usage', {
        message: `There is no component ${name}; there is ${componentNames.join(', ')}.`,
      })
    return known
  })
  const until = at === undefined ? undefined : new Date(at)
  if (until !== undefined && Number.isNaN(until.getTime()))
    throw new TorikiError('usage', { message: `${at} is not a time; write 2026-11-21T02:00:00Z.` })
  const kinds = Object.values(knownKinds).flat()
  return {
    slices,
    inPlace,
    deleteExtra,
    privileged,
    installerOwned,
    ...(snapshot === undefined || snapshot === 'latest' ? {} : { snapshot }),
    ...(until === undefined ? {} : { until }),
    ...(components === undefined ? {} : { components }),
    ...(path === undefined ? {} : { under: path.map((key) => parseKey(key, kinds)) }),
  }
}

/** Who was there at the newest full backup. */
async function everybody({ repository, platform }: RestoreService): Promise<readonly SliceName[]> {
  const { records } = repository
  for await (const id of runIdsNewestFirst(records, platform.clock.now())) {
    const run = policyOfRunId(id) === 'full' ? await findRun(records, id) : undefined
    if (run === undefined) continue
    const slices: SliceName[] = []
    for await (const { slice, sliceId } of runSlices(records, run))
      if (sliceId !== undefined && (await repository.openSlice(slice, { access: 'read-trees' })) !== undefined)
        slices.push(slice)
    return slices
  }
  throw new TorikiError('run-not-found', { message: 'There was no full backup yet, so nobody knows who everybody is.' })
}

async function viewPlan(service: RestoreService, root: RootPlan): Promise<PlanView> {
  const { records } = service.repository
  const { restore } = root
  const snapshots = new Set<string>()
  const items: PlanView['items'][number][] = []
  const needsPerson = new Set<string>()
  const failures: PlanView['failures'][number][] = []
  for await (const { slice, sliceId } of requestedSlices(records, await readRequest(records, restore))) {
    const plan = await findSlicePlan(records, { restore, sliceId })
    if (plan?.failed !== undefined) failures.push({ slice, ...plan.failed })
    for (const id of Object.values(plan?.snapshots ?? {})) snapshots.add(`${slice}@${id}`)
    for await (const item of planItems(records, { restore, sliceId })) {
      items.push(plannedItem(slice, item))
      for (const sentence of item.needsPerson ?? []) needsPerson.add(`${slice}: ${sentence}`)
    }
  }
  return { root, snapshots: [...snapshots], items, needsPerson: [...needsPerson], failures }
}

async function ask({ terminal }: CommandContext): Promise<void> {
  if (!terminal.interactive || !process.stdin.isTTY)
    throw new TorikiError('usage', { message: 'Restoring needs --yes where nobody can be asked.' })
  const sure = await confirm({ message: 'Restore this?', initialValue: false })
  if (isCancel(sure) || !sure)
    throw new TorikiError('interrupted', { message: 'Nothing was changed.', remedy: 'Run it again when you are sure.' })
}

async function applyAndAnswer(context: CommandContext, service: RestoreService, restore: string): Promise<number> {
  let report: RestoreReport
  try {
    report = await workThrough(service, restore, { parallel: PARALLEL, signal: context.signal })
  } catch (error) {
    if (context.signal.aborted)
      throw new TorikiError('interrupted', {
        message: 'The restore was interrupted; what was begun is neither lost nor half shown.',
        remedy: `Go on with \`toriki restore resume ${restore}\`.`,
      })
    throw error
  }
  answer(context, restoreJson(report), () => formatRestore(context.terminal, report))
  return exitOf(report.outcome)
}

function exitOf(outcome: RestoreOutcome): number {
  return outcome === 'complete' ? EXIT.complete : outcome === 'partial' ? EXIT.partial : EXIT.failed
}

async function newest({ repository }: RestoreService): Promise<string> {
  let last: string | undefined
  for await (const id of restoreIds(repository.records)) last = id
  if (last === undefined) throw new TorikiError('restore-not-found', { message: 'There was no restore yet.' })
  return last
}
