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

/** Every slice of the run exactly once, ascending by slice id. `onEvent` is told of every event, those of slices that are not the run's included. */
export async function* sliceStates(
  records: RunRecords,
  run: RunRecord,
  onEvent: (event: EventKey) => void = () => undefined,
): AsyncGenerator<SliceState> {
  const events = listEvents(records, run.run)
  let next = await events.next()
  let batch: { readonly slice: RunSlice; readonly keys: EventKey[] }[] = []
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
      yield* await Promise.all(batch.map(async (one) => await stateOf(records, one.slice, one.keys)))
      batch = []
    }
    yield* await Promise.all(batch.map(async (one) => await stateOf(records, one.slice, one.keys)))
    for (; next.done !== true; next = await events.next()) onEvent(next.value)
  } finally {
    await events.return(undefined)
  }
}

async function stateOf(records: RunRecords, slice: RunSlice, keys: readonly EventKey[]): Promise<SliceState> {
  return { slice, fold: foldSlice(await Promise.all(keys.map(async (key) => await withBody(records, key)))) }
}

/** The events of one slice, folded, by one listing. */
export async function foldOf(records: RunRecords, run: string, sliceId: string): Promise<SliceFold> {
  const events: FoldedEvent[] = []
  for await (const key of listEvents(records, run, sliceId)) events.push(await withBody(records, key))
  return foldSlice(events)
}

async function withBody(records: RunRecords, { path, n, event }: EventKey): Promise<FoldedEvent> {
  if (event === 'replayed' || event === 'accepted') return { n, event }
  const body = await readEvent(records, path)
  return { ...body, n, event }
}
