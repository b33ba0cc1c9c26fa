/**
 * The slices of a run, each with the fold of its events: one pass over two listings that are both sorted by slice id, so memory holds a batch and not the run.
 * Bodies of events are read side by side, and once per process.
 */
import { listEvents, readEvent } from './event-log.ts'
import type { EventKey } from './event-log.ts'
import { foldSlice } from './fold.ts'
import type { FoldedEvent, SliceFold } from './fold.ts'
import { runSlices } from './run-log.ts'
import type { RunRecord, RunRecords, RunSlice } from './run.ts'

export interface SliceState {
  readonly slice: RunSlice
  readonly fold: SliceFold
}

/** Slices whose events are read side by side. */
const BATCH = 32

export interface SliceStatesOptions {
  /** Told of every event, those of slices that are not the run's included. */
  readonly onEvent?: (event: EventKey) => void
  /** Only from the listing: outcomes are right; causes, figures and suspicion are missing. */
  readonly withoutBodies?: boolean
}

/** Every slice of the run exactly once, ascending by slice id. */
export async function* sliceStates(
  records: RunRecords,
  run: RunRecord,
  { onEvent = () => undefined, withoutBodies = false }: SliceStatesOptions = {},
): AsyncGenerator<SliceState> {
  const eventOf = async (key: EventKey): Promise<FoldedEvent> =>
    withoutBodies ? { n: key.n, event: key.event } : await withBody(records, key)
  const stateOf = async ({ slice, keys }: SliceKeys): Promise<SliceState> => ({
    slice,
    fold: foldSlice(await Promise.all(keys.map(eventOf))),
  })
  const events = listEvents(records, run.run)
  let next = await events.next()
  let batch: SliceKeys[] = []
  try {
    for await (const slice of runSlices(records, run)) {
      const keys: EventKey[] = []
      while (next.done !== true && next.value.sliceId <= slice.sliceId) {
        onEvent(next.value)
        if (next.value.sliceId === slice.sliceId) keys.push(next.value)
        next = await events.next()
      }
      batch.push({ slice, keys })
      if (batch.length < BATCH) continue
      yield* await Promise.all(batch.map(stateOf))
      batch = []
    }
    yield* await Promise.all(batch.map(stateOf))
    for (; next.done !== true; next = await events.next()) onEvent(next.value)
  } finally {
    await events.return(undefined)
  }
}

interface SliceKeys {
  readonly slice: RunSlice
  readonly keys: EventKey[]
}

/** The events of one slice, folded, by one listing. */
export async function foldOf(records: RunRecords, run: string, sliceId: string): Promise<SliceFold> {
  const events: FoldedEvent[] = []
  for await (const key of listEvents(records, run, sliceId)) events.push(await withBody(records, key))
  return foldSlice(events)
}

async function withBody(records: RunRecords, { path, n, event }: EventKey): Promise<FoldedEvent> {
  if (event === 'accepted') return { n, event }
  const body = await readEvent(records, path)
  return { ...body, n, event }
}
