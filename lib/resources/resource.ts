/**
 * A resource: one thing of one component in one slice, as a component reads it and as a snapshot gives it back.
 *
 * `state` is compared; `kept` is stored and restored where the target can, and compared only there (ids, creation dates). Neither holds
 * generated fields, and both refer to other resources by natural key. Secret values never stand in `state` or `kept`: they go into
 * `secrets`, are stored as sealed content, and the body holds only their keyed digest.
 */
import type { JsonObject } from './json.ts'
import type { StoredContent } from './file-reading.ts'
import type { ResourceKey } from './key.ts'

export interface Resource {
  readonly key: ResourceKey
  readonly state: JsonObject
  readonly kept?: JsonObject
  /** Secret values by name (`password`, `clientSecret`, …): text, sealed as content. */
  readonly secrets?: Readonly<Record<string, string>>
  /** The bytes of a file. Read once, after the resource is yielded and before the next one is asked for. */
  readonly content?: Content
  /** Instead of `content`: it is stored already, by the reading that the component was given. */
  readonly stored?: StoredContent
  /** It is as it is stored: `known.matches` said so for its key. `state` is empty then, and everything else absent. */
  readonly unchanged?: true
  /** By what it may be told next time that nothing changed; asked once, after the content was read, and good until another one is asked. `undefined`: by nothing, it is read again. */
  hint?(): Uint8Array | undefined
}

export interface Content {
  /** Contiguous from offset 0. A part's buffer belongs to the reader until the next part is asked for. */
  parts(): AsyncIterable<ContentPart>
  /** Asked once, after `parts` ended: members of `state` that only reading could settle (a size that moved meanwhile). They replace those of `state`. */
  settle?(): JsonObject
}

/** Bytes, or so many bytes of nothing (a hole of a sparse file), at most 2^53 − 1. */
export type ContentPart = Uint8Array | { readonly holeBytes: number }

/**
 * What could not be read or was left out, and why: part of a component's record in the snapshot (standing promise 6).
 * The same code on many keys is one note with a count, a few example keys and the sum of bytes.
 */
export interface Note {
  /** Stable: `left-out`, `changed-while-reading`, `vanished`, `unreadable`, `special-file`, `no-home`, `credentials-not-covered`, … */
  readonly code: string
  /** One sentence for people. No names of people, no secrets. */
  readonly message: string
  readonly key?: ResourceKey
  readonly bytes?: number
}
