/** What keeping one slice's objects in order is asked, and answers: plain data. */
import type { ChoiceLimits } from './compact-choice.ts'
import type { SnapshotId } from './snapshot.ts'

export interface PruneOptions {
  /** May this run still go on from its checkpoints? Asked once per run that has any. */
  readonly isRunOpen: (run: string) => Promise<boolean>
  /** When is a pack of which little is alive worth packing anew? Absent: it is not asked. */
  readonly worthCompacting?: ChoiceLimits
  /** Without it nothing is written, condemned or deleted. */
  readonly apply: boolean
  readonly signal: AbortSignal
}

export interface PruneReport {
  /** Gone now, or with `apply` away: would go. */
  readonly deleted: PruneCounts
  /** Will go after the grace time, unless something names them until then. */
  readonly condemned: PruneCounts
  /** Condemned earlier, and the grace time is not over. */
  readonly waiting: PruneCounts
  /** Condemned earlier and named since: they stay. */
  readonly rescued: number
  /** What stays, packs only: plaintext bytes that are needed, and bytes that the packs have in the store. */
  readonly kept: {
    readonly packs: number
    readonly neededBytes: number
    readonly storedBytes: number
    /** Those of them that `compact` would pack anew. */
    readonly repackable: number
  }
}

export interface PruneCounts {
  readonly packs: number
  readonly snapshots: number
  readonly checkpoints: number
  readonly indexes: number
  /** In the store. */
  readonly bytes: number
}

export interface CompactOptions extends ChoiceLimits {
  readonly isRunOpen: PruneOptions['isRunOpen']
  /** Without it nothing is written. */
  readonly apply: boolean
  readonly signal: AbortSignal
}

export interface CompactReport {
  /** Packs whose living chunks stand in new ones now, or without `apply` would: prune takes them. */
  readonly repacked: CompactCounts
  /** Packs that time did not suffice for: whoever comes again goes on. */
  readonly left: CompactCounts
  readonly written: { readonly packs: number; readonly bytes: number }
  /** Living chunks that do not open: they stay where they are, and so do their packs. */
  readonly damage: readonly SliceDamage[]
}

export interface CompactCounts {
  readonly packs: number
  /** In the store. */
  readonly storedBytes: number
  /** Plaintext of what nothing needs. */
  readonly deadBytes: number
}

export interface CheckOptions {
  /** Which packs are read and opened whole. Absent: none; only what structure needs is read. */
  readonly readData?: ((packId: string) => boolean) | undefined
  /** Snapshots that somebody says there are: told when they are gone and were not forgotten. */
  readonly promised?: readonly SnapshotId[] | undefined
  readonly signal: AbortSignal
  /** Bytes of packs read, now and then. */
  readonly onBytes?: ((bytes: number) => void) | undefined
}

export interface CheckReport {
  readonly objects: number
  /** Of packs that were read whole. */
  readonly bytes: number
  readonly damage: readonly SliceDamage[]
  /** Findings beyond those in `damage`, where there are very many. */
  readonly more: number
}

export interface SliceDamage {
  readonly snapshot?: SnapshotId
  readonly component?: string
  /** Written; of what cannot be restored whole. */
  readonly key?: string
  /** One sentence for people. */
  readonly what: string
}

export interface RebuiltIndex {
  /** Index objects that did not open, and are gone now. */
  readonly removed: number
  /** Packs that are named again. */
  readonly packs: number
  /** Packs whose table does not open either: they are named by nothing, and prune will take them. */
  readonly lost: number
}
