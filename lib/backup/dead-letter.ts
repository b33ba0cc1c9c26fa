/**
 * What the queue gave up on: finds the last recorded cause (else the worker ended without a word: a time-out or a crash), records the slice's end with user,
 * component, cause, remedy and the message, and tells a person once per cause and run. Replay reads the record, not the queue.
 *
 * Never loops: a message that nobody can read, or that names no run, is kept under `runs/unreadable/` and told.
 */
import { createHash } from 'node:crypto'
import { isTorikiError, TorikiError } from '../errors.ts'
import { parseMessage } from '../messages.ts'
import type { BackupSliceMessage, Message } from '../messages.ts'
import { parseSlice } from '../resources/slice.ts'
import type { Slice } from '../resources/slice.ts'
import type { Snapshot } from '../repository/snapshot.ts'
import { appendEvent } from '../runs/event-log.ts'
import { failureOf } from '../runs/outcome.ts'
import { cancelledAt, readRun, recordUnreadable } from '../runs/run-log.ts'
import type { Cause, RunRecord, SliceEvent } from '../runs/run.ts'
import { foldOf } from '../runs/slice-states.ts'
import { failedBy } from './cause.ts'
import { sendTick } from './send-tick.ts'
import type { Service } from './service.ts'
import { settleRun } from './settle-run.ts'
import { alarmFailures, tellOnce } from './tell.ts'

/** A run whose settling failed this long is left to whoever looks at it. */
const TICKS_GO_ON_MS = 7 * 86_400_000

/** Messages that are not a run's: what is recorded of them is told by who knows them. */
export type MessageOfOthers = Exclude<Message, BackupMessage>
type BackupMessage = Extract<Message, { kind: 'backup-slice' | 'settle-run' | 'replay-run' }>

/** Done when it returns: the message may be acknowledged. @throws TorikiError only when the store or the queue does not answer. */
export async function deadLetter(
  service: Service,
  dead: { readonly body: string },
  ofOthers: (message: MessageOfOthers) => Promise<void>,
): Promise<void> {
  try {
    const message = parseMessage(dead.body)
    if (message.kind === 'backup-slice') await recordSlice(service, message, dead.body)
    else if (message.kind === 'settle-run' || message.kind === 'replay-run') await goOn(service, message, dead.body)
    else await ofOthers(message)
  } catch (error) {
    const hopeless = [
      'message-invalid',
      'message-unknown',
      'run-not-found',
      'restore-not-found',
      'restore-not-planned',
    ].some((code) => isTorikiError(error, code as TorikiError['code']))
    if (!hopeless) throw error
    await keepUnreadable(service, dead.body, error as TorikiError)
  }
}

async function recordSlice(service: Service, message: BackupSliceMessage, body: string): Promise<void> {
  const { records } = service.repository
  const slice = parseSlice(message.slice)
  const run = await readRun(records, message.run)
  if ((await cancelledAt(records, run.run)) !== undefined) return
  const sliceId = service.repository.sliceId(slice.name, 1)
  const before = await foldOf(records, run.run, sliceId)
  if (!before.pending && (before.outcome === 'saved' || before.outcome === 'skipped')) return
  // What an earlier try left behind says nothing of the replay that is under way; its own end was recorded then.
  if (before.pending && (message.replay ?? 0) < before.replays) return
  // What the bucket holds decides, also against a worker that could commit but not say so.
  const { snapshot, generation } = await snapshotOf(service, run, slice)
  const whole = snapshot !== undefined && snapshot.missing.every(({ code }) => code === 'not-selected')
  const without = failedBy(new TorikiError('ended-without-report')).cause
  const causes = before.causes.length > 0 ? before.causes : [without]
  if (before.pending || whole) {
    const event: SliceEvent = {
      slice: slice.name,
      event: whole ? 'saved' : snapshot === undefined ? 'failed' : 'partial',
      at: service.platform.clock.now().toISOString(),
      attempt: Math.max(before.attempts, run.attemptsMax),
      ...(snapshot === undefined ? {} : { snapshot: snapshot.id, generation, ...suspectOf(snapshot) }),
      ...(whole ? {} : { causes, message: body }),
    }
    await appendEvent(records, { run: run.run, sliceId, from: before.highest + 1, once: true }, event)
    if (whole) return
  }
  service.metrics.add('DeadLetters', 1)
  await tellCauses(service, run, causes)
}

/** Once per set of causes in a run: five hundred people hit by one broken server are one alarm. */
async function tellCauses(service: Service, run: RunRecord, causes: readonly Cause[]): Promise<void> {
  const name = createHash('sha256')
    .update(JSON.stringify(causes.map(({ component, code }) => [component ?? null, code])))
    .digest('hex')
    .slice(0, 16)
  await tellOnce(service, run.run, `cause-${name}`, {
    alarm: 'dead-letter',
    message: 'A slice was given up; others with the same cause are not told again. The run’s report has them all.',
    failures: alarmFailures(causes.map((cause) => failureOf('', cause, 0))),
  })
}

/** The newest snapshot that the run made of this slice, if any: a worker may have been cut off between it and its event. */
async function snapshotOf(
  service: Service,
  run: RunRecord,
  slice: Slice,
): Promise<{ readonly snapshot?: Snapshot; readonly generation: number }> {
  const repository = await service.repository.openSlice(slice.name, { access: 'read-trees' })
  if (repository === undefined) return { generation: 1 }
  const { generation } = repository
  for await (const snapshot of repository.snapshots()) {
    if (snapshot.run === run.run) return { snapshot, generation }
    // Newest run first: what comes now is of older ones.
    if (snapshot.run < run.run) break
  }
  return { generation }
}

function suspectOf(snapshot: Snapshot): Pick<SliceEvent, 'suspect'> {
  const suspect = Object.keys(snapshot.components).filter((name) => snapshot.components[name]?.suspect !== undefined)
  return suspect.length === 0 ? {} : { suspect }
}

/** A tick that could not be handled is followed by the next one, so that the run still ends; a replay that could not be is told. */
async function goOn(
  service: Service,
  message: Exclude<BackupMessage, BackupSliceMessage>,
  body: string,
): Promise<void> {
  const run = await readRun(service.repository.records, message.run)
  if (message.kind === 'settle-run') {
    const { open } = await settleRun(service, { run: run.run })
    const age = service.platform.clock.now().getTime() - Date.parse(run.startedAt)
    if (open && age < TICKS_GO_ON_MS) await sendTick(service, run.run, message.tick + 1)
    return
  }
  await keepUnreadable(service, body, new TorikiError('ended-without-report'), run.run)
}

async function keepUnreadable(
  service: Service,
  body: string,
  { code, message, remedy }: TorikiError,
  run = '',
): Promise<void> {
  if ((await recordUnreadable(service.repository.records, body, code, service.platform.clock.now())) === 'exists')
    return
  service.platform.log.write('error', 'message-given-up', { code, run })
  service.metrics.add('DeadLetters', 1)
  await service.alarm({
    alarm: 'dead-letter',
    deployment: service.repository.name,
    run,
    message,
    failures: [{ code, count: 1, remedy }],
  })
}
