/**
 * When what was written must be on the disk. A file must be there with all its bytes before it shows under its name; all else when a step of a restore is recorded. One
 * flush for each file is most of a restore's time, so where a file system can be flushed whole, many files wait for one.
 */
import { release } from 'node:os'
import type { Directory } from '../directory.ts'
import type { WritingCalls } from './writing-calls.ts'

export interface Flushing {
  /** Fulfilled when what the handle holds is on the disk. */
  before(handle: number): Promise<void>
  /** On the disk at the latest when the step ends. */
  after(handle: number): void
}

/** ext2 to ext4, XFS, Btrfs, ZFS, tmpfs, overlay: `syncfs` there waits for all, and tells of errors. Not NFS and the like: there each file is asked for. */
const FLUSHED_WHOLE = new Set([0xef53n, 0x58465342n, 0x9123683en, 0x2fc12fc1n, 0x01021994n, 0x794c7630n])

/** May a flush of the whole file system stand for those of its files? */
export function flushesWhole(directory: Directory, { flushAll }: WritingCalls): boolean {
  return flushAll !== undefined && tellsErrors(release()) && FLUSHED_WHOLE.has(directory.fileSystem().magic)
}

/** Linux 5.8 and later say in `syncfs` what could not be written. */
export function tellsErrors(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 5 || (major === 5 && minor >= 8)
}

/** `whole`: what only must be there at the end is left to the flush of the step. `before`: absent, each at once. */
export function flushingBy(calls: WritingCalls, whole: boolean, before?: Flushing['before']): Flushing {
  return {
    before: before ?? (async (handle) => calls.flush(handle)),
    after(handle) {
      if (!whole) calls.flush(handle)
    },
  }
}
