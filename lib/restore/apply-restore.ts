/**
 * Applies a planned restore, slice by slice, by its id alone. Shared state is applied and proven before anybody else's slice is touched: people refer to its groups and roles. Who delivers
 * what in which order does not matter.
 */
import { TorikiError } from '../errors.ts'
import type { SliceName } from '../resources/slice.ts'
import { namingOf } from './mapping.ts'
import { requireTarget } from './plan-restore.ts'
import { readRequest, requestedSlice } from './restore-request.ts'
import type { RequestedSlice, RestoreRequest } from './restore-request.ts'
import { restoreSlice } from './restore-slice.ts'
import { finishPlan, isAgreed } from './root-plan.ts'
import type { RestoreService } from './service.ts'
import { hasEnded, readProgress, takeStep } from './slice-log.ts'
import type { RestoreStep } from './slice-log.ts'
import { findSlicePlan } from './slice-plan.ts'
import type { SliceDelivery } from './slice-work.ts'

/** From now on the restore may write. Idempotent. @throws TorikiError `restore-not-found`; `restore-not-planned` while a slice is not planned yet. */
export async function beginApply(service: RestoreService, restore: string): Promise<void> {
  if ((await finishPlan(service, restore)) === undefined)
    throw new TorikiError('restore-not-planned', { ids: { restore } })
  const { records } = service.repository
  await records.create(appliedPath(restore), { at: service.platform.clock.now().toISOString() })
}

/** Was it said that this restore may write? */
export async function isApplied({ repository }: Pick<RestoreService, 'repository'>, restore: string): Promise<boolean> {
  return (await repository.records.read(appliedPath(restore))) !== undefined
}

export interface RequestedDelivery {
  readonly restore: string
  readonly slice: SliceName
  /** 1 on the first delivery. */
  readonly attempt: number
  readonly signal: AbortSignal
}

/**
 * The step with which the slice ended. @throws TorikiError `restore-not-planned` before `beginApply`; `restore-waits` (retry later) while shared state is not proven;
 * `restore-other-target` where the service is another deployment's than was asked for; what `restoreSlice` throws.
 */
export async function applyRequested(service: RestoreService, delivery: RequestedDelivery): Promise<RestoreStep> {
  const { restore, slice } = delivery
  const { records } = service.repository
  const request = await readRequest(records, restore)
  requireTarget(service, request)
  if (!(await isApplied(service, restore))) throw new TorikiError('restore-not-planned', { ids: { restore } })
  const requested = await requestedSlice(records, request, slice)
  const where = { restore, sliceId: requested.sliceId }
  const progress = await readProgress(records, where)
  const refused = progress.last === undefined ? await refusalOf(service, request, requested) : undefined
  if (refused === undefined) return await restoreSlice(service, sliceDelivery(request, requested, delivery))
  await takeStep(records, where, progress, refused, service.platform.clock.now())
  const after = await readProgress(records, where)
  return after.last !== undefined && hasEnded(after)
    ? after.last
    : await restoreSlice(service, sliceDelivery(request, requested, delivery))
}

/** One slice of the request, as its steps are worked on. */
export function sliceDelivery(
  request: RestoreRequest,
  requested: RequestedSlice,
  { attempt, signal }: Pick<RequestedDelivery, 'attempt' | 'signal'>,
): SliceDelivery {
  const { restore, installerOwned, privileged, mapping = {}, target } = request
  return {
    ...{ restore, sliceId: requested.sliceId, attempt, signal },
    options: { installerOwned, privileged },
    naming: namingOf(mapping, requested, { folder: undefined, sameDeployment: target === undefined }),
  }
}

/** Why nothing of this slice is written, if that is so. Asked before its first step only. */
async function refusalOf(
  { repository }: RestoreService,
  request: RestoreRequest,
  requested: RequestedSlice,
): Promise<RestoreStep | undefined> {
  const { records } = repository
  const { restore, shared } = request
  const failed = (await findSlicePlan(records, { restore, sliceId: requested.sliceId }))?.failed
  if (failed !== undefined) return { step: 'refused', code: failed.code, why: failed.message, findings: [] }
  if (!(await isAgreed(records, request, requested))) return refused('restore-plan-changed')
  if (shared === undefined || shared.slice === requested.slice) return undefined
  const progress = await readProgress(records, { restore, sliceId: shared.sliceId })
  if (!hasEnded(progress)) throw new TorikiError('restore-waits', { ids: { restore } })
  if (progress.last?.step === 'verified') return undefined
  return refused('restore-shared-failed')
}

function refused(code: 'restore-plan-changed' | 'restore-shared-failed'): RestoreStep {
  return { step: 'refused', code, why: new TorikiError(code).message, findings: [] }
}

function appliedPath(restore: string): string {
  return `restores/${restore}/applied`
}
