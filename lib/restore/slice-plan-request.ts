/** What is to be planned of one slice. */
import type { Naming } from '../components/naming.ts'
import type { WriteOptions } from '../components/writer.ts'
import type { SnapshotId } from '../repository/snapshot.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Slice } from '../resources/slice.ts'

export interface SlicePlanRequest {
  readonly restore: string
  /** What is restored. */
  readonly slice: Slice
  /** Where to, when that is another name. */
  readonly to?: Slice
  /** Of the history that this name has here. */
  readonly toGeneration?: number
  /** How things are called there, but for a folder beside, which the plan decides. Absent: as they were. */
  readonly naming?: Naming
  /** Of a slice whose name was another person's before: the generation; absent: the newest. */
  readonly generation?: number
  /** Absent: the newest that is to be believed, per component; of those that were made until `at`. */
  readonly snapshot?: SnapshotId
  readonly at?: Date
  /** Absent: all that can be restored. */
  readonly components?: readonly ComponentName[]
  /** Only what is at or beneath one of these keys or matches a pattern, and what it lies in where that is not there. Neither: everything. */
  readonly under?: readonly ResourceKey[]
  readonly patterns?: readonly string[]
  /** Something must be meant by these. */
  readonly mustMatch?: boolean
  /** Over what is there. Else, where something is there, beside it. */
  readonly inPlace: boolean
  /** Also while somebody may be working there. */
  readonly whileRunning?: boolean
  /** Plan to delete what is live and not in the snapshot; only in place. */
  readonly deleteExtra: boolean
  /** Written keys of what the same restore makes and changes before. */
  readonly made?: ReadonlySet<string>
  readonly options: WriteOptions
  /** For people who look at the plan. */
  readonly notes?: readonly string[]
}
