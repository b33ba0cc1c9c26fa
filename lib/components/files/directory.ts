/**
 * A directory in somebody's home, held so that nothing its owner does can lead us elsewhere.
 *
 * Names are byte strings (`latin1`, one character per byte). Every method throws `SystemFailure`, whose code is the errno alone.
 */
import type { EntryStat } from './entry-stat.ts'
import type { Native } from './native.ts'

export interface Directory {
  /** As it was when it was opened. */
  readonly stat: EntryStat
  /** Every name but `.` and `..`, ascending by bytes. One string per entry is held. */
  names(): string[]
  /** Of the entry itself: a link is not followed, a mount is not triggered. */
  look(name: string): EntryStat
  /**
   * Opens a directory beneath this one: never through a link. With `seen` it must be that very directory (else `REPLACED`).
   * `crossing` allows another file system to be mounted there (a home may be a volume of its own).
   */
  enter(name: string, seen: EntryStat | undefined, crossing?: boolean): Directory
  /** The directory above, which must be `seen`: how a walk comes back up when it let go of a handle. */
  leave(seen: EntryStat): Directory
  /** Opens a regular file for reading, which must be `seen`, known to be one: nothing else is ever opened. Never waits, never becomes a terminal. */
  openFile(name: string, seen: EntryStat): OpenFile
  /** The bytes of a link's target. */
  readLink(name: string): Buffer
  /** What Node lacks, where it can be had. */
  readonly native: Native | undefined
  /** Before an entry is looked at: something to wait for, where answers are fetched ahead. Entries come in the order of `names`. */
  soon?(name: string): Promise<void> | undefined
  /** It is known already to have no extended attributes. */
  readonly isWithoutAttributes?: boolean
  /** What to ask the extended attributes of: this directory, or an entry of it that cannot be opened (FIFO, socket, device). */
  attributeTarget(name?: string): number | string
  /** Keeps it open beyond `close`, until it is released; `undefined` where there is no handle. */
  hold?(): HeldDirectory
  /** Kind of file system (`statfs` magic number), and its own lasting id where it has one. */
  fileSystem(): FileSystem
  close(): void
}

export interface HeldDirectory {
  readonly handle: number
  /** Idempotent. */
  release(): void
}

export interface OpenFile {
  /** Of what is open, not of what the name stands for by now. */
  readonly handle: number
  readonly stat: EntryStat
  /** Looks again: what changed while it was read? */
  lookAgain(): EntryStat
  /** Idempotent. */
  close(): void
}

export interface FileSystem {
  readonly magic: bigint
  readonly id?: string
}
