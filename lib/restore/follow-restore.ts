/**
 * Follows a restore that others work on, until nobody does any more. Reads records only: who follows holds none of restore's credentials. What has ended is not looked at again, so that following
 * many people costs little.
 */
import { TorikiError } from '../errors.ts'
import { NO_CONSUMER_MS } from '../limits.ts'
import type { QueueName } from '../platform/queue/port.ts'
import type { QueuedRestoreService } from './queued-service.ts'
import { readRequest, requestedSlices } from './restore-request.ts'
import type { RequestedSlice } from './restore-request.ts'
import { restoreReport } from './restore-report.ts'
import type { RestoreReport } from './restore-report.ts'
import { finishPlan } from './root-plan.ts'
import type { RootPlan } from './root-plan.ts'
import { hasEnded, readProgress } from './slice-log.ts'
import { findSlicePlan } from './slice-plan.ts'

/** Between two looks. */
const LOOK_MS = 2_000
/** Slices in a row that are not done yet: those behind them are looked at next time. */
const UNDONE_AT_ONCE = 30

export interface FollowOptions {
  /** Ends the following, not the restore. */
  readonly signal: AbortSignal
  /** How many slices are done, of how many. */
  readonly onLook?: (done: number, total: number) => void
}

type Seen = 'nothing' | 'begun' | 'done'

/**
 * The root plan, once every slice is planned; `undefined` when the signal came first. @throws TorikiError `no-consumer` when nobody took a message for NO_CONSUMER_MS;
 * `restore-not-found`.
 */
export async function followPlan(
  service: QueuedRestoreService,
  restore: string,
  options: FollowOptions,
): Promise<RootPlan | undefined> {
  const { records } = service.repository
  const seen = async ({ sliceId }: RequestedSlice): Promise<Seen> =>
    (await findSlicePlan(records, { restore, sliceId })) === undefined ? 'nothing' : 'done'
  return (await follow(service, restore, 'plan-restore', seen, options))
    ? await finishPlan(service, restore)
    : undefined
}

/** The report, once every slice has ended or nobody works on it any more; `undefined` when the signal came first. @throws as `followPlan`. */
export async function followApply(
  service: QueuedRestoreService,
  restore: string,
  options: FollowOptions,
): Promise<RestoreReport | undefined> {
  const { records } = service.repository
  let isSharedStopped = false
  const seen = async ({ slice, sliceId }: RequestedSlice): Promise<Seen> => {
    const progress = await readProgress(records, { restore, sliceId })
    if (slice === 'shared') isSharedStopped = progress.stopped !== undefined
    const isOver = hasEnded(progress) || progress.stopped !== undefined
    if (isOver || (progress.n === 0 && isSharedStopped)) return 'done'
    return progress.n === 0 ? 'nothing' : 'begun'
  }
  return (await follow(service, restore, 'restore-slice', seen, options))
    ? await restoreReport(service, restore)
    : undefined
}

/** False when the signal came first. */
async function follow(
  service: QueuedRestoreService,
  restore: string,
  kind: QueueName,
  seen: (slice: RequestedSlice) => Promise<Seen>,
  { signal, onLook }: FollowOptions,
): Promise<boolean> {
  const { clock, queues } = service.platform
  const { records } = service.repository
  const beganMs = clock.monotonicMs()
  let open: RequestedSlice[] = []
  for await (const one of requestedSlices(records, await readRequest(records, restore))) open.push(one)
  const total = open.length
  let isHeard = false
  for (;;) {
    const left: RequestedSlice[] = []
    for (const [index, one] of open.entries()) {
      if (left.length >= UNDONE_AT_ONCE) {
        left.push(...open.slice(index))
        break
      }
      const found = await seen(one)
      if (found !== 'nothing') isHeard = true
      if (found !== 'done') left.push(one)
    }
    open = left
    onLook?.(total - open.length, total)
    if (open.length === 0) return true
    if (signal.aborted) return false
    isHeard ||= (await queues.queue(kind).depth()).hidden > 0
    if (!isHeard && clock.monotonicMs() - beganMs > NO_CONSUMER_MS)
      throw new TorikiError('no-consumer', { ids: { restore } })
    try {
      await clock.sleep(LOOK_MS, signal)
    } catch (error) {
      if (signal.aborted) return false
      throw error
    }
  }
}
