/**
 * A run: one backup of a deployment. Plain data, and where its records lie (docs/format.md, "runs/"). Records are sealed; key names hold slice
 * ids, never slice names.
 *
 * ```
 * runs/<run>/slices/<nonce>.<part>            the slices, 1,000 a part, written before the run object that names the nonce
 * runs/<run>/run                              the run exists when this does
 * runs/<run>/ticks/<n>                        claims of settle ticks
 * runs/<run>/events/<slice id>.<nnnnnn>.<event>   what happened to a slice: append-only, the event's name is in the key
 * runs/<run>/claims/<slice id>.<part>.<n>.<attempt>   one delivery uploads a large slice; n: the highest event before it
 * runs/<run>/cancelled                        somebody cancelled it
 * runs/<run>/accepted                         its suspect listings of members are the truth after all
 * runs/<run>/summaries/<nnnnnn>               the fold at a time; the highest n speaks
 * runs/<run>/alarms/<what>                    this was told to a person
 * runs/<run>/expired                          its time is over: all of it is being deleted, `run` first, this last
 * runs/triggers/<digest>                      the time that all deliveries of one invocation mean
 * runs/unreadable/<digest>                    a message nobody could read, from the dead-letter queue
 * ```
 *
 * In the paths of events a slice id is that of generation 1, whatever generation the snapshot went into: a run knows a slice by one id.
 */
import type { ComponentName } from '../resources/component-name.ts'
import type { JsonObject } from '../resources/json.ts'
import type { SliceName } from '../resources/slice.ts'

export interface RunRecord {
  readonly run: string
  readonly policy: 'full' | 'narrowed'
  /** The time the schedule meant, or when it was asked for. RFC 3339 UTC. */
  readonly intendedAt: string
  readonly startedAt: string
  /** Configured components that were asked for, in order. */
  readonly components: readonly ComponentName[]
  /** Absent: everything. */
  readonly selection?: Selection
  readonly slicesNonce: string
  readonly slicesTotal: number
  /** Of the list of slices: equal digests, equal lists. */
  readonly slicesDigest: string
  /** Per component: what listing its members gave. */
  readonly sources: Readonly<Record<string, SourceRecord>>
  readonly attemptsMax: number
  readonly visibilityMs: number
}

/** What a narrowed run was asked for. No users, groups and `shared`: every slice that the components know. */
export interface Selection {
  readonly users?: readonly string[]
  readonly groups?: readonly string[]
  readonly shared?: boolean
  readonly components?: readonly ComponentName[]
}

export interface SourceRecord {
  /** Members listed, or those of the last run that saw them. */
  readonly members: number
  /** The listing failed with this code: members of an earlier run stand in. */
  readonly unreachable?: string
  /** The membership fell too far: the component is suspect in every slice of this run. */
  readonly suspect?: string
}

export interface RunSlice {
  readonly slice: SliceName
  readonly sliceId: string
  /** Which components know this member. */
  readonly known: readonly ComponentName[]
  readonly flags: readonly string[]
}

/** Event names, weakest first: the fold of a slice takes the strongest. `failed` means that the queue gave it up or a person must act. */
export const sliceOutcomes = ['failed', 'skipped', 'partial', 'saved'] as const
export type SliceOutcome = (typeof sliceOutcomes)[number]
/**
 * `attempt` records a cause before the message is given back; `continued` that the work goes on in another message; `replayed` re-opens a failed slice;
 * `accepted` that a person believes its suspect snapshot.
 */
export const sliceEventNames = [...sliceOutcomes, 'attempt', 'continued', 'replayed', 'accepted'] as const
export type SliceEventName = (typeof sliceEventNames)[number]

/** Why a slice, or a component of it, is not saved: slice, component, stable cause code, remedy in plain words. */
export interface Cause {
  readonly component?: ComponentName
  readonly code: string
  readonly message: string
  readonly remedy: string
}

export interface SliceEvent {
  readonly slice: SliceName
  readonly event: SliceEventName
  readonly at: string
  readonly attempt: number
  readonly snapshot?: string
  readonly causes?: readonly Cause[]
  readonly suspect?: readonly string[]
  readonly bytesRead?: number
  readonly bytesStored?: number
  readonly objectsPut?: number
  /** The message as it was received, for replay from the record. */
  readonly message?: string
  readonly generation?: number
  /** Of `continued`: the part that goes on. */
  readonly part?: number
  /** Of `continued`: it says this of one range alone, which part `part` divided; the hop that goes on, or that it was read to its end. */
  readonly range?: { readonly number: number; readonly hop: number; readonly whole: boolean }
}

/** What the runs room needs of a store of sealed records; the repository's `records` has this shape. */
export interface RunRecords {
  create(path: string, value: JsonObject): Promise<'created' | 'exists'>
  read(path: string): Promise<JsonObject | undefined>
  list(
    prefix: string,
    /** `pageMax`: so many are asked for at a time, for whoever wants the first one only. */
    options?: { readonly after?: string; readonly pageMax?: number },
  ): AsyncIterable<{ readonly path: string; readonly modifiedAt: Date }>
}
