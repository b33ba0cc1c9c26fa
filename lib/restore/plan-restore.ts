/**
 * Plans a whole restore: the request, then each slice's plan on its own, by whoever takes it, then the root plan, which names them all by digest and is what a person looks at and
 * applies. Done again at any point it finds what is there.
 */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { toTorikiError, TorikiError } from '../errors.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { ResourceKey } from '../resources/key.ts'
import { parseSlice } from '../resources/slice.ts'
import type { SliceName } from '../resources/slice.ts'
import type { SnapshotId } from '../repository/snapshot.ts'
import { planSlice } from './plan-slice.ts'
import { restoreId } from './restore-id.ts'
import { createRequest, readRequest, requestedSlices } from './restore-request.ts'
import type { RequestedSlice, RestoreRequest } from './restore-request.ts'
import type { RestoreService } from './service.ts'
import { findSlicePlan, planActions, writeSlicePlan } from './slice-plan.ts'
import type { PlanCounts, SlicePlan } from './slice-plan.ts'

export interface RestoreWish {
  /** At least one; each is known to the repository, or the wish is refused. */
  readonly slices: readonly SliceName[]
  readonly snapshot?: SnapshotId
  readonly until?: Date
  readonly components?: readonly ComponentName[]
  readonly under?: readonly ResourceKey[]
  /** Not beside what is there, but over it. */
  readonly inPlace?: boolean
  /** In place also while a server of the person runs. */
  readonly whileRunning?: boolean
  readonly deleteExtra?: boolean
  readonly installerOwned?: boolean
  readonly privileged?: boolean
}

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

/**
 * Writes the request. `cause` is any text that tells a repeated request from a new one.
 * @throws TorikiError `snapshot-not-found` for a slice of which nothing is stored, named as it was asked for.
 */
export async function beginPlan(service: RestoreService, wish: RestoreWish, cause: string): Promise<RestoreRequest> {
  const { repository, platform } = service
  const now = platform.clock.now()
  const restore = restoreId(now, cause)
  const slices: RequestedSlice[] = []
  for (const slice of [...new Set(wish.slices)].sort(byShared)) {
    const stored = await repository.openSlice(slice, { access: 'read-trees' })
    if (stored === undefined)
      throw new TorikiError('snapshot-not-found', {
        message: `Nothing is stored of ${slice}.`,
        remedy: 'See `toriki users --all` for whom there is something.',
      })
    slices.push({ slice, sliceId: stored.sliceId, generation: stored.generation })
  }
  const { records } = repository
  await createRequest(
    records,
    {
      restore,
      at: now.toISOString(),
      ...(wish.snapshot === undefined ? {} : { snapshot: wish.snapshot }),
      ...(wish.until === undefined ? {} : { until: wish.until.toISOString() }),
      ...(wish.components === undefined ? {} : { components: wish.components }),
      ...(wish.under === undefined ? {} : { under: wish.under.map((key) => key.toString('base64url')) }),
      inPlace: wish.inPlace ?? false,
      ...(wish.whileRunning === undefined ? {} : { whileRunning: wish.whileRunning }),
      deleteExtra: wish.deleteExtra ?? false,
      installerOwned: wish.installerOwned ?? false,
      privileged: wish.privileged ?? false,
    },
    slices,
  )
  return await readRequest(records, restore)
}

function byShared(a: SliceName, b: SliceName): number {
  return Number(b === 'shared') - Number(a === 'shared')
}

/**
 * Plans one slice of the request, once. What a person must mend first is in the plan as its failure; what may pass is thrown.
 * @throws TorikiError `restore-not-found` for what was not asked for.
 */
export async function planRequested(
  service: RestoreService,
  { restore, slice }: { readonly restore: string; readonly slice: SliceName },
  signal: AbortSignal,
): Promise<SlicePlan> {
  const { records } = service.repository
  const request = await readRequest(records, restore)
  const requested = await findRequested(service, request, slice)
  const where = { restore, sliceId: requested.sliceId }
  const planned = await findSlicePlan(records, where)
  if (planned !== undefined) return planned
  const { generation } = requested
  const { snapshot, until, components, under, inPlace, whileRunning, deleteExtra, installerOwned, privileged } = request
  try {
    return await planSlice(
      service,
      {
        restore,
        slice: parseSlice(slice),
        generation,
        ...(snapshot === undefined ? {} : { snapshot }),
        ...(until === undefined ? {} : { at: new Date(until) }),
        ...(components === undefined ? {} : { components }),
        ...(under === undefined ? {} : { under: under.map((key) => Buffer.from(key, 'base64url')) }),
        inPlace,
        ...(whileRunning === undefined ? {} : { whileRunning }),
        deleteExtra,
        options: { installerOwned, privileged },
      },
      signal,
    )
  } catch (error) {
    signal.throwIfAborted()
    const { code, message, remedy, retry } = toTorikiError(error)
    if (retry !== 'never') throw error
    const nonce = service.platform.random.bytes(16)
    const failed = { code, message, remedy }
    return await writeSlicePlan(
      records,
      { ...where, nonce },
      { slice, generation, snapshots: {}, failed },
      none(),
      () => 0,
    )
  }
}

async function findRequested(
  { repository }: RestoreService,
  request: RestoreRequest,
  slice: SliceName,
): Promise<RequestedSlice> {
  for await (const one of requestedSlices(repository.records, request)) if (one.slice === slice) return one
  throw new TorikiError('restore-not-found', {
    message: 'That slice is not part of this restore.',
    ids: { restore: request.restore },
  })
}

async function* none(): AsyncGenerator<never> {
  // A slice that could not be planned has no items.
}

const count = z.int().min(0)
const rootSchema: z.ZodType<RootPlan> = z.object({
  restore: z.string(),
  hash: z.string(),
  counts: z.object({ create: count, update: count, delete: count, cannot: count, left: count, keep: count }),
  slices: count,
  failed: count,
})

/** The root plan, once every slice is planned; `undefined` before. @throws TorikiError `restore-not-found`. */
export async function finishPlan(service: RestoreService, restore: string): Promise<RootPlan | undefined> {
  const { records } = service.repository
  const path = `restores/${restore}/plan`
  const before = await records.read(path)
  if (before !== undefined) return rootSchema.parse(before)
  const hash = createHash('sha256')
  const counts = { create: 0, update: 0, delete: 0, cannot: 0, left: 0, keep: 0 }
  let [slices, failed] = [0, 0]
  for await (const { sliceId } of requestedSlices(records, await readRequest(records, restore))) {
    const plan = await findSlicePlan(records, { restore, sliceId })
    if (plan === undefined) return undefined
    slices++
    if (plan.failed !== undefined) failed++
    for (const action of [...planActions, 'keep'] as const) counts[action] += plan.counts[action]
    hash.update(plan.digest)
  }
  const root: RootPlan = { restore, hash: hash.digest('hex'), counts, slices, failed }
  await records.create(path, { ...root, counts: { ...counts } })
  return root
}
