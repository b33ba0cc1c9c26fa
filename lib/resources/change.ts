/**
 * One planned change of one resource: what the plan saw, and what is wanted. The same shape for a restore and for its rollback, which wants what the safety snapshot
 * saw. A change without `before` creates, one without `after` deletes.
 */
import type { ElsewhereContent } from './file-making.ts'
import type { JsonObject } from './json.ts'
import type { ResourceKey } from './key.ts'
import type { ContentPart } from './resource.ts'

export interface Change {
  readonly key: ResourceKey
  /** The live resource as it must still be; absent: nothing may be there. */
  readonly before?: Seen
  /** What is wanted; absent: nothing. */
  readonly after?: Wanted
}

export interface Seen {
  readonly state: JsonObject
  readonly kept: JsonObject
}

export interface Wanted extends Seen {
  /** Each opened when it is asked for, since few are needed and each is a request. */
  readonly secrets: Readonly<Record<string, () => Promise<string>>>
  /** Bytes of a file, holes included, from the beginning; may be asked for again after a failure. */
  readonly content?: WantedContent
}

export interface WantedContent {
  readonly sizeBytes: number
  parts(): AsyncIterable<ContentPart>
  /** The same, where it is short and was fetched already: nothing needs to be waited for. */
  readonly ready?: readonly ContentPart[] | undefined
  /** The same, by other threads, which are quicker; where they cannot, `parts` is there. */
  readonly elsewhere?: ElsewhereContent | undefined
}
