/**
 * Applies a whole restore in this process: shared state, then everybody else side by side under a cap, each delivered again with a pause while what stops it may pass. Called again after a
 * cut it goes on where that left off.
 */
import pLimit from 'p-limit'
import { isTorikiError, toTorikiError } from '../errors.ts'
import type { SliceName } from '../resources/slice.ts'
import { applyRequested, beginApply } from './apply-restore.ts'
import { deliver } from './deliver.ts'
import { readRequest, requestedSlices } from './restore-request.ts'
import type { RequestedSlice } from './restore-request.ts'
import { restoreReport } from './restore-report.ts'
import type { RestoreReport } from './restore-report.ts'
import type { RestoreService } from './service.ts'
import { readProgress } from './slice-log.ts'
import type { RestoreStep } from './slice-log.ts'

export interface WorkThroughOptions {
  readonly parallel: number
  readonly signal: AbortSignal
  readonly onEnded?: (slice: SliceName, step: RestoreStep) => void
}

/** @throws TorikiError `restore-not-found`, `restore-not-planned`; `restore-busy` when another restore keeps a slice; what the store throws; the signal's reason. */
export async function workThrough(
  service: RestoreService,
  restore: string,
  { parallel, signal, onEnded }: WorkThroughOptions,
): Promise<RestoreReport> {
  const { records } = service.repository
  await beginApply(service, restore)
  const limit = pLimit(parallel)
  const ended: Promise<void>[] = []
  const one = async (requested: RequestedSlice): Promise<void> => {
    signal.throwIfAborted()
    const step = await toTheEnd(service, restore, requested, signal)
    onEnded?.(requested.slice, step)
  }
  for await (const requested of requestedSlices(records, await readRequest(records, restore))) {
    if (requested.slice === 'shared') await one(requested)
    else ended.push(limit(one, requested))
  }
  // Everybody's end is waited for: one person's error ends nobody else's restore half-way.
  for (const result of await Promise.allSettled(ended)) if (result.status === 'rejected') throw result.reason
  return await restoreReport(service, restore)
}

/** What was begun to be taken back is delivered as often again: it has a number of its own. */
async function toTheEnd(
  service: RestoreService,
  restore: string,
  { slice, sliceId }: RequestedSlice,
  signal: AbortSignal,
): Promise<RestoreStep> {
  const { records } = service.repository
  const act = async (attempt: number): Promise<RestoreStep> =>
    await applyRequested(service, { restore, slice, attempt, signal })
  try {
    return await deliver(service, signal, act)
  } catch (error) {
    signal.throwIfAborted()
    if (toTorikiError(error).retry === 'never' || isTorikiError(error, 'restore-waits')) throw error
    if ((await readProgress(records, { restore, sliceId })).last?.step !== 'undoing') throw error
    return await deliver(service, signal, act)
  }
}
