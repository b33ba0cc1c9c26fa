/** Slices of a restore, as messages name them: which one is meant, whether all are planned, and what is recorded where one cannot be. */
import type { SealedRecords } from '../repository/repository.ts'
import type { SliceName } from '../resources/slice.ts'
import { readRequest, requestedSlice, requestedSlices } from './restore-request.ts'
import type { RequestedSlice } from './restore-request.ts'
import { findSlicePlan, writeSlicePlan } from './slice-plan.ts'
import type { PlanFailure } from './slice-plan.ts'

/** @throws TorikiError `restore-not-found` for a restore that was not asked for, or a slice that is not part of it. */
export async function sliceOfMessage(records: SealedRecords, restore: string, slice: string): Promise<RequestedSlice> {
  return await requestedSlice(records, await readRequest(records, restore), slice as SliceName)
}

/** Looks from the last slice on, since those are planned last: who is not the last to plan has read one record or two. */
export async function isPlanned(records: SealedRecords, restore: string): Promise<boolean> {
  const slices: RequestedSlice[] = []
  for await (const one of requestedSlices(records, await readRequest(records, restore))) slices.push(one)
  for (const { sliceId } of slices.reverse())
    if ((await findSlicePlan(records, { restore, sliceId })) === undefined) return false
  return true
}

/** The slice's plan says why there is none, so that the others are planned to their end and nothing of this one is restored. Where it was planned after all, that plan stands. */
export async function recordUnplanned(
  records: SealedRecords,
  { restore, slice, sliceId, generation, to }: RequestedSlice & { readonly restore: string },
  failed: PlanFailure,
  nonce: Uint8Array,
): Promise<void> {
  const head = { slice, generation, snapshots: {}, ...(to && { to }), failed }
  await writeSlicePlan(records, { restore, sliceId, nonce }, head, none(), () => [])
}

async function* none(): AsyncGenerator<never> {
  // What could not be planned has no items.
}
