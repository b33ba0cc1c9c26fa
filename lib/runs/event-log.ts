/**
 * What happened to slices: append-only records `events/<slice id>.<nnnnnn>.<event>`. The name of the event is in the path, so that a listing is enough to see how
 * a run stands; the body holds causes and figures.
 */
import assert from 'node:assert/strict'
import { parseSliceEvent, toRecord } from './record-schemas.ts'
import { sliceEventNames } from './run.ts'
import type { RunRecords, SliceEvent, SliceEventName } from './run.ts'

/** An event as its path tells it. */
export interface EventKey {
  readonly path: string
  readonly sliceId: string
  readonly n: number
  readonly event: SliceEventName
  /** By the store's clock. */
  readonly modifiedAt: Date
}

const EVENT = /^runs\/[^/]+\/events\/([A-Za-z0-9]+)\.(\d{6})\.([a-z]+)$/
/** Events of one slice in one run: far beyond any number of attempts and replays. */
const EVENTS_MAX = 999_999
/** Bodies of events a process remembers; they never change. A run of 10,000 slices is watched every second by whoever waits for it. */
const REMEMBERED_EVENTS = 40_000

const remembered = new WeakMap<RunRecords, Map<string, SliceEvent>>()

/** Events of the run, or of one slice of it, ascending by slice id and number. */
export async function* listEvents(records: RunRecords, run: string, sliceId?: string): AsyncGenerator<EventKey> {
  const prefix = `runs/${run}/events/${sliceId === undefined ? '' : `${sliceId}.`}`
  for await (const { path, modifiedAt } of records.list(prefix)) {
    const [, id, n, event] = EVENT.exec(path) ?? []
    // A name of a later version is passed over: it cannot be weighed here.
    if (id === undefined || !isEventName(event)) continue
    yield { path, sliceId: id, n: Number(n), event, modifiedAt }
  }
}

/** The body, without the message (it is long and asked for once). `undefined` when retention took it meanwhile. */
export async function readEvent(records: RunRecords, path: string): Promise<SliceEvent | undefined> {
  let known = remembered.get(records)
  if (known === undefined) remembered.set(records, (known = new Map()))
  const before = known.get(path)
  if (before !== undefined) return before
  const value = await records.read(path)
  if (value === undefined) return undefined
  const { message: _, ...event } = parseSliceEvent(value)
  if (known.size >= REMEMBERED_EVENTS) known.clear()
  known.set(path, event)
  return event
}

/**
 * Appends an event with the first free number from `from`. An event of the same name that has this very number already is taken as this one when
 * `once` is set: whoever retries after a lost answer, or ran beside, said the same.
 */
export async function appendEvent(
  records: RunRecords,
  where: { readonly run: string; readonly sliceId: string; readonly from: number; readonly once?: boolean },
  event: SliceEvent,
): Promise<void> {
  for (let n = where.from; ; n++) {
    assert(n <= EVENTS_MAX, 'a slice has fewer than a million events in a run')
    const path = `runs/${where.run}/events/${where.sliceId}.${String(n).padStart(6, '0')}.${event.event}`
    if ((await records.create(path, toRecord(event))) === 'created' || where.once === true) return
  }
}

function isEventName(text: string | undefined): text is SliceEventName {
  return (sliceEventNames as readonly (string | undefined)[]).includes(text)
}
