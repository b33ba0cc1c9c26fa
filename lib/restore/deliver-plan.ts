/**
 * One `plan-restore` message: plans a slice, and says whether the message is done or is to be given back. Delivered twice, or cut off and delivered again, it ends in one plan. Whoever
 * plans the last slice writes the root plan.
 */
import { isTorikiError, toTorikiError, TorikiError } from '../errors.ts'
import { logFailure } from '../backup/cause.ts'
import { giveBackPauseMs } from '../backup/give-back.ts'
import type { Handled } from '../backup/receive-batch.ts'
import type { PlanRestoreMessage } from '../messages.ts'
import { planRequested } from './plan-restore.ts'
import type { QueuedRestoreService } from './queued-service.ts'
import { isPlanned, recordUnplanned, sliceOfMessage } from './requested-slice.ts'
import { finishPlan } from './root-plan.ts'
import { sendOthers } from './send-restore.ts'
import { recordTry } from './slice-tries.ts'

export interface RestoreDelivery {
  /** 1 on the first delivery of this message. */
  readonly attempt: number
  /** Aborted with `deadline` when the time is nearly up, with `interrupted` when the service stops. */
  readonly signal: AbortSignal
}

/**
 * Why a slice cannot be planned ends in its plan: at once where only a person can mend it, after the last attempt where it might have passed.
 * @throws TorikiError `restore-not-found`, `message-invalid`; what the store throws when not even a cause can be recorded.
 */
export async function deliverPlan(
  service: QueuedRestoreService,
  { restore, slice: named }: PlanRestoreMessage,
  { attempt, signal }: RestoreDelivery,
): Promise<Handled> {
  const { records } = service.repository
  const { clock, log, random } = service.platform
  const requested = await sliceOfMessage(records, restore, named)
  const { slice, sliceId } = requested
  const where = { restore, sliceId }
  try {
    await planRequested(service, { restore, slice }, signal)
  } catch (error) {
    if (isTorikiError(error, 'restore-not-found')) throw error
    if (isInterrupted(signal)) return 0
    const failure = signal.aborted ? tooSlow() : toTorikiError(error)
    logFailure(log, 'plan-failed', failure, { restore, slice: sliceId })
    if (!signal.aborted && failure.retry !== 'never' && attempt < service.limits.attempts) {
      await recordTry(records, where, { kind: 'plan-restore', part: 0, attempt }, failure, clock.now())
      return giveBackPauseMs(attempt, random.fraction(), failure.retryAfterMs)
    }
    const { code, message, remedy } = failure
    await recordUnplanned(records, { restore, ...requested }, { code, message, remedy }, random.bytes(16))
  }
  if (slice === 'shared') await sendOthers(service, 'plan-restore', restore)
  if (await isPlanned(records, restore)) await finishPlan(service, restore)
  return undefined
}

/** A plan is made in one go: the next function would begin anew. */
function tooSlow(): TorikiError {
  return new TorikiError('deadline', {
    message:
      'The time of a function ended before the slice was planned: it is too large for it, or the source too slow.',
    remedy:
      'Restore fewer components or paths at a time; or let `toriki work`, which has no time limit, take `plan-restore`.',
  })
}

export function isInterrupted({ aborted, reason }: AbortSignal): boolean {
  return aborted && (reason as { code?: unknown } | undefined)?.code === 'interrupted'
}
