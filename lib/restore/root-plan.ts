/**
 * The root plan: what a person looks at and agrees to. It names the plan of every slice by digest, so that nothing else is applied. Digests stand in parts, as the list of slices does.
 */
import { createHash } from 'node:crypto'
import pLimit from 'p-limit'
import * as z from 'zod'
import type { SealedRecords } from '../repository/repository.ts'
import { canonicalJson } from '../resources/json.ts'
import { NOTHING, sumOf } from './plan-counts.ts'
import type { PlanCounts } from './plan-counts.ts'
import { readRemembered } from './remembered-records.ts'
import { partNameOf, readRequest, requestedParts } from './restore-request.ts'
import type { RequestedSlice, RestoreRequest } from './restore-request.ts'
import type { RestoreService } from './service.ts'
import { findSlicePlan, isPlanOf } from './slice-plan.ts'

/** Of all slices together. */
export interface RootPlan {
  readonly restore: string
  /** SHA-256 over the slices' plans. */
  readonly hash: string
  readonly counts: PlanCounts
  readonly slices: number
  /** Slices that could not be planned: nothing of them is restored. */
  readonly failed: number
}

const PARALLEL = 16

const count = z.int().min(0)
const rootSchema = z.object({
  restore: z.string(),
  hash: z.string(),
  counts: z.object({ create: count, update: count, delete: count, cannot: count, left: count, keep: count }),
  slices: count,
  failed: count,
  /** Of each part of the list of slices: SHA-256 over the digests of its plans. */
  parts: z.record(z.string(), z.string()),
})
const partSchema = z.object({ digests: z.record(z.string(), z.string()) })

/** `undefined` before every slice is planned. @throws TorikiError `restore-not-found`. */
export async function finishPlan(
  service: Pick<RestoreService, 'repository'>,
  restore: string,
): Promise<RootPlan | undefined> {
  const { records } = service.repository
  const before = await readRemembered(records, rootPath(restore), rootSchema)
  if (before !== undefined) return viewOf(before)
  const limit = pLimit(PARALLEL)
  const parts: Record<string, string> = {}
  let counts = NOTHING
  let [slices, failed] = [0, 0]
  for await (const part of requestedParts(records, await readRequest(records, restore))) {
    const plans = await Promise.all(
      part.slices.map(({ sliceId }) => limit(async () => await findSlicePlan(records, { restore, sliceId }))),
    )
    const digests: Record<string, string> = {}
    for (const [index, plan] of plans.entries()) {
      if (plan === undefined) return undefined
      slices++
      if (plan.failed !== undefined) failed++
      counts = sumOf([counts, plan.counts])
      digests[part.slices[index]?.sliceId ?? ''] = plan.digest
    }
    await records.create(partPath(restore, part.name), { digests })
    parts[part.name] = hashOf(digests)
  }
  const root = { restore, hash: hashOf(parts), counts, slices, failed, parts }
  await records.create(rootPath(restore), { ...root, counts: { ...counts } })
  return viewOf(root)
}

/** Is the plan of this slice, to the last item, the one that the root plan names? */
export async function isAgreed(
  records: SealedRecords,
  request: RestoreRequest,
  { slice, sliceId }: RequestedSlice,
): Promise<boolean> {
  const { restore } = request
  const name = partNameOf(request, slice)
  const root = await readRemembered(records, rootPath(restore), rootSchema)
  const part = await readRemembered(records, partPath(restore, name), partSchema)
  const digest = part?.digests[sliceId]
  if (part === undefined || digest === undefined || root?.parts[name] !== hashOf(part.digests)) return false
  return await isPlanOf(records, { restore, sliceId }, digest)
}

function viewOf({ parts: _, ...root }: z.infer<typeof rootSchema>): RootPlan {
  return root
}

function hashOf(digests: Readonly<Record<string, string>>): string {
  return createHash('sha256').update(canonicalJson(digests)).digest('hex')
}

function rootPath(restore: string): string {
  return `restores/${restore}/plan`
}

function partPath(restore: string, name: string): string {
  return `restores/${restore}/agreed/${name}`
}
