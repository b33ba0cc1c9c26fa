/**
 * Applies a planned restore, slice by slice, by its id alone. Shared state is applied and proven before anybody else's slice is touched: people refer to its groups and roles. Who delivers
 * what in which order does not matter.
 */
import { TorikiError } from '../errors.ts'
import type { SliceName } from '../resources/slice.ts'
import { finishPlan } from './plan-restore.ts'
import { readRequest, requestedSlices } from './restore-request.ts'
import type { RequestedSlice, RestoreRequest } from './restore-request.ts'
import { restoreSlice } from './restore-slice.ts'
import type { RestoreService } from './service.ts'
import { hasEnded, readProgress, takeStep } from './slice-log.ts'
import type { RestoreStep } from './slice-log.ts'
import { findSlicePlan } from './slice-plan.ts'

/** From now on the restore may write. Idempotent. @throws TorikiError `restore-not-found`; `restore-not-planned` while a slice is not planned yet. */
export async function beginApply(service: RestoreService, restore: string): Promise<void> {
  if ((await finishPlan(service, restore)) === undefined)
    throw new TorikiError('restore-not-planned', { ids: { restore } })
  const { records } = service.repository
  await records.create(`restores/${restore}/applied`, { at: service.platform.clock.now().toISOString() })
}

export interface RequestedDelivery {
  readonly restore: string
  readonly slice: SliceName
  /** 1 on the first delivery. */
  readonly attempt: number
  readonly signal: AbortSignal
}

/**
 * The step with which the slice ended. @throws TorikiError `restore-not-planned` before `beginApply`; `restore-waits` (retry later) while shared state is not proven; what
 * `restoreSlice` throws.
 */
export async function applyRequested(
  service: RestoreService,
  { restore, slice, attempt, signal }: RequestedDelivery,
): Promise<RestoreStep> {
  const { records } = service.repository
  const request = await readRequest(records, restore)
  if ((await records.read(`restores/${restore}/applied`)) === undefined)
    throw new TorikiError('restore-not-planned', { ids: { restore } })
  const { shared, mine } = await findSlices(service, request, slice)
  const where = { restore, sliceId: mine.sliceId }
  const refused = await refusalOf(service, where, shared)
  if (refused === undefined) {
    const options = { installerOwned: request.installerOwned, privileged: request.privileged }
    return await restoreSlice(service, { ...where, options, attempt, signal })
  }
  const progress = await readProgress(records, where)
  if (progress.last !== undefined && hasEnded(progress)) return progress.last
  await takeStep(records, where, progress, refused, service.platform.clock.now())
  return (await readProgress(records, where)).last ?? refused
}

async function findSlices(
  { repository }: RestoreService,
  request: RestoreRequest,
  slice: SliceName,
): Promise<{ readonly shared: RequestedSlice | undefined; readonly mine: RequestedSlice }> {
  let shared: RequestedSlice | undefined
  for await (const one of requestedSlices(repository.records, request)) {
    if (one.slice === slice) return { shared, mine: one }
    if (one.slice === 'shared') shared = one
  }
  throw new TorikiError('restore-not-found', {
    message: 'That slice is not part of this restore.',
    ids: { restore: request.restore },
  })
}

/** Why nothing of this slice is written, if that is so. */
async function refusalOf(
  { repository }: RestoreService,
  where: { readonly restore: string; readonly sliceId: string },
  shared: RequestedSlice | undefined,
): Promise<RestoreStep | undefined> {
  const { records } = repository
  const failed = (await findSlicePlan(records, where))?.failed
  if (failed !== undefined) return { step: 'refused', code: failed.code, why: failed.message, findings: [] }
  if (shared === undefined) return undefined
  const progress = await readProgress(records, { restore: where.restore, sliceId: shared.sliceId })
  if (!hasEnded(progress)) throw new TorikiError('restore-waits', { ids: { restore: where.restore } })
  if (progress.last?.step === 'verified') return undefined
  const { message } = new TorikiError('restore-shared-failed')
  return { step: 'refused', code: 'restore-shared-failed', why: message, findings: [] }
}
