/**
 * What the queues of a restore gave up on: records why the work on a slice ended without its end (the last recorded cause, else a worker that ended without a word: a time-out or a crash), so that
 * the restore's report names slice and cause and is not pending for ever; and tells a person once per cause and restore. Never writes to anything live: it holds none of restore's credentials.
 */
import type { Service } from '../backup/service.ts'
import { TorikiError } from '../errors.ts'
import type { PlanRestoreMessage, RestoreSliceMessage } from '../messages.ts'
import { alarmFailures } from '../backup/tell.ts'
import { failureOf } from '../runs/outcome.ts'
import { finishPlan } from './root-plan.ts'
import { isPlanned, recordUnplanned, sliceOfMessage } from './requested-slice.ts'
import { readRequest, requestedSlices } from './restore-request.ts'
import type { RequestedSlice } from './restore-request.ts'
import { sendOthers } from './send-restore.ts'
import { hasEnded, readProgress, takeStep } from './slice-log.ts'
import { findSlicePlan } from './slice-plan.ts'
import { lastTry } from './slice-tries.ts'

interface Cause {
  readonly code: string
  readonly message: string
  readonly remedy: string
}

/** Idempotent. @throws TorikiError `restore-not-found`, `restore-not-planned`: a message that fits nothing; what the store or the queue throws. */
export async function giveUpRestore(
  service: Service,
  message: PlanRestoreMessage | RestoreSliceMessage,
): Promise<void> {
  const requested = await sliceOfMessage(service.repository.records, message.restore, message.slice)
  const cause =
    message.kind === 'plan-restore'
      ? await unplanned(service, message.restore, requested)
      : await stopped(service, message, requested)
  if (cause === undefined) return
  service.metrics.add('DeadLetters', 1)
  await tell(service, message, cause)
}

/** Why there is no plan; `undefined` where there is one after all. */
async function unplanned(service: Service, restore: string, requested: RequestedSlice): Promise<Cause | undefined> {
  const { repository, platform } = service
  const { records } = repository
  const where = { restore, sliceId: requested.sliceId }
  if ((await findSlicePlan(records, where)) === undefined) {
    const cause = (await lastTry(records, where, { kind: 'plan-restore', part: 0 })) ?? withoutReport()
    const failure = { ...cause, remedy: 'Look at the log of plan-restore of that time, then plan again.' }
    await recordUnplanned(records, { restore, ...requested }, failure, platform.random.bytes(16))
  }
  if (requested.slice === 'shared') await sendOthers(service, 'plan-restore', restore)
  if (await isPlanned(records, restore)) await finishPlan(service, restore)
  return (await findSlicePlan(records, where))?.failed
}

/** Why the slice was given up, taken back or could not be; `undefined` where it ended well. */
async function stopped(
  service: Service,
  { restore, part = 0 }: RestoreSliceMessage,
  requested: RequestedSlice,
): Promise<Cause | undefined> {
  const { repository, platform } = service
  const { records } = repository
  const where = { restore, sliceId: requested.sliceId }
  if ((await records.read(`restores/${restore}/applied`)) === undefined)
    throw new TorikiError('restore-not-planned', { ids: { restore } })
  let progress = await readProgress(records, where)
  if (!hasEnded(progress) && progress.stopped === undefined) {
    const { code, message: why } = (await lastTry(records, where, { kind: 'restore-slice', part })) ?? withoutReport()
    await takeStep(records, where, progress, { step: 'stopped', code, why }, platform.clock.now())
    progress = await readProgress(records, where)
  }
  const { last } = progress
  if (requested.slice === 'shared' && hasEnded(progress)) await sendThoseWhoWait(service, restore)
  if (progress.stopped !== undefined)
    return {
      code: progress.stopped.code,
      message: progress.stopped.why,
      remedy: `Mend it, then \`toriki restore resume ${restore}\`.`,
    }
  if (last?.step !== 'undone' && last?.step !== 'undo-failed' && last?.step !== 'refused') return undefined
  return { code: last.code, message: last.why, remedy: `See \`toriki restore status ${restore}\`.` }
}

/** The message of `shared` ended before it had sent the others. */
async function sendThoseWhoWait(service: Service, restore: string): Promise<void> {
  const { records } = service.repository
  const slices: RequestedSlice[] = []
  for await (const one of requestedSlices(records, await readRequest(records, restore))) slices.push(one)
  const last = slices.at(-1)
  if (last === undefined || last.slice === 'shared') return
  if ((await readProgress(records, { restore, sliceId: last.sliceId })).n === 0)
    await sendOthers(service, 'restore-slice', restore)
}

function withoutReport(): Pick<Cause, 'code' | 'message'> {
  const { code, message } = new TorikiError('ended-without-report')
  return { code, message }
}

/** At least once per cause and restore, and again only where a cut hid that it was told. */
async function tell(
  service: Service,
  { restore, kind }: PlanRestoreMessage | RestoreSliceMessage,
  { code, message, remedy }: Cause,
): Promise<void> {
  const { records } = service.repository
  const mark = `restores/${restore}/alarms/${kind}.${code}`
  if ((await records.read(mark)) !== undefined) return
  const what = kind === 'plan-restore' ? 'could not be planned' : 'did not end as planned'
  await service.alarm({
    alarm: 'dead-letter',
    deployment: service.repository.name,
    run: '',
    restore,
    message: `A slice of a restore ${what}; others with the same cause are not told again. See toriki restore status ${restore}`,
    failures: alarmFailures([failureOf('', { code, message, remedy }, 0)]),
  })
  await records.create(mark, { at: service.platform.clock.now().toISOString() })
}
