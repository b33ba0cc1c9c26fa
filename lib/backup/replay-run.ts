/**
 * Enqueues a run's failed and partial slices again, in that run. Done twice it changes nothing more: a slice under way is not sent again, a saved one neither.
 *
 * The message goes first, the `replayed` event after it: cut between them, the worker sees a message for a failed slice and implies the replay.
 */
import { TorikiError } from '../errors.ts'
import { userSlice } from '../resources/slice.ts'
import { parseSegment } from '../resources/key.ts'
import type { SliceName } from '../resources/slice.ts'
import { appendEvent } from '../runs/event-log.ts'
import { cancelledAt, nextTick, readRun, runSlices } from '../runs/run-log.ts'
import { countedAs, readRunState } from '../runs/run-state.ts'
import { sliceStates } from '../runs/slice-states.ts'
import type { SliceState } from '../runs/slice-states.ts'
import type { RunRecord } from '../runs/run.ts'
import { sendSlices } from './send-slices.ts'
import { sendTick } from './send-tick.ts'
import type { Service } from './service.ts'
import { settleRun } from './settle-run.ts'

export interface ReplayRequest {
  readonly run: string
  /** Only these; absent: every failed slice. */
  readonly users?: readonly string[]
}

export interface Replayed {
  readonly run: string
  /** Slices that were sent again. */
  readonly replayed: readonly SliceName[]
}

/** Slices sent and recorded together. */
const BATCH = 100

/** @throws TorikiError `run-not-found`, `run-cancelled`, `slice-unknown` for a user who is not in the run. */
export async function replayRun(service: Service, { run: id, users }: ReplayRequest): Promise<Replayed> {
  const { records } = service.repository
  const run = await readRun(records, id)
  if ((await cancelledAt(records, id)) !== undefined) throw new TorikiError('run-cancelled', { ids: { run: id } })
  await settleRun(service, { run: id })
  const { expired } = await readRunState(records, run, service.platform.clock.now())
  const wanted = users === undefined ? undefined : await wantedOf(service, run, users)
  const replayed: SliceName[] = []
  let batch: SliceState[] = []
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return
    // The tick first: without it nobody would end the run again. It comes late enough to find the slices re-opened.
    if (replayed.length === 0) await sendTick(service, id, await nextTick(records, id))
    await sendAgain(service, run, batch)
    replayed.push(...batch.map(({ slice }) => slice.slice))
    batch = []
  }
  for await (const state of sliceStates(records, run)) {
    if (wanted !== undefined && !wanted.has(state.slice.slice)) continue
    const counted = countedAs(state.fold, expired ? 'expired' : 'not')
    if (counted !== 'failed' && counted !== 'partial') continue
    batch.push(state)
    if (batch.length >= BATCH) await flush()
  }
  await flush()
  return { run: id, replayed }
}

/** @throws TorikiError `slice-unknown` before anything is sent. */
async function wantedOf(service: Service, run: RunRecord, users: readonly string[]): Promise<ReadonlySet<SliceName>> {
  const wanted = users.map((user) => userSlice(parseSegment(user)).name)
  const missing = new Set<SliceName>(wanted)
  for await (const { slice } of runSlices(service.repository.records, run)) missing.delete(slice)
  const place = 1 + wanted.findIndex((slice) => missing.has(slice))
  if (place > 0) {
    throw new TorikiError('slice-unknown', {
      message: `The user in place ${place} is not in that run.`,
      ids: { run: run.run, place },
    })
  }
  return new Set(wanted)
}

async function sendAgain(service: Service, run: RunRecord, states: readonly SliceState[]): Promise<void> {
  const { records } = service.repository
  await sendSlices(
    service,
    run,
    states.map(({ slice }) => slice.slice),
    new Map(states.map(({ slice, fold }) => [slice.slice, fold.replays + 1])),
  )
  const at = service.platform.clock.now().toISOString()
  await Promise.all(
    states.map(async ({ slice: { slice, sliceId }, fold }) => {
      // The number is the one that was free when the failure was seen: a worker that was faster has implied this very event.
      await appendEvent(
        records,
        { run: run.run, sliceId, from: fold.highest + 1, once: true },
        { slice, event: 'replayed', at, attempt: 0 },
      )
    }),
  )
}
