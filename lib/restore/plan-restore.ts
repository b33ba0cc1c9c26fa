/** Plans a restore: the request, then each slice's plan on its own, by whoever takes it. The root plan names them all. Done again at any point it finds what is there. */
import { toTorikiError, TorikiError } from '../errors.ts'
import { parseSlice } from '../resources/slice.ts'
import type { SliceName } from '../resources/slice.ts'
import { askedSlices } from './asked-slices.ts'
import { namingOf } from './mapping.ts'
import { planSlice } from './plan-slice.ts'
import { parsePaths } from './reach.ts'
import { restoreId } from './restore-id.ts'
import { createRequest, readRequest, requestedSlice } from './restore-request.ts'
import type { RequestedSlice, RestoreRequest } from './restore-request.ts'
import type { RestoreWish } from './restore-wish.ts'
import { vocabularyOf } from './service.ts'
import type { RestoreService } from './service.ts'
import { madeKeys } from './made-keys.ts'
import { findSlicePlan, writeSlicePlan } from './slice-plan.ts'
import type { PlanHead, SlicePlan } from './slice-plan.ts'
import type { SlicePlanRequest } from './slice-plan-request.ts'

/**
 * Writes the request. `cause` is any text that tells a repeated request from a new one.
 * @throws TorikiError `restore-invalid`, `snapshot-not-found` for a slice of which nothing is stored, named as it was asked for; `run-not-found`.
 */
export async function beginPlan(service: RestoreService, wish: RestoreWish, cause: string): Promise<RestoreRequest> {
  const { repository, platform, target } = service
  const now = platform.clock.now()
  const restore = restoreId(now, cause)
  const { slices, mapping } = await askedSlices(service, wish)
  const named = wish.paths === undefined ? {} : parsePaths(wish.paths, vocabularyOf(service).kinds)
  const under = [...(wish.under ?? []), ...(named.under ?? [])].map((key) => key.toString('base64url'))
  await createRequest(
    repository.records,
    {
      restore,
      at: now.toISOString(),
      ...(wish.snapshot === undefined ? {} : { snapshot: wish.snapshot }),
      ...(wish.until === undefined ? {} : { until: wish.until.toISOString() }),
      ...(wish.components === undefined ? {} : { components: wish.components }),
      ...(under.length === 0 ? {} : { under }),
      ...(named.patterns === undefined ? {} : { patterns: named.patterns }),
      ...(mapping === undefined ? {} : { mapping }),
      ...(target === undefined ? {} : { target }),
      inPlace: wish.inPlace ?? false,
      ...(wish.whileRunning === undefined ? {} : { whileRunning: wish.whileRunning }),
      deleteExtra: wish.deleteExtra ?? false,
      installerOwned: wish.installerOwned ?? false,
      privileged: wish.privileged ?? false,
    },
    slices,
  )
  return await readRequest(repository.records, restore)
}

/**
 * Plans one slice of the request, once. What a person must mend first is in the plan as its failure, and so is what may pass when it did not in as many deliveries as there are; else that is
 * thrown.
 * @throws TorikiError `restore-not-found` for what was not asked for; `restore-other-target` where the service is another deployment's than was asked for.
 */
export async function planRequested(
  service: RestoreService,
  { restore, slice, attempt = 1 }: { readonly restore: string; readonly slice: SliceName; readonly attempt?: number },
  signal: AbortSignal,
): Promise<SlicePlan> {
  const { records } = service.repository
  const request = await readRequest(records, restore)
  requireTarget(service, request)
  const requested = await requestedSlice(records, request, slice)
  const where = { restore, sliceId: requested.sliceId }
  const planned = await findSlicePlan(records, where)
  if (planned !== undefined) return planned
  try {
    const made = slice === 'shared' ? undefined : await madeInShared(service, request, signal)
    return await planSlice(service, { ...planRequestOf(request, requested), ...(made && { made }) }, signal)
  } catch (error) {
    signal.throwIfAborted()
    const { code, message, remedy, retry } = toTorikiError(error)
    if (retry !== 'never' && attempt < service.limits.attempts) throw error
    const nonce = service.platform.random.bytes(16)
    const { generation, to } = requested
    const head: PlanHead = { slice, generation, snapshots: {}, ...(to && { to }), failed: { code, message, remedy } }
    return await writeSlicePlan(records, { ...where, nonce }, head, none(), () => [])
  }
}

/** What people of this restore may refer to though it is not there yet. Whoever comes first plans `shared`: it is planned once. */
async function madeInShared(
  service: RestoreService,
  request: RestoreRequest,
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const { restore, shared } = request
  if (shared === undefined) return undefined
  await planRequested(service, { restore, slice: shared.slice }, signal)
  return await madeKeys(service.repository.records, { restore, sliceId: shared.sliceId })
}

const MEMBERS = 'Who is in a group stands with each person: it comes back with the people, when they are restored too.'

/** @throws TorikiError `restore-other-target`. */
export function requireTarget({ target: of }: RestoreService, { restore, target: wanted }: RestoreRequest): void {
  if (of?.deployment === wanted?.deployment) return
  throw new TorikiError('restore-other-target', {
    ids: { restore },
    ...(wanted === undefined
      ? { remedy: 'Leave out `--target`: it was planned for this deployment.' }
      : { remedy: `Name the settings it was planned with: \`--target ${wanted.settings}\`.` }),
  })
}

function planRequestOf(request: RestoreRequest, requested: RequestedSlice): SlicePlanRequest {
  const { restore, snapshot, until, components, patterns, installerOwned, privileged } = request
  const { inPlace, whileRunning, deleteExtra } = request
  const { slice, generation, to, toGeneration, only } = requested
  const keys = only ?? request.under
  return {
    restore,
    slice: parseSlice(slice),
    generation,
    ...(to === undefined ? {} : { to: parseSlice(to) }),
    ...(toGeneration === undefined ? {} : { toGeneration }),
    naming: namingOf(request.mapping ?? {}, requested, {
      folder: undefined,
      sameDeployment: request.target === undefined,
    }),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(until === undefined ? {} : { at: new Date(until) }),
    ...(components === undefined ? {} : { components }),
    ...(keys === undefined ? {} : { under: keys.map((key) => Buffer.from(key, 'base64url')) }),
    ...(patterns === undefined ? {} : { patterns }),
    ...(only === undefined ? {} : { notes: [MEMBERS] }),
    // Of many people not everybody has such a path.
    mustMatch: request.slicesTotal === 1,
    inPlace,
    ...(whileRunning === undefined ? {} : { whileRunning }),
    deleteExtra,
    options: { installerOwned, privileged },
  }
}

async function* none(): AsyncGenerator<never> {
  // A slice that could not be planned has no items.
}
