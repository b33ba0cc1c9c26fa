/**
 * The events of one slice in one run → how it stands. Pure: the same events in any order give the same answer, and an event said twice says nothing more.
 *
 * Saved beats partial beats skipped beats failed. `replayed` re-opens: failures up to it no longer count, and the slice is pending until an outcome with a
 * higher number. What was saved stays saved. Where a failure and a replay have the same number (they raced) the failure counts as the older.
 */
import type { Cause, SliceEventName, SliceOutcome } from './run.ts'
import { sliceOutcomes } from './run.ts'

/** What the fold needs of an event; the body's parts are absent where only the path was read. */
export interface FoldedEvent {
  readonly n: number
  readonly event: SliceEventName
  readonly at?: string
  readonly attempt?: number
  readonly causes?: readonly Cause[]
  readonly suspect?: readonly string[]
  readonly snapshot?: string
  readonly generation?: number
  readonly bytesRead?: number
  readonly bytesStored?: number
  readonly objectsPut?: number
  readonly part?: number
  readonly range?: RangeEvent
}

type RangeEvent = { readonly number: number; readonly hop: number; readonly whole: boolean }

export interface SliceFold {
  /** The strongest outcome so far; `undefined`: none, or only failures before a replay. */
  readonly outcome: SliceOutcome | undefined
  /** Work on it is under way or was never begun. A partial slice that is replayed is pending and partial. */
  readonly pending: boolean
  /** Newest causes: of the outcome, or of the last attempt while pending. */
  readonly causes: readonly Cause[]
  /** Deliveries the newest cause took. */
  readonly attempts: number
  /** Components whose newest stored state is not believed, and not accepted. */
  readonly suspect: readonly string[]
  /** The snapshot that speaks for the slice, as far as events name it. */
  readonly snapshot: { readonly id: string; readonly generation: number } | undefined
  readonly bytesRead: number
  readonly bytesStored: number
  readonly objectsPut: number
  /** The furthest part that a continuation was sent for since the last replay; 0: none. */
  readonly continuedTo: number
  /** Ranges that go on in another hop, since the last replay, and the part that divided. */
  readonly rangesContinued: readonly { readonly number: number; readonly hop: number; readonly part: number }[]
  /** Replays that sent a message of their own. Older runs know others: of a message sent by hand, recorded by whoever took it, with his attempt. */
  readonly replays: number
  /** When it ended, by the clock of who ended it, RFC 3339; `undefined` while pending. */
  readonly endedAt: string | undefined
  /** Highest number of any event, 0 when there is none. */
  readonly highest: number
}

export function foldSlice(events: readonly FoldedEvent[]): SliceFold {
  const ordered = [...events].sort((a, b) => a.n - b.n || rank(a.event) - rank(b.event))
  const replayedAt = numberOfLast(ordered, (event) => event === 'replayed')
  const outcomes = ordered.filter(({ event, n }) => isOutcome(event) && (event !== 'failed' || n > replayedAt))
  const outcome = sliceOutcomes.findLast((name) => outcomes.some(({ event }) => event === name))
  const endedAt = outcomes.at(-1)?.n ?? 0
  const pending = outcome === undefined || (outcome !== 'saved' && outcome !== 'skipped' && endedAt <= replayedAt)
  const stored = ordered.findLast(({ snapshot }) => snapshot !== undefined)
  const acceptedAt = numberOfLast(ordered, (event) => event === 'accepted')
  const told = pending ? ordered.filter(({ n }) => n > replayedAt) : outcomes
  const caused = told.findLast(({ causes }) => causes !== undefined && causes.length > 0)
  const blamed = pending || outcome === 'partial' || outcome === 'failed' || outcome === 'skipped'
  return {
    outcome,
    pending,
    causes: blamed ? (caused?.causes ?? []) : [],
    attempts: (caused ?? told.at(-1))?.attempt ?? 0,
    suspect: stored === undefined || stored.n <= acceptedAt ? [] : (stored.suspect ?? []),
    snapshot: stored?.snapshot === undefined ? undefined : { id: stored.snapshot, generation: stored.generation ?? 1 },
    bytesRead: sum(ordered, ({ bytesRead }) => bytesRead),
    bytesStored: sum(ordered, ({ bytesStored }) => bytesStored),
    objectsPut: sum(ordered, ({ objectsPut }) => objectsPut),
    continuedTo: Math.max(
      0,
      ...ordered.map(({ event, n, part = 0, range }) =>
        event === 'continued' && range === undefined && n > replayedAt ? part : 0,
      ),
    ),
    rangesContinued: ordered.flatMap(({ event, n, part = 0, range }) =>
      event === 'continued' && range !== undefined && !range.whole && n > replayedAt ? [{ ...range, part }] : [],
    ),
    replays: ordered.filter(({ event, attempt }) => event === 'replayed' && attempt === 0).length,
    endedAt: pending ? undefined : outcomes.at(-1)?.at,
    highest: ordered.at(-1)?.n ?? 0,
  }
}

function isOutcome(event: SliceEventName): event is SliceOutcome {
  return (sliceOutcomes as readonly string[]).includes(event)
}

/** Where two events have one number: what re-opens comes last. */
function rank(event: SliceEventName): number {
  return event === 'replayed' ? 2 : event === 'accepted' ? 1 : 0
}

function numberOfLast(ordered: readonly FoldedEvent[], is: (event: SliceEventName) => boolean): number {
  return ordered.findLast(({ event }) => is(event))?.n ?? 0
}

function sum(events: readonly FoldedEvent[], of: (event: FoldedEvent) => number | undefined): number {
  return events.reduce((total, event) => total + (of(event) ?? 0), 0)
}
