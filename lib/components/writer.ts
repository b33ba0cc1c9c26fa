/**
 * The port of a component's writing half: makes the live system agree with one planned change after the other. It is opened with restore's own credentials, which the
 * backup functions never hold, and knows nothing of buckets, plans, claims or snapshots.
 *
 * Promises every writer keeps (test/contract/component-writer.ts holds them to it):
 * - `look` and `foresee` write nothing;
 * - `apply` writes only what the change names, and only while each member of the live resource is as in `before`, or already as in `after` (a call that was cut off
 *   leaves a mixture); done twice it is the same as done once;
 * - a create shows nothing under the resource's own name before it is whole;
 * - what `foresee` says a resource will read back as is what `look` gives after `apply`, to the byte of `state`;
 * - a call that was cut off anywhere and is made again ends as if it had not been cut off;
 * - nothing is deleted by a change that does not delete; nobody is sent a mail.
 */
import type { ComponentName } from '../resources/component-name.ts'
import type { Change } from '../resources/change.ts'
import type { FileReading } from '../resources/file-reading.ts'
import type { JsonObject } from '../resources/json.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Resource } from '../resources/resource.ts'
import type { Slice } from '../resources/slice.ts'
import type { Check, ListContext } from './component.ts'
import type { Naming } from './naming.ts'

export interface ComponentWriter {
  readonly name: ComponentName
  /** Those of the component, in the order creates must run. */
  readonly kinds: readonly string[]
  /** Every connection and right that a restore needs, one by one; never throws for a failing one. */
  doctor(): AsyncIterable<Check>
  /**
   * The live resources among `keys`, in their order: `keys` ascend, and what is not there is passed over. Reads no more of the source than these need. Sees also
   * what `read` leaves out by rule (`restored-<date>/` of a home).
   */
  look(slice: Slice, keys: AsyncIterable<ResourceKey>, context: WriteContext): AsyncIterable<Resource>
  /** The same in batches, of which only the last resource has content to be read, where handing over each by itself would cost more than reading it. Absent: one by one. */
  lookBatches?(
    slice: Slice,
    keys: AsyncIterable<readonly ResourceKey[]>,
    context: WriteContext,
  ): AsyncIterable<readonly Resource[]>
  /**
   * What would come of a change here. Asked for every change of a slice before anything is written, in the order of applying; the answer may count on the changes
   * asked about before. Where nobody has to be asked, it is there at once: a home may have a million files. @throws TorikiError when the target cannot be asked.
   */
  foresee(slice: Slice, change: Change, context: WriteContext): Forecast | Promise<Forecast>
  /**
   * Makes the change, in the component's order of kinds for creates and updates, the reverse for deletes.
   * @throws TorikiError with a retry class: `now` and `later` are tried again, `never` ends the slice and rolls it back.
   */
  apply(slice: Slice, change: Change, context: WriteContext): Promise<Applied>
  /**
   * The same as `apply` of one after the other, in their order, up to the first conflict, and cheaper. What it throws says nothing of how far it came: made again it goes on.
   * Absent: one by one. The changes that follow may be begun by another call when `begun` says so; that one is then told in `shows` to wait for this one.
   */
  applyMany?(
    slice: Slice,
    changes: readonly Change[],
    context: WriteContext,
    turns?: Turns,
  ): Promise<readonly Applied[]>
  /** What was applied and completed outlasts a machine that fails from now on. Called before a step is recorded. Absent: each call waits for that itself. */
  flush?(slice: Slice, context: WriteContext): Promise<void>
  /**
   * Called in reverse order, after every change of the slice was applied, for those whose `apply` asked for it: what refers to resources made later, and what making
   * others beneath would spoil (the times of a directory). Idempotent.
   */
  complete(slice: Slice, change: Change, context: WriteContext): Promise<void>
  /** The same of many that follow each other, and cheaper. `still` is awaited before each; what it throws ends it. Absent: one by one. */
  completeMany?(
    slice: Slice,
    changes: readonly Change[],
    context: WriteContext,
    still?: () => Promise<void>,
  ): Promise<void>
  /** Where something is there, a restore that is not asked to go in place goes into a folder beside it. Absent: always in place. */
  readonly beside?: true
  /**
   * A resource as it is called where it is restored to. Pure; the key depends on the key alone. Where the component has one kind, keys keep their order. `lost`: what cannot be taken along
   * under another name. Absent: nothing of this component is called otherwise.
   */
  rename?(resource: Named, naming: Naming): Renamed
  /** Another resource without which this one cannot be made: the first name of the same file. As things are called live. Absent: there is never one. */
  standsOn?(wanted: Named): ResourceKey | undefined
  /** Clears away what a change that was cut off left beside its resource, which itself is as `after` says. Absent: nothing is ever left beside. */
  sweep?(slice: Slice, change: Change, context: WriteContext): Promise<void>
  /** People work in it while a server of theirs runs. */
  readonly worksInServers?: true
  /** What of `shared` is a group's. Absent: this component has no groups there. */
  readonly groups?: GroupPart
  /** Ends connections. The writer is not used afterwards. */
  close(): Promise<void>
}

/** Of changes that are made together. */
export interface Turns {
  /** Awaited before each write: what it throws ends it, with nothing more made. */
  readonly still?: () => Promise<void>
  /** The same before a group of writes that shows together, and before what needs one that was to show earlier. Absent: `still`. */
  readonly shows?: () => Promise<void>
  /** Told when every change is begun, and what is not made yet waits for nothing but to be shown. Not told where something ended it before. */
  readonly begun?: () => void
}

export interface Named {
  readonly key: ResourceKey
  readonly state: JsonObject
  readonly kept: JsonObject
}

export interface Renamed extends Named {
  readonly lost?: readonly LostField[]
}

/** Groups that stand in `shared`, though people ask for them by name. Pure. */
export interface GroupPart {
  /** The group's path, names from the top, of a resource that is a group; `undefined`: it is something else. */
  pathOf(key: ResourceKey): readonly string[] | undefined
  /** Keys of all that belongs to the group of that path, whether they are there or not. */
  keysOf(path: readonly string[]): readonly ResourceKey[]
}

export interface LostField {
  /** Of `state` or `kept`, dotted. */
  readonly field: string
  readonly reason: string
}

export interface WriteContext extends ListContext {
  /** Of the restore: names what is temporary, so that a second try finds what the first left. */
  readonly restore: string
  /** With a look: reads contents on other threads. Absent: everything is read on the thread at hand. */
  readonly reading?: FileReading
  /** With a question what would come of a change: the written keys of everything that the plan will ask about and that is to be there afterwards. */
  readonly planned?: ReadonlySet<string>
  /** Written keys of what the same restore makes and changes before this slice: of `shared`, to which people refer. Told with a question what would come of a change. */
  readonly made?: ReadonlySet<string>
  readonly options: WriteOptions
}

export interface WriteOptions {
  /** Write what the installer owns instead of only comparing it. */
  readonly installerOwned: boolean
  /** Grant roles that administrate. */
  readonly privileged: boolean
}

export type Forecast =
  | {
      readonly kind: 'will'
      /** As it will read back here: less than what is wanted, where this target keeps less. Absent for a delete. */
      readonly state?: JsonObject
      /** Every member of the wanted `kept` will read back as wanted: then that is verified. */
      readonly keeps: boolean
      /** Fields of `state` or `kept` that are lost here, dotted, with the reason. */
      readonly lost: readonly LostField[]
      /** What the person must do afterwards, one sentence each, without names. */
      readonly needsPerson: readonly string[]
      /** Grants a right to administrate: needs the flag. */
      readonly privileged: boolean
    }
  /** Cannot be made here (a reference is missing, a version cannot hold it): the reason, with what to do. */
  | { readonly kind: 'cannot'; readonly code: string; readonly reason: string }
  /** Is the installer's: compared, not written. */
  | { readonly kind: 'left'; readonly reason: string }

export type Applied =
  | { readonly kind: 'applied'; readonly complete: boolean }
  /** It was as wanted already: an earlier try did it, or somebody else. */
  | { readonly kind: 'already'; readonly complete: boolean }
  /** It is not what the plan saw; nothing was written. */
  | { readonly kind: 'conflict'; readonly fields: readonly string[] }
  /** What is wanted cannot be read, for what is stored of it is damaged (`restore-damaged`); nothing was written, and nothing is left beside. */
  | { readonly kind: 'damaged'; readonly complete: false }
