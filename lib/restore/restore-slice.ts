/**
 * Applies the plan of one slice: the before of every touched resource is kept, the changes are made, what was touched is read again and compared; and what does not
 * agree is taken back. Delivered again after a cut at any instant it goes on from the last step that was taken, and ends applied or undone.
 */
import { isTorikiError, toTorikiError, TorikiError } from '../errors.ts'
import { AS_IT_WAS } from '../components/naming.ts'
import type { WriteContext } from '../components/writer.ts'
import type { SliceRepository } from '../repository/repository.ts'
import { parseSlice } from '../resources/slice.ts'
import { applyChanges } from './apply-changes.ts'
import { serverHindrance } from './ask-servers.ts'
import { DamageProof } from './damaged-items.ts'
import { DamagedList } from './damaged-list.ts'
import { ExpectedAfter } from './expected-after.ts'
import { FindingList } from './finding-list.ts'
import { HeldParts } from './held-parts.ts'
import { keepLook, lookAt } from './live-look.ts'
import type { Look } from './live-look.ts'
import { remaining } from './remaining-steps.ts'
import type { RestoreService } from './service.ts'
import { claimSlices, releaseSlices } from './slice-claims.ts'
import { isSamePrint } from './resource-print.ts'
import { differingItems, findingOf, findings } from './slice-differences.ts'
import { hasEnded, readProgress, takeStep } from './slice-log.ts'
import type { Finding, Progress, RestoreStep } from './slice-log.ts'
import { findSlicePlan } from './slice-plan.ts'
import type { PlanItem } from './planned-item.ts'
import { applying, lookRequest, touched } from './slice-work.ts'
import type { SliceDelivery, SliceWork } from './slice-work.ts'
import { StepWatch } from './step-watch.ts'
import type { WatchedWork } from './step-watch.ts'
import { undoChanges } from './undo-changes.ts'

/**
 * The last step: one that ends. @throws TorikiError `restore-not-found` without a plan; what may pass while deliveries are left (give the message back); `deadline` and
 * `interrupted` when the signal ended it.
 */
export async function restoreSlice(service: RestoreService, delivery: SliceDelivery): Promise<RestoreStep> {
  const opened = await openWork(service, delivery)
  try {
    return await throughSteps(opened)
  } finally {
    opened.parts.letGo()
  }
}

async function throughSteps(opened: SliceWork): Promise<RestoreStep> {
  const { service, delivery } = opened
  const { records } = service.repository
  let undoAttempt: number | undefined
  for (;;) {
    const readAtMs = service.platform.clock.monotonicMs()
    const progress = await readProgress(records, delivery)
    if (progress.last !== undefined && hasEnded(progress)) {
      // What could not be taken back keeps the slice until a person has seen it.
      if (progress.last.step !== 'undo-failed') await releaseSlices(service, delivery.restore, opened.plan)
      return progress.last
    }
    // What took all its attempts to fail has just failed: taking it back is given attempts of its own.
    undoAttempt ??= progress.last?.step === 'undoing' ? delivery.attempt : 1
    const watch = new StepWatch(service, delivery, progress, readAtMs)
    const step = await unlessOvertaken(nextStep({ ...opened, undoAttempt, watch }, progress))
    // Who lost the step to another worker goes on from what that one found.
    if (step !== undefined) await takeStep(records, delivery, progress, step, service.platform.clock.now())
  }
}

/**
 * A person has seen what could not be taken back, or where the work was stopped: the slice may be restored again. Idempotent.
 * @throws TorikiError `restore-not-found` when there is nothing to acknowledge.
 */
export async function acknowledgeSlice(
  service: RestoreService,
  where: { readonly restore: string; readonly sliceId: string },
): Promise<void> {
  const { records } = service.repository
  const plan = await findSlicePlan(records, where)
  const progress = await readProgress(records, where)
  const isLeft = progress.last?.step === 'undo-failed' || progress.stopped !== undefined
  if (plan === undefined || (!isLeft && progress.last?.step !== 'acknowledged'))
    throw new TorikiError('restore-not-found', {
      message: 'There is nothing to acknowledge in this restore.',
      ids: { restore: where.restore },
    })
  if (progress.last?.step !== 'acknowledged')
    await takeStep(records, where, progress, { step: 'acknowledged' }, service.platform.clock.now())
  await releaseSlices(service, where.restore, plan)
}

/**
 * What is still not as it was where a restore could not be taken back, exact at this moment: fewer, while a person mends it. Nothing where nothing was written. Reads only.
 * @throws TorikiError `restore-not-found` without a plan.
 */
export async function* remainingSteps(service: RestoreService, delivery: SliceDelivery): AsyncGenerator<Finding> {
  const { safety } = await readProgress(service.repository.records, delivery)
  const work = await openWork(service, delivery)
  try {
    if (safety !== undefined) yield* remaining(work, await openSafety(work, safety), () => false)
  } finally {
    work.parts.letGo()
  }
}

async function openWork(service: RestoreService, delivery: SliceDelivery): Promise<SliceWork> {
  const { restore, options, signal, naming = AS_IT_WAS } = delivery
  const plan = await findSlicePlan(service.repository.records, delivery)
  if (plan === undefined) throw new TorikiError('restore-not-found', { ids: { restore } })
  const context: WriteContext = { clock: service.platform.clock, signal, restore, options }
  return {
    ...{ service, delivery, undoAttempt: delivery.attempt, plan, context },
    parts: new HeldParts(service.repository.records, delivery),
    slice: parseSlice(plan.to ?? plan.slice),
    naming: plan.folder === undefined ? naming : { ...naming, folder: plan.folder },
  }
}

/** `undefined`: another worker took the step meanwhile. */
async function unlessOvertaken(step: Promise<RestoreStep>): Promise<RestoreStep | undefined> {
  try {
    return await step
  } catch (error) {
    if (isTorikiError(error, 'restore-overtaken')) return undefined
    throw error
  }
}

async function nextStep(work: WatchedWork, progress: Progress): Promise<RestoreStep> {
  const { last, safety } = progress
  if (last === undefined) return await makeSafe(work)
  const before = await openSafety(work, safety ?? '')
  if (last.step === 'undoing') {
    await work.watch.letOthersLook()
    return await undoChanges(work, before, last)
  }
  try {
    if (last.step === 'safe') return (await applied(work, before, 'made')) ?? { step: 'applied' }
    const { delete: deletes } = work.plan.counts
    const items = last.step === 'applied' ? applying(work, 'made') : touched(work)
    const { wrong, damaged } = await verify(work, before, items)
    if (wrong.total > 0)
      return {
        step: 'undoing',
        code: 'restore-not-verified',
        why: 'What was restored does not read back as planned.',
        ...wrong.said,
      }
    if (last.step === 'cleared' || deletes === 0) return { step: 'verified', ...damaged.said }
    // Only now that everything else is there and proven.
    return (await applied(work, before, 'deleted')) ?? { step: 'cleared' }
  } catch (error) {
    if (isTorikiError(error, 'restore-overtaken')) throw error
    const failure = toTorikiError(error)
    work.delivery.signal.throwIfAborted()
    if (failure.retry !== 'never' && work.delivery.attempt < work.service.limits.attempts) throw error
    return { step: 'undoing', code: failure.code, why: failure.message, findings: [] }
  }
}

/** `undefined`: all was made. */
async function applied(...pass: Parameters<typeof applyChanges>): Promise<RestoreStep | undefined> {
  const conflicts = await applyChanges(...pass)
  if (conflicts.length === 0) return undefined
  const why = 'Something was changed while the restore was under way.'
  return { step: 'undoing', code: 'restore-conflict', why, findings: conflicts }
}

/** Takes the slice, keeps the before of everything that is touched, and refuses when it is not what the plan saw. */
async function makeSafe(work: SliceWork): Promise<RestoreStep> {
  const { service, delivery } = work
  if ((await claimSlices(service, delivery.restore, work.plan)) !== undefined) {
    const busy = new TorikiError('restore-busy')
    if (delivery.attempt < service.limits.attempts) throw busy
    return { step: 'refused', code: busy.code, why: busy.message, findings: [] }
  }
  const hindrance =
    work.plan.whileStopped === true ? await serverHindrance(service, work.slice, delivery.signal) : undefined
  if (hindrance !== undefined) {
    const { code, retry, message, remedy } = hindrance
    if (retry !== 'never' && delivery.attempt < service.limits.attempts) throw hindrance
    return { step: 'refused', code, why: `${message} ${remedy}`, findings: [] }
  }
  const look = await keepLook(service, delivery.restore, lookRequest(work))
  const conflicts = await compare(look, ({ before }) => before, touched(work), NEW_SINCE)
  if (conflicts.total === 0) return { step: 'safe', snapshot: look.snapshot.id }
  return {
    step: 'refused',
    code: 'restore-conflict',
    why: 'The live state is not what the plan saw. Plan again.',
    ...conflicts.said,
  }
}

/** Reads again what was touched. What is damaged in the store must be as it was before. */
async function verify(
  work: SliceWork,
  safety: Look,
  items: AsyncIterable<readonly PlanItem[]>,
): Promise<{ readonly wrong: FindingList; readonly damaged: DamagedList }> {
  const [wrong, damaged] = [new FindingList(), new DamagedList()]
  const proof = new DamageProof(work, safety)
  const look = await lookAt(work.service, lookRequest(work))
  const after = new ExpectedAfter(work, safety.repository)
  const isProven = await after.provenBy(look)
  for await (const one of differingItems(look, (item) => after.of(item), items, isProven)) {
    const { item, found } = one
    if (isSamePrint(found, item.before) && (await proof.isDamaged(item))) damaged.add(item)
    else wrong.add(findingOf(one, 'is still there'))
  }
  return { wrong, damaged }
}

async function compare(
  look: Look,
  expected: (item: PlanItem) => PlanItem['before'],
  items: AsyncIterable<readonly PlanItem[]>,
  surplus: string,
): Promise<FindingList> {
  return await FindingList.of(findings(differingItems(look, expected, items), surplus))
}

const NEW_SINCE = 'is there, and was not when this was planned'

async function openSafety(work: SliceWork, id: string): Promise<Look> {
  const repository = await openStored(work)
  return { repository, snapshot: await repository.snapshot(id) }
}

async function openStored({ service, plan }: SliceWork): Promise<SliceRepository> {
  const options = { access: 'read-content', generation: plan.generation } as const
  const repository = await service.repository.openSlice(plan.slice, options)
  if (repository === undefined) throw new TorikiError('snapshot-not-found')
  return repository
}
