/**
 * Forgets snapshots by the retention policy: marks them, so that nobody sees them any more and prune may take them. What an open restore works from or may have to take
 * back stays whatever the policy says; so does what is to be believed of each component, but for people who left long ago.
 */
import { toTorikiError } from '../errors.ts'
import type { TorikiError } from '../errors.ts'
import type { SliceRepository } from '../repository/repository.ts'
import { isTrusted } from '../repository/snapshot.ts'
import type { Snapshot, SnapshotId } from '../repository/snapshot.ts'
import type { SliceName } from '../resources/slice.ts'
import { openRestores, restoreOfSafetySnapshot } from '../restore/restore-state.ts'
import { readRequest, requestedSlices } from '../restore/restore-request.ts'
import { findSlicePlan } from '../restore/slice-plan.ts'
import { policyOfRunId } from '../runs/run-id.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { findRun, runSlices } from '../runs/run-log.ts'
import { checkPolicy, decideRetention } from './retention.ts'
import type { RetentionCandidate, RetentionPolicy } from './retention.ts'
import type { MaintenanceService } from './service.ts'
import { sliceHistories } from './slice-histories.ts'

export interface ForgetWish {
  readonly policy: RetentionPolicy
  /** Absent: everybody. */
  readonly slices?: readonly SliceName[] | undefined
  /** Without it nothing is written. */
  readonly apply: boolean
  readonly signal: AbortSignal
}

export interface ForgottenSlice {
  readonly slice: SliceName
  readonly generation: number
  /** Newest first. */
  readonly kept: readonly Decided[]
  /** Forgotten, or with `apply` away: would be. */
  readonly forgotten: readonly Decided[]
  /** It could not be looked at, and nothing of it was forgotten. */
  readonly failure?: TorikiError
}

export interface Decided {
  readonly snapshot: SnapshotId
  readonly time: string
  readonly reasons: readonly string[]
}

/**
 * As they are done. @throws TorikiError `settings-invalid` for a policy that keeps nothing; what the store throws while slices are looked for; the signal's reason.
 */
export async function* forgetAll(
  service: MaintenanceService,
  { policy, slices, apply, signal }: ForgetWish,
): AsyncGenerator<ForgottenSlice> {
  checkPolicy(policy)
  const now = service.platform.clock.now()
  const held = await heldByRestores(service)
  const present = await presentSlices(service)
  for await (const history of sliceHistories(service, 'read-trees', slices)) {
    signal.throwIfAborted()
    const { slice, generation } = history
    try {
      const snapshots = await snapshotsOf(history)
      const newest = snapshots.find(({ safety }) => safety === undefined)
      const isGone = present !== undefined && !present.has(slice) && newest !== undefined
      const candidates = snapshots.map(({ snapshot, safety }) => candidateOf(snapshot, safety, held))
      const decisions = decideRetention(candidates, policy, now, isGone ? new Date(newest.snapshot.time) : undefined)
      const decided = snapshots.map(({ snapshot: { id, time } }) => {
        const { keep = true, reasons = [] } = decisions.get(id) ?? {}
        const source = held.sources.has(`${slice} ${generation} ${id}`)
        return {
          keep: keep || source,
          decided: {
            snapshot: id,
            time,
            reasons: source ? [...(keep ? reasons : []), 'an open restore works from it'] : reasons,
          },
        }
      })
      const forgotten = decided.filter(({ keep }) => !keep).map((one) => one.decided)
      if (apply) await history.forget(forgotten.map(({ snapshot }) => snapshot))
      yield { slice, generation, kept: decided.filter(({ keep }) => keep).map((one) => one.decided), forgotten }
    } catch (error) {
      signal.throwIfAborted()
      yield { slice, generation, kept: [], forgotten: [], failure: toTorikiError(error) }
    }
  }
}

async function snapshotsOf(
  history: SliceRepository,
): Promise<readonly { readonly snapshot: Snapshot; readonly safety: string | undefined }[]> {
  const found: { snapshot: Snapshot; safety: string | undefined }[] = []
  for await (const snapshot of history.snapshots())
    found.push({ snapshot, safety: restoreOfSafetySnapshot(snapshot.id) })
  return found
}

function candidateOf(snapshot: Snapshot, safety: string | undefined, held: HeldByRestores): RetentionCandidate {
  const { id, time, components } = snapshot
  return {
    id,
    time: new Date(time),
    components: Object.fromEntries(
      Object.keys(components).map((name) => [name, isTrusted(snapshot, name) ? 'trusted' : 'suspect'] as const),
    ),
    ...(safety === undefined ? {} : { safetyOf: held.restores.has(safety) ? ('open' as const) : ('closed' as const) }),
  }
}

interface HeldByRestores {
  readonly restores: ReadonlySet<string>
  /** `slice generation snapshot` */
  readonly sources: ReadonlySet<string>
}

async function heldByRestores({ repository }: MaintenanceService): Promise<HeldByRestores> {
  const { records } = repository
  const restores = new Set<string>()
  const sources = new Set<string>()
  for await (const restore of openRestores(records)) {
    restores.add(restore)
    for await (const { slice, sliceId, generation } of requestedSlices(records, await readRequest(records, restore))) {
      const plan = await findSlicePlan(records, { restore, sliceId })
      for (const id of Object.values(plan?.snapshots ?? {})) sources.add(`${slice} ${generation} ${id}`)
    }
  }
  return { restores, sources }
}

/** Who the newest full run that listed everybody found; `undefined` when there is none, and nobody counts as gone. */
async function presentSlices({
  repository,
  platform,
}: MaintenanceService): Promise<ReadonlySet<SliceName> | undefined> {
  const { records } = repository
  for await (const id of runIdsNewestFirst(records, platform.clock.now())) {
    const run = policyOfRunId(id) === 'full' ? await findRun(records, id) : undefined
    if (run === undefined) continue
    const isDoubtful = Object.values(run.sources).some(
      ({ unreachable, suspect }) => unreachable !== undefined || suspect !== undefined,
    )
    if (isDoubtful) continue
    const present = new Set<SliceName>()
    for await (const { slice } of runSlices(records, run)) present.add(slice)
    return present
  }
  return undefined
}
