/** What somebody asks to be restored, in his words; `askedSlices` says which slices that means, and refuses what makes no sense before anything is written. */
import type { ComponentName } from '../resources/component-name.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { SliceName } from '../resources/slice.ts'
import type { SnapshotId } from '../repository/snapshot.ts'
import type { Mapping } from './mapping.ts'

export interface RestoreWish {
  /** Each known to the repository, or the wish is refused. */
  readonly slices?: readonly SliceName[]
  /**
   * `lab` or `/users/lab`: the shared directory, and out of `shared` the group of that path with its role bindings. Who is in it is each person's own: it comes back with the person. With
   * paths it is the directory alone.
   */
  readonly groups?: readonly string[]
  /** All who are stored at the newest full run that is to be believed, or at that of `until`. */
  readonly everybody?: boolean
  /** Of one slice. Absent: the newest that is to be believed, of those that were made until `until`. */
  readonly snapshot?: SnapshotId
  readonly until?: Date
  readonly components?: readonly ComponentName[]
  /** As people write them: keys, and gitignore-like patterns on written keys. */
  readonly paths?: readonly string[]
  readonly under?: readonly ResourceKey[]
  /** Not beside what is there, but over it. */
  readonly inPlace?: boolean
  /** In place also while a server of the person runs. */
  readonly whileRunning?: boolean
  readonly deleteExtra?: boolean
  readonly installerOwned?: boolean
  readonly privileged?: boolean
  /** The one user that is asked for, under this name. */
  readonly as?: string
  readonly mapping?: Mapping
}
