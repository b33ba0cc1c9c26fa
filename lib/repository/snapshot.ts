/**
 * What a snapshot says: one slice at one time, one tree root per component, plus what is missing and why. Plain data; sealing and commit are in
 * `capture.ts`, the byte layout in docs/format.md.
 */
import type { JsonObject } from '../resources/json.ts'
import { isSafetySnapshot } from './safety-snapshot.ts'

/** `<run>.<n>`, unique inside one slice and generation. For people: `<slice>@<run>.<n>`. */
export type SnapshotId = string

export interface NoteSummary {
  readonly code: string
  readonly message: string
  readonly count: number
  readonly bytes?: number
  /** Up to 5 written keys. */
  readonly examples: readonly string[]
}

export interface ComponentRecord {
  /** Digest of the root node, hex. Equal roots: equal maps (within one generation). */
  readonly root: string
  /** All resources, containers included. */
  readonly resources: number
  /** Those of them that are mere containers (the home directory itself). */
  readonly containers: number
  /** Plaintext bytes of content (holes not counted). */
  readonly bytes: number
  readonly notes: readonly NoteSummary[]
  /** What the source was (file root, realm): compared by the next backup. */
  readonly source?: JsonObject
  /** Why it is not believed; absent when it is. An `accepted` mark overrules it. */
  readonly suspect?: string
  /** When the component was read, RFC 3339 UTC. */
  readonly readAt: string
  /** The snapshot that physically holds the inlined tree, when it is inlined: this one or an earlier one, never a chain. */
  readonly inlinedIn?: SnapshotId
}

export interface MissingComponent {
  readonly component: string
  /** An error code, or `not-selected`. */
  readonly code: string
}

export interface Snapshot {
  readonly id: SnapshotId
  readonly run: string
  readonly n: number
  /** When the capture began, RFC 3339 UTC. */
  readonly time: string
  readonly components: Readonly<Record<string, ComponentRecord>>
  readonly missing: readonly MissingComponent[]
  /** The snapshot this one was compared with. */
  readonly parent?: SnapshotId
  /** `accepted` by a person although suspect: components named there are trusted. Filled from marks when read, not stored in the snapshot. */
  readonly accepted: boolean
  /** Read while a restore was writing to the source: a mixture, to be believed only when it is accepted. Filled from marks. */
  readonly mixed: boolean
}

/** Is this component of the snapshot to be believed: there, whole, and not suspect unless accepted? */
export function isTrusted(snapshot: Snapshot, component: string): boolean {
  if (isSafetySnapshot(snapshot.id) || (snapshot.mixed && !snapshot.accepted)) return false
  const record = snapshot.components[component]
  return record !== undefined && (record.suspect === undefined || snapshot.accepted)
}
