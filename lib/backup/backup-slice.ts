/**
 * One `backup-slice` message: captures the slice, records what happened, and says whether the message is done or is to be given back. Delivered twice, or cut
 * off anywhere and delivered again, it ends in one snapshot and one outcome.
 *
 * A cause is recorded before the message is given back. What only a person can mend goes to dead-letter at once instead of burning the attempts that are left;
 * what may pass is given back with a pause that doubles. A message for a slice that failed and ended is a replay by hand; or a queue delivered again what was deleted. Nobody
 * can tell, so what opens the slice again is never that message but one of its own.
 */
import { isTorikiError, TorikiError } from '../errors.ts'
import { encodeMessage, PARTS_MAX } from '../messages.ts'
import type { BackupSliceMessage } from '../messages.ts'
import { parseSlice } from '../resources/slice.ts'
import type { Slice } from '../resources/slice.ts'
import { appendEvent } from '../runs/event-log.ts'
import type { SliceFold } from '../runs/fold.ts'
import { areSourcesAccepted, cancelledAt, claimDelivery, nextTick, readRun } from '../runs/run-log.ts'
import type { RunRecord, SliceEvent, SliceEventName } from '../runs/run.ts'
import { foldOf } from '../runs/slice-states.ts'
import { captureSlice } from './capture-slice.ts'
import type { SliceCapture } from './capture-slice.ts'
import { failedBy, logFailure } from './cause.ts'
import type { Failed } from './cause.ts'
import { GIVE_BACK_FIRST_MS, GIVE_BACK_LAST_MS, giveBackPauseMs } from './give-back.ts'
import { sendTick } from './send-tick.ts'
import type { Service } from './service.ts'

export interface Delivery {
  /** 1 on the first delivery of this message. */
  readonly attempt: number
  /** Aborted with `deadline` when the time is nearly up, with `interrupted` when the service stops. */
  readonly signal: AbortSignal
  /** Until the host ends it; absent: nobody does. */
  readonly remainingMs?: number
}

/** `done`: acknowledge. Else give back, to be delivered again after the pause. */
export type Delivered = { readonly done: true } | { readonly done: false; readonly visibilityMs: number }

/** A run that was cancelled is noticed within this time, without asking the store for every component. */
const CANCEL_CHECK_MS = 15_000

/** Ranges are sent so often, for one message of the slice. */
const DIVIDED_MAX = 4

const DONE: Delivered = { done: true }

interface Work {
  readonly service: Service
  readonly run: RunRecord
  readonly slice: Slice
  readonly sliceId: string
  readonly message: BackupSliceMessage
  readonly delivery: Delivery
  /** What is recorded of the slice; listed when it is first asked for, which the common case never does. */
  readonly before: () => Promise<SliceFold>
  /** When this delivery began. */
  readonly begunAt: Date
  /** How many events were appended since. */
  appended: number
  /** No other delivery uploads the same. */
  claimed: boolean
}

/**
 * @throws TorikiError `run-not-found`, `message-invalid` for a message that fits no run or no slice; what the store throws when not even a cause can
 * be recorded.
 */
export async function backupSlice(
  service: Service,
  message: BackupSliceMessage,
  delivery: Delivery,
): Promise<Delivered> {
  const { records } = service.repository
  const slice = parseSlice(message.slice)
  const run = await readRun(records, message.run)
  if ((await cancelledAt(records, run.run)) !== undefined) return DONE
  const sliceId = service.repository.sliceId(slice.name, 1)
  let fold: Promise<SliceFold> | undefined
  const before = (): Promise<SliceFold> => (fold ??= foldOf(records, run.run, sliceId))
  const begunAt = service.platform.clock.now()
  const work: Work = { service, run, slice, sliceId, message, delivery, before, begunAt, appended: 0, claimed: false }
  // A first delivery almost always comes to a slice of which nothing is recorded: what it finds in the repository is enough to be right.
  if ((delivery.attempt > 1 || message.part !== undefined) && (await isDone(work))) return DONE
  try {
    return await conclude(work, await capture(work))
  } catch (error) {
    // By then the other one has ended, or its host has ended it.
    if (isTorikiError(error, 'slice-taken')) return giveBack(GIVE_BACK_LAST_MS)
    if (delivery.signal.aborted) return giveBack(0)
    logFailure(service.platform.log, 'slice-failed', error, { run: run.run, slice: sliceId })
    return await fail(work, [failedBy(error)], {})
  }
}

/** Is there nothing left to do for this message: the slice is ended, or another delivery handed the work on? */
async function isDone({ before, message, delivery }: Work): Promise<boolean> {
  const { outcome, pending, continuedTo, rangesContinued } = await before()
  if (!pending && (outcome === 'saved' || outcome === 'skipped')) return true
  const { range, part: divided = 0, hop = 0 } = message
  if (range !== undefined) {
    // A whole one is looked at again: who read it may not have come to have all of them joined. A later part has sent what was not whole.
    const goesOn =
      continuedTo > divided + 1 ||
      rangesContinued.some((one) => one.number === range && one.part === divided && one.hop > hop)
    return goesOn && (pending || delivery.attempt > 1)
  }
  return continuedTo > (message.part ?? 0) && (pending || delivery.attempt > 1)
}

async function capture(work: Work): Promise<SliceCapture> {
  const { service, run, slice, message, delivery } = work
  const { records } = service.repository
  const { clock } = service.platform
  let checkedMs = clock.monotonicMs()
  const { part = 0, range, hop = 0, late } = message
  const doubted = run.components.some((name) => run.sources[name]?.suspect !== undefined)
  return await captureSlice(service, run, slice, {
    components: message.components,
    part,
    range: range === undefined ? undefined : { number: range, hop },
    // Whatever keeps coming between: in the end one reads all of it.
    divides: (message.divided ?? 0) < DIVIDED_MAX,
    time: { remainingMs: delivery.remainingMs, endedLate: late === true ? part : 0 },
    signal: delivery.signal,
    sourcesAccepted: doubted && (await areSourcesAccepted(records, run.run)),
    async isCancelled() {
      if (clock.monotonicMs() - checkedMs < CANCEL_CHECK_MS) return false
      checkedMs = clock.monotonicMs()
      return (await cancelledAt(records, run.run)) !== undefined
    },
    claim: () => claim(work),
    async recordedCause(component) {
      return (await work.before()).causes.find((cause) => cause.component === component)?.code
    },
  })
}

/**
 * A queue may give one message to two functions at the same time. Small slices may be read twice; of a large one the second function uploads nothing. The claim bears
 * the attempt and what is recorded so far: who is given the message after a crash, or a replay, finds it free.
 */
async function claim(work: Work): Promise<void> {
  if (work.claimed) return
  const { service, run, sliceId, message, delivery, before } = work
  const { highest, replays } = await before()
  const { part = 0, range, hop = 0 } = message
  // Other ranges record events meanwhile.
  const place = range === undefined ? `${part}.${highest}` : `${part}-${range}-${hop}.${replays}`
  const name = `${sliceId}.${place}.${delivery.attempt}`
  const at = service.platform.clock.now()
  if ((await isDone(work)) || (await claimDelivery(service.repository.records, run.run, name, at)) === 'taken')
    throw new TorikiError('slice-taken', { ids: { run: run.run, slice: sliceId } })
  work.claimed = true
}

async function conclude(work: Work, captured: SliceCapture): Promise<Delivered> {
  switch (captured.kind) {
    case 'cancelled':
      return DONE
    case 'gone':
      await append(work, 'skipped', { causes: [failedBy(new TorikiError('slice-gone')).cause] })
      return DONE
    case 'nothing':
      return await fail(work, captured.failed, {})
    case 'out-of-time':
      return await goOnLater(work, captured)
    case 'divided':
      return await readInRanges(work, captured)
    case 'range-read':
      return await rangeRead(work, captured)
    case 'plan-gone':
      return await divideAgain(work, captured.failed)
    case 'stored': {
      const { snapshot, bytesRead, bytesStored, objectsPut } = captured.commit
      const suspect = Object.keys(snapshot.components).filter(
        (name) => snapshot.components[name]?.suspect !== undefined,
      )
      const stored = {
        snapshot: snapshot.id,
        generation: captured.generation,
        bytesRead,
        bytesStored,
        // The event that says so is an object too.
        objectsPut: objectsPut + 1,
        ...(suspect.length === 0 ? {} : { suspect }),
      }
      if (captured.failed.length > 0) return await fail(work, captured.failed, stored)
      const first = captured.commit.created && snapshot.n === 1 && work.delivery.attempt === 1
      // A second message for what is saved finds everything done and adds nothing.
      if (first || (await work.before()).outcome !== 'saved') await append(work, 'saved', stored, first)
      return DONE
    }
  }
}

/** Records the causes; then back to the queue, or, where trying again is of no use, to dead-letter. */
async function fail(work: Work, failed: readonly Failed[], stored: Partial<SliceEvent>): Promise<Delivered> {
  const { service, run, message, delivery } = work
  const { snapshot } = await work.before()
  const standing = await standingOf(work)
  if (standing === 'ended-meanwhile') return DONE
  const mayPass = failed.some(({ retry }) => retry !== 'never')
  const more = { ...stored, causes: failed.map(({ cause }) => cause) }
  if (mayPass && delivery.attempt < run.attemptsMax) {
    const asked = Math.max(0, ...failed.map(({ retryAfterMs = 0 }) => retryAfterMs))
    const restMs = giveBackPauseMs(delivery.attempt, service.platform.random.fraction(), asked)
    if (standing === 'ended-before') {
      await reopen(work, message, restMs)
      await append(work, 'attempt', { ...more, attempt: 0 })
      return DONE
    }
    await append(work, 'attempt', more)
    return giveBack(restMs)
  }
  const saved = stored.snapshot !== undefined || snapshot !== undefined
  await append(work, saved ? 'partial' : 'failed', { ...more, message: encodeMessage(message) })
  // After the last attempt the queue itself moves the message on.
  if (mayPass) return giveBack(0)
  await service.platform.queues.deadLetter('backup-slice').send([{ body: encodeMessage(message) }])
  return DONE
}

/**
 * `ended-before`: a first delivery to a slice that had failed before it began, so a replay that somebody sent by hand. But when another delivery was luckier, or ended it while
 * this one was under way (a worker that slept longer than its message stayed hidden), there is nothing to add: `ended-meanwhile`.
 */
async function standingOf(work: Work): Promise<'open' | 'ended-before' | 'ended-meanwhile'> {
  const { pending, outcome, endedAt, replays } = await work.before()
  if (pending) return 'open'
  if (outcome === 'saved' || outcome === 'skipped') return 'ended-meanwhile'
  // What one range could not do ended the slice; another one still does what it can, for a replay.
  if (work.message.range !== undefined) return 'open'
  if (endedAt !== undefined && Date.parse(endedAt) > work.begunAt.getTime()) return 'ended-meanwhile'
  if (work.delivery.attempt > 1) return 'open'
  if ((work.message.replay ?? 0) <= replays) return 'ended-before'
  // That of a replay comes before its event only where the worker was faster: it is the same event.
  await append(work, 'replayed', { attempt: 0 })
  return 'open'
}

/**
 * Opens an ended slice again, as `replayRun` does: a tick, for the run may have ended; a message, for the one that is worked on may be gone from its queue, and what it opens
 * nobody would end; the event last. Done twice it is one replay that is delivered twice.
 */
async function reopen(work: Work, next: BackupSliceMessage, restMs: number): Promise<void> {
  const { service, run } = work
  const { replays } = await work.before()
  await sendTick(service, run.run, await nextTick(service.repository.records, run.run))
  const body = encodeMessage({ ...next, replay: replays + 1 })
  const delaySeconds = Math.round(Math.min(restMs, GIVE_BACK_LAST_MS) / 1000)
  await service.platform.queues.queue('backup-slice').send([{ body, delaySeconds }])
  await append(work, 'replayed', { attempt: 0 })
}

/** The time ended: hands the work on to a continuation, when there is something to go on from. */
async function goOnLater(work: Work, captured: Extract<SliceCapture, { kind: 'out-of-time' }>): Promise<Delivered> {
  const { checkpoint, progress } = captured
  const { message, delivery } = work
  const { range } = message
  const next = range === undefined ? (message.part ?? 0) + 1 : (message.hop ?? 0) + 1
  const stopped = (delivery.signal.reason as { code?: unknown } | undefined)?.code === 'interrupted'
  if (checkpoint === 'no-progress' || next > PARTS_MAX) {
    return stopped ? giveBack(0) : await fail(work, [failedBy(tooSlow())], {})
  }
  // Who lost to another attempt leaves the continuation to it. But a second delivery most often lost to its own first one, which may have been cut off before
  // it sent anything; one continuation too many only repeats work.
  if (checkpoint === 'lost' && delivery.attempt === 1) return giveBack(GIVE_BACK_FIRST_MS)
  const standing = await standingOf(work)
  if (standing === 'ended-meanwhile') return DONE
  const { bytesRead, bytesStored } = progress
  if (range !== undefined) {
    await send(work, [{ ...message, hop: next }])
    const said = { number: range, hop: next, whole: false }
    await append(work, 'continued', { part: message.part ?? 0, range: said, bytesRead, bytesStored })
    return DONE
  }
  const goesOn: BackupSliceMessage = { ...message, part: next, late: stopped ? undefined : true }
  if (standing === 'ended-before') await reopen(work, goesOn, 0)
  else await send(work, [goesOn])
  await append(work, 'continued', { part: next, bytesRead, bytesStored })
  return DONE
}

/** A component is divided: one message for each range that is not whole. Which keys they are stands in the plan. */
async function readInRanges(work: Work, divided: Extract<SliceCapture, { kind: 'divided' }>): Promise<Delivered> {
  const { message } = work
  const part = (message.part ?? 0) + 1
  // The next delivery sends what the winner planned, if he did not come to it.
  if (divided.checkpoint === 'lost') return giveBack(GIVE_BACK_FIRST_MS)
  if (part > PARTS_MAX) return await fail(work, [failedBy(tooSlow())], {})
  const standing = await standingOf(work)
  if (standing === 'ended-meanwhile') return DONE
  if (standing === 'ended-before') {
    await reopen(work, message, 0)
    return DONE
  }
  // What failed beside is tried again by whoever joins.
  if (divided.failed.length > 0) await append(work, 'attempt', { causes: divided.failed.map(({ cause }) => cause) })
  const { late: _, ...rest } = message
  await send(
    work,
    divided.ranges.map((range) => ({ ...rest, part: part - 1, range, hop: 0, divided: (rest.divided ?? 0) + 1 })),
  )
  const { bytesRead, bytesStored } = divided.progress
  await append(work, 'continued', { part, bytesRead, bytesStored })
  return DONE
}

/** Who sees that all are whole has them joined; two who end at once may both, and that changes nothing. */
async function rangeRead(work: Work, read: Extract<SliceCapture, { kind: 'range-read' }>): Promise<Delivered> {
  const { part = 0, range = 0, hop = 0 } = work.message
  if (read.areAll) await sendJoining(work)
  if (!read.isNew) return DONE
  const { bytesRead, bytesStored } = read.progress
  await append(work, 'continued', { part, range: { number: range, hop, whole: true }, bytesRead, bytesStored })
  return DONE
}

/** The plan is of no use: whoever looks next divides anew, or reads all himself. */
async function divideAgain(work: Work, failed: readonly Failed[]): Promise<Delivered> {
  const { part = 0 } = work.message
  if (part >= PARTS_MAX) return await fail(work, [failedBy(tooSlow())], {})
  if (failed.length > 0) await append(work, 'attempt', { causes: failed.map(({ cause }) => cause) })
  await sendJoining(work)
  return DONE
}

async function sendJoining(work: Work): Promise<void> {
  const { range: _range, hop: _hop, ...rest } = work.message
  await send(work, [{ ...rest, part: (rest.part ?? 0) + 1 }])
}

async function send({ service }: Work, messages: readonly BackupSliceMessage[]): Promise<void> {
  await service.platform.queues
    .queue('backup-slice')
    .send(messages.map((message) => ({ body: encodeMessage(message) })))
}

/** Other than where work goes on by itself, somebody has to do something. */
function tooSlow(): TorikiError {
  return new TorikiError('deadline', {
    message:
      'The time of a function ended before anything could be read whole: a file is too long for it, or the source too slow.',
    remedy: 'Let `toriki work`, which has no time limit, take the messages of `backup-slice`; then `toriki replay`.',
  })
}

/** `first`: nothing of the slice can be recorded that this has to come after. */
async function append(work: Work, event: SliceEventName, more: Partial<SliceEvent>, first = false): Promise<void> {
  const { service, run, slice, sliceId, delivery } = work
  const at = service.platform.clock.now().toISOString()
  const value: SliceEvent = { slice: slice.name, event, at, attempt: delivery.attempt, ...more }
  const from = 1 + (first ? 0 : (await work.before()).highest + work.appended)
  // A failure with its cause is never dropped for another one; what only says "done" is said once.
  const once = event !== 'attempt' && event !== 'failed' && event !== 'partial' && more.range === undefined
  await appendEvent(service.repository.records, { run: run.run, sliceId, from, once }, value)
  work.appended++
  if (event !== 'replayed') service.observer?.ended(run.run, slice.name, event)
}

function giveBack(visibilityMs: number): Delivered {
  return { done: false, visibilityMs: Math.min(visibilityMs, GIVE_BACK_LAST_MS) }
}
