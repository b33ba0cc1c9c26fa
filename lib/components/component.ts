/**
 * The port of a component: a reader of resources. It knows nothing of buckets, queues, encryption or plans, and never another component.
 *
 * Promises every component keeps (test/contract/component.ts holds them to it):
 * - a listing is paged to the end and checked against the source's own count; what cannot be checked is an error, never a shorter list;
 * - `read` yields resources in strictly ascending key order and holds a bounded number in memory;
 * - two reads of an unchanged source give the same bytes of `state`, on any server of the same kind;
 * - what is not covered is said in a note; a missing right or an unreachable source is an error, never an empty answer;
 * - nothing is ever written to the source.
 */
import type { Clock } from '../platform/clock.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { FileReading } from '../resources/file-reading.ts'
import type { JsonObject } from '../resources/json.ts'
import type { KnownEntries } from '../resources/known-entries.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Note, Resource } from '../resources/resource.ts'
import type { Slice } from '../resources/slice.ts'

export interface Component {
  readonly name: ComponentName
  /** The kinds of its keys, in the order creates must run (role before group before user). */
  readonly kinds: readonly string[]
  /** The kinds that can stand in a slice of this sort; empty: the component has nothing to say about such slices. */
  covers(slice: Slice): boolean
  /** Every connection and right, one by one, for `doctor`: never throws for a failing one. Rights of backup must be read-only. */
  doctor(): AsyncIterable<Check>
  /**
   * Every user and group this component knows of, each once, in no promised order.
   * @throws TorikiError when the source cannot be reached or the count does not agree after repeated tries.
   */
  members(context: ListContext): AsyncIterable<Member>
  /** Who the person behind a slice is, where this component can tell people with the same name apart (Keycloak's id); `undefined`: it cannot, or knows nobody. */
  identify?(slice: Slice, context: ListContext): Promise<Identity | undefined>
  /** Whose id this resource bears, as `identify` gives it: tells when a name was handed on between the two. `undefined`: nobody's. */
  identityOf?(resource: Resource): string | undefined
  /** What this source is (a file root's device and inode, a realm): compared with the last trusted snapshot's; different means `suspect`. Values are compared as canonical JSON. */
  source?(slice: Slice, context: ListContext): Promise<JsonObject>
  /** Is this key a mere container, so that a slice holding nothing else counts as empty (the home directory itself)? */
  isContainer?(key: ResourceKey): boolean
  /**
   * The slice's resources in ascending key order, beginning after `context.after` and ending with `context.until`. Nothing is yielded for a member that is not there; a note says so. But where only
   * some keys are asked for it is an error: others may have been read when it was there.
   */
  read(slice: Slice, context: ReadContext): AsyncIterable<Resource>
  /** The same in batches, of a component with very many resources: only the last of a batch has content to be read. */
  readBatches?(slice: Slice, context: ReadContext): AsyncIterable<readonly Resource[]>
  /** Of a component with very many resources, which several functions may read at once, each a range of keys. */
  readonly ranges?: {
    /** What is read, told apart from what may take its place meanwhile: compared as canonical JSON. `undefined`: nothing is there. */
    identify(slice: Slice, context: ListContext): Promise<JsonObject | undefined>
    /** Keys to cut at, where nothing is stored yet that would tell of better ones: ascending, a bounded number, cheap to list. */
    borders(slice: Slice, context: ListContext): AsyncIterable<ResourceKey>
  }
  /** Ends connections. The component is not used afterwards. */
  close(): Promise<void>
}

export interface Member {
  readonly slice: Slice
  /** For people: something to know about this member (`disabled`, `no-home`, `service`), stable words. */
  readonly flags?: readonly string[]
}

export interface Identity {
  /** The source's own lasting id. */
  readonly id: string
  readonly createdAt?: Date
}

export interface ListContext {
  readonly clock: Clock
  /** Aborted when the time is up or the service stops; the component ends its requests and throws `deadline` or `interrupted`. */
  readonly signal: AbortSignal
}

export interface ReadContext extends ListContext {
  /** Begin with the first key greater than this one (a continuation). */
  readonly after?: ResourceKey
  /** End with this key, itself included (a range). */
  readonly until?: ResourceKey
  /** What is stored already: a component that can tell cheaply that a resource did not change need not read it. Only a backup gives this. */
  readonly known?: KnownEntries
  /** Reads files on other threads; a component that can name an open directory may give them to it. A backup gives this, and a restore that looks. */
  readonly reading?: FileReading
  /** Collects what is not covered. May be called many times with the same code: the collector aggregates. */
  note(note: Note): void
}

export interface Check {
  /** `keycloak: right view-users`, `files: root readable`. */
  readonly check: string
  readonly ok: boolean
  readonly remedy?: string
}
