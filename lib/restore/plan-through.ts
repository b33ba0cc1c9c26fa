/** Plans a whole restore in this process, slices side by side under a cap, each again with a pause while what stops it may pass, and then its root plan. Called again after a cut it goes on where that left off. */
import pLimit from 'p-limit'
import { TorikiError } from '../errors.ts'
import type { SliceName } from '../resources/slice.ts'
import { deliver } from './deliver.ts'
import { planRequested } from './plan-restore.ts'
import { readRequest, requestedParts } from './restore-request.ts'
import { finishPlan } from './root-plan.ts'
import type { RootPlan } from './root-plan.ts'
import type { RestoreService } from './service.ts'
import type { SlicePlan } from './slice-plan.ts'

export interface PlanThroughOptions {
  readonly parallel: number
  readonly signal: AbortSignal
  readonly onPlanned?: (slice: SliceName, plan: SlicePlan) => void
}

/** Whose source does not answer in the end is in the plan as failed, and the others are planned. @throws TorikiError `restore-not-found`; what the store throws; the signal's reason. */
export async function planThrough(
  service: RestoreService,
  restore: string,
  { parallel, signal, onPlanned }: PlanThroughOptions,
): Promise<RootPlan> {
  const { records } = service.repository
  const limit = pLimit(parallel)
  for await (const { slices } of requestedParts(records, await readRequest(records, restore))) {
    const planned = await Promise.allSettled(
      slices.map(({ slice }) =>
        limit(async () => {
          signal.throwIfAborted()
          const plan = await deliver(
            service,
            signal,
            async (attempt) => await planRequested(service, { restore, slice, attempt }, signal),
          )
          onPlanned?.(slice, plan)
        }),
      ),
    )
    // Everybody's end is waited for.
    for (const result of planned) if (result.status === 'rejected') throw result.reason
  }
  const root = await finishPlan(service, restore)
  if (root === undefined) throw new TorikiError('restore-not-planned', { ids: { restore } })
  return root
}
