/**
 * One `restore-slice` message: takes a slice through its steps, and says whether the message is done or is to be given back. Delivered twice, or cut off anywhere and delivered again, it ends
 * applied or undone.
 *
 * What takes longer than a function goes on in another message, so that time costs no attempt; and so does taking back what took its last attempt to fail. When `shared` is proven its message
 * sends everybody else's; when it is not, theirs are refused.
 */
import pLimit from 'p-limit'
import { logFailure } from '../backup/cause.ts'
import { giveBackPauseMs } from '../backup/give-back.ts'
import type { Handled } from '../backup/receive-batch.ts'
import type { ComponentWriter } from '../components/writer.ts'
import { isTorikiError, toTorikiError, TorikiError } from '../errors.ts'
import { encodeMessage, PARTS_MAX } from '../messages.ts'
import type { RestoreSliceMessage } from '../messages.ts'
import { applyRequested } from './apply-restore.ts'
import { isInterrupted } from './deliver-plan.ts'
import type { RestoreDelivery } from './deliver-plan.ts'
import type { QueuedRestoreService } from './queued-service.ts'
import { sliceOfMessage } from './requested-slice.ts'
import { readRequest, requestedSlices } from './restore-request.ts'
import type { RequestedSlice } from './restore-request.ts'
import { sendOthers } from './send-restore.ts'
import { hasEnded, readProgress, takeStep } from './slice-log.ts'
import type { Progress, RestoreStep, SliceOfRestore } from './slice-log.ts'
import { recordContinued, recordTry, wasContinued } from './slice-tries.ts'

/** Hops in a row in which nothing came of it: then it never will. */
const IDLE_PARTS_MAX = 2
/** Slices refused side by side. */
const REFUSED_AT_ONCE = 8

interface Work {
  readonly service: QueuedRestoreService
  readonly message: RestoreSliceMessage
  readonly requested: RequestedSlice
  readonly where: SliceOfRestore
  readonly delivery: RestoreDelivery
  /** The step it stood at when this delivery began. */
  readonly begun: Progress
  /** Counts what this delivery moved beside steps. */
  readonly moved: { changes: number }
}

/** @throws TorikiError `restore-not-found`; what the store throws when nothing can be recorded. */
export async function deliverSlice(
  service: QueuedRestoreService,
  message: RestoreSliceMessage,
  delivery: RestoreDelivery,
): Promise<Handled> {
  const { records } = service.repository
  const { restore } = message
  const requested = await sliceOfMessage(records, restore, message.slice)
  const where = { restore, sliceId: requested.sliceId }
  // It was cut off between handing the work on and saying so.
  if (delivery.attempt > 1 && (await wasContinued(records, where, message.part ?? 0))) return undefined
  const moved = { changes: 0 }
  const begun = await readProgress(records, where)
  const work: Work = { service, message, requested, where, delivery, begun, moved }
  try {
    return await conclude(work, await apply(work))
  } catch (error) {
    return await giveBackOrOn(work, error)
  }
}

async function apply({ service, requested, delivery, message, moved }: Work): Promise<RestoreStep> {
  const counted = { ...service, writers: service.writers.map((writer) => counting(writer, moved)) }
  const { restore } = message
  return await applyRequested(counted, { restore, slice: requested.slice, ...delivery })
}

function counting(writer: ComponentWriter, moved: { changes: number }): ComponentWriter {
  const apply: ComponentWriter['apply'] = async (...given) => {
    const applied = await writer.apply(...given)
    if (applied.kind === 'applied') moved.changes++
    return applied
  }
  return new Proxy(writer, {
    get(target, name) {
      const value: unknown = name === 'apply' ? apply : Reflect.get(target, name, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** The slice has ended. What was taken back, or could not be, is told to a person by way of the dead-letter queue. */
async function conclude(work: Work, { step }: RestoreStep): Promise<Handled> {
  if (work.requested.slice === 'shared') await goOnWithOthers(work, step === 'verified')
  if (step === 'undone' || step === 'undo-failed') await tell(work)
  return undefined
}

async function goOnWithOthers({ service, message, delivery, moved }: Work, isProven: boolean): Promise<void> {
  const { records } = service.repository
  const { restore } = message
  if (isProven) {
    await sendOthers(service, 'restore-slice', restore)
    return
  }
  const slices: RequestedSlice[] = []
  for await (const one of requestedSlices(records, await readRequest(records, restore)))
    if (one.slice !== 'shared') slices.push(one)
  const limit = pLimit(REFUSED_AT_ONCE)
  await Promise.all(
    slices.map(({ slice }) =>
      limit(async () => {
        delivery.signal.throwIfAborted()
        await applyRequested(service, { restore, slice, ...delivery })
        moved.changes++
      }),
    ),
  )
}

async function giveBackOrOn(work: Work, error: unknown): Promise<Handled> {
  const { service, where, message, delivery } = work
  const { clock, log, random } = service.platform
  const { attempt, signal } = delivery
  if (isTorikiError(error, 'restore-not-found')) throw error
  // Somebody sent it before its turn: applying, or the end of `shared`, sends it again.
  if (isTorikiError(error, 'restore-waits') || isTorikiError(error, 'restore-not-planned')) return undefined
  if (isInterrupted(signal)) return 0
  const failure = toTorikiError(error)
  logFailure(log, 'restore-failed', failure, { restore: where.restore, slice: where.sliceId })
  if (signal.aborted) return await goOnLater(work)
  if (failure.retry !== 'never' && attempt < service.limits.attempts) {
    const tried = { kind: 'restore-slice', part: message.part ?? 0, attempt } as const
    await recordTry(service.repository.records, where, tried, failure, clock.now())
    return giveBackPauseMs(attempt, random.fraction(), failure.retryAfterMs)
  }
  const progress = await readProgress(service.repository.records, where)
  const hasJustBegunUndo = progress.last?.step === 'undoing' && work.begun.last?.step !== 'undoing'
  if (hasJustBegunUndo && failure.retry !== 'never')
    return await sendNext(work, { idle: 0, delayMs: giveBackPauseMs(attempt, random.fraction(), failure.retryAfterMs) })
  return await stop(work, progress, failure)
}

/** The time ended. */
async function goOnLater(work: Work): Promise<Handled> {
  const { service, where, message, begun, moved } = work
  const progress = await readProgress(service.repository.records, where)
  const idle = progress.n > begun.n || moved.changes > 0 ? 0 : (message.idle ?? 0) + 1
  if (idle <= IDLE_PARTS_MAX && (message.part ?? 0) < PARTS_MAX) return await sendNext(work, { idle, delayMs: 0 })
  return await stop(work, progress, tooSlow())
}

async function sendNext(
  { service, where, message }: Work,
  { idle, delayMs }: { readonly idle: number; readonly delayMs: number },
): Promise<Handled> {
  const { records } = service.repository
  const part = message.part ?? 0
  if (await wasContinued(records, where, part)) return undefined
  const body = encodeMessage({ ...message, part: part + 1, idle })
  await service.platform.queues.queue('restore-slice').send([{ body, delaySeconds: Math.round(delayMs / 1000) }])
  await recordContinued(records, where, part, service.platform.clock.now())
  return undefined
}

/** Neither time nor attempts are left. Where nothing was written yet the slice is refused; else it stays where it is until somebody mends the cause and resumes the restore. */
async function stop(work: Work, progress: Progress, { code, message: why }: TorikiError): Promise<Handled> {
  const { service, where, requested } = work
  const { records } = service.repository
  if (!hasEnded(progress)) {
    const step: RestoreStep =
      progress.last === undefined ? { step: 'refused', code, why, findings: [] } : { step: 'stopped', code, why }
    await takeStep(records, where, progress, step, service.platform.clock.now())
  }
  const { last } = await readProgress(records, where)
  // Lets go of the slice, and refuses those who waited for it.
  if (last?.step === 'refused') await conclude(work, await apply({ ...work, requested }))
  await tell(work)
  return undefined
}

async function tell({ service, message }: Work): Promise<void> {
  await service.platform.queues.deadLetter('restore-slice').send([{ body: encodeMessage(message) }])
}

function tooSlow(): TorikiError {
  return new TorikiError('deadline', {
    message:
      'The time of a function ended again and again before anything came of it: what one step reads is too large for it, or the source too slow.',
    remedy: 'Let `toriki work`, which has no time limit, take `restore-slice`; then `toriki restore resume`.',
  })
}
