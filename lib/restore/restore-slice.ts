/**
 * Applies the plan of one slice: the before of every touched resource is kept, the changes are made, what was touched is read again and compared; and what does not
 * agree is taken back. Delivered again after a cut at any instant it goes on from the last step that was taken, and ends applied or undone.
 */
import { toTorikiError, TorikiError } from '../errors.ts'
import type { WriteContext } from '../components/writer.ts'
import type { SliceRepository } from '../repository/repository.ts'
import { parseSlice } from '../resources/slice.ts'
import { applyChanges } from './apply-changes.ts'
import { serverHindrance } from './ask-servers.ts'
import { keepLook, lookAt } from './live-look.ts'
import type { Look } from './live-look.ts'
import type { RestoreService } from './service.ts'
import { hasEnded, readProgress, takeStep } from './slice-log.ts'
import type { Finding, Progress, RestoreStep } from './slice-log.ts'
import { findSlicePlan } from './slice-plan.ts'
import type { PlanItem } from './slice-plan.ts'
import { differences, lookRequest } from './slice-work.ts'
import type { SliceDelivery, SliceWork } from './slice-work.ts'
import { undoChanges } from './undo-changes.ts'

/** Findings that are kept with a step. */
const FINDINGS_MAX = 50
const CONFLICT = ['restore-conflict', 'Something was changed while the restore was under way.'] as const

/**
 * A person has seen what could not be taken back: the slice may be restored again. Idempotent.
 * @throws TorikiError `restore-not-found` when there is nothing to acknowledge.
 */
export async function acknowledgeSlice(
  service: RestoreService,
  where: { readonly restore: string; readonly sliceId: string },
): Promise<void> {
  const { records } = service.repository
  const plan = await findSlicePlan(records, where)
  const progress = await readProgress(records, where)
  if (plan === undefined || (progress.last?.step !== 'undo-failed' && progress.last?.step !== 'acknowledged'))
    throw new TorikiError('restore-not-found', {
      message: 'There is nothing to acknowledge in this restore.',
      ids: { restore: where.restore },
    })
  await takeStep(records, where, progress, { step: 'acknowledged' }, service.platform.clock.now())
  const options = { access: 'read-content', generation: plan.generation } as const
  await (await service.repository.openSlice(plan.slice, options))?.release(where.restore)
}

/**
 * The last step: one that ends. @throws TorikiError `restore-not-found` without a plan; what may pass while deliveries are left (give the message back); `deadline` and
 * `interrupted` when the signal ended it.
 */
export async function restoreSlice(service: RestoreService, delivery: SliceDelivery): Promise<RestoreStep> {
  const { records } = service.repository
  const plan = await findSlicePlan(records, delivery)
  if (plan === undefined) throw new TorikiError('restore-not-found', { ids: { restore: delivery.restore } })
  const { restore, options, signal } = delivery
  const context: WriteContext = { clock: service.platform.clock, signal, restore, options }
  const work: SliceWork = { service, delivery, plan, slice: parseSlice(plan.slice), context }
  for (;;) {
    const progress = await readProgress(records, delivery)
    if (progress.last !== undefined && hasEnded(progress)) {
      // What could not be taken back keeps the slice until a person has seen it.
      if (progress.last.step !== 'undo-failed') await (await openStored(work)).release(restore)
      return progress.last
    }
    const step = await nextStep(work, progress)
    // Who lost the step to another worker goes on from what that one found.
    await takeStep(records, delivery, progress, step, service.platform.clock.now())
  }
}

async function nextStep(work: SliceWork, progress: Progress): Promise<RestoreStep> {
  const { last, safety } = progress
  if (last === undefined) return await makeSafe(work)
  const before = await openSafety(work, safety ?? '')
  if (last.step === 'undoing') return await undoChanges(work, before, last)
  try {
    if (last.step === 'safe') {
      const conflicts = await applyChanges(work, before, isMade)
      return conflicts.length === 0 ? { step: 'applied' } : undoing(...CONFLICT, conflicts)
    }
    const wrong = await verify(work, last.step === 'applied' ? isMade : () => true)
    if (wrong.length > 0)
      return undoing('restore-not-verified', 'What was restored does not read back as planned.', wrong)
    if (last.step === 'cleared' || work.plan.counts.delete === 0) return { step: 'verified' }
    // Only now that everything else is there and proven.
    const conflicts = await applyChanges(work, before, (item) => !isMade(item))
    return conflicts.length === 0 ? { step: 'cleared' } : undoing(...CONFLICT, conflicts)
  } catch (error) {
    const failure = toTorikiError(error)
    work.delivery.signal.throwIfAborted()
    if (failure.retry !== 'never' && work.delivery.attempt < work.service.limits.attempts) throw error
    return undoing(failure.code, failure.message, [])
  }
}

function undoing(code: string, why: string, findings: readonly Finding[]): RestoreStep {
  return { step: 'undoing', code, why, findings: findings.slice(0, FINDINGS_MAX) }
}

/** Takes the slice, keeps the before of everything that is touched, and refuses when it is not what the plan saw. */
async function makeSafe(work: SliceWork): Promise<RestoreStep> {
  const { service, delivery } = work
  if ((await (await openStored(work)).claim(delivery.restore)) !== delivery.restore) {
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
  const conflicts = await differences(work, look, ({ before }) => before)
  if (conflicts.length === 0) return { step: 'safe', snapshot: look.snapshot.id }
  return {
    step: 'refused',
    code: 'restore-conflict',
    why: 'The live state is not what the plan saw. Plan again.',
    findings: conflicts.slice(0, FINDINGS_MAX),
  }
}

async function verify(work: SliceWork, isMeant: (item: PlanItem) => boolean): Promise<readonly Finding[]> {
  return await differences(work, await lookAt(work.service, lookRequest(work)), ({ after }) => after, isMeant)
}

function isMade({ action }: PlanItem): boolean {
  return action !== 'delete'
}

async function openSafety(work: SliceWork, id: string): Promise<Look> {
  const repository = await openStored(work)
  return { repository, snapshot: await repository.snapshot(id) }
}

async function openStored({ service, plan, slice }: SliceWork): Promise<SliceRepository> {
  const options = { access: 'read-content', generation: plan.generation } as const
  const repository = await service.repository.openSlice(slice.name, options)
  if (repository === undefined) throw new TorikiError('snapshot-not-found')
  return repository
}
