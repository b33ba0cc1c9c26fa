/**
 * The few Linux calls that Node lacks, through koffi: `openat2`, `statx`, `lseek` for holes, extended attributes, `fstatfs` (measured in
 * this room's README). Where koffi cannot load, or the processor or system is another, there are none, and `posix.ts` goes without.
 *
 * Names are byte strings: one character (0 to 255) per byte, as `latin1` has it, so that no name is ever decoded.
 */
import { closeSync, constants } from 'node:fs'
import { STATX_MASK, StatxAnswer } from './entry-stat.ts'
import type { EntryStat } from './entry-stat.ts'
import { loadKoffi } from './load-koffi.ts'
import { SystemFailure } from './system-failure.ts'
import { bindTurns } from './thread-turns.ts'
import type { ThreadTurns } from './thread-turns.ts'

export interface Native {
  /** Is `openat2` there (Linux 5.6) and not forbidden by a sandbox? */
  readonly hasOpenat2: boolean
  openat2(directory: number, name: string, flags: number, resolve: number): number
  /**
   * The same on the process's pool of threads, where many may be under way; `memory` is used until it is done. A negative handle says that it failed, and not why: whoever wants to
   * know asks again, at once.
   */
  openSoon(
    directory: number,
    name: string,
    flags: number,
    resolve: number,
    memory: CallMemory,
    done: (handle: number) => void,
  ): void
  /** Calls of this thread that are under way: of several homes together they shall be no more than koffi allows, 256. */
  readonly callsUnderWay: number
  /** As `statx` of a name; `undefined`: it failed. */
  statxSoon(handle: number, name: string, memory: CallMemory, done: (stat: EntryStat | undefined) => void): void
  /** Bytes of the list of names of extended attributes; negative: it failed, or is longer than `memory` has room for. */
  listAttributesSoon(handle: number, memory: CallMemory, done: (bytes: number) => void): void
  /** Of the entry itself, links not followed; the empty name stands for the handle. */
  statx(handle: number, name: string): EntryStat
  /** First byte of data at or after `offset`; `undefined`: only a hole follows, or the end. */
  seekData(handle: number, offset: number): number | undefined
  seekHole(handle: number, offset: number): number
  /** Names of the extended attributes, as byte strings; `undefined` where the file system has none. */
  listAttributes(target: number | string): readonly string[] | undefined
  /** `undefined` when it is gone or longer than `bytesMax`. */
  readAttribute(target: number | string, name: string, bytesMax: number): Buffer | undefined
  readonly turns: ThreadTurns
  /** `f_fsid`, in hex. */
  fileSystemId(handle: number): string
}

/** What one call in flight reads and writes. */
export class CallMemory {
  readonly name = Buffer.alloc(PATH_BYTES + 1)
  readonly how = Buffer.alloc(HOW_BYTES)
  readonly list = Buffer.alloc(ATTRIBUTE_LIST_BYTES_FIRST)
  readonly answer = new StatxAnswer()
}

export const RESOLVE_NO_XDEV = 0x01
export const RESOLVE_NO_MAGICLINKS = 0x02
export const RESOLVE_NO_SYMLINKS = 0x04
export const RESOLVE_BENEATH = 0x08

const OPENAT2 = 437
const STATX: Readonly<Record<string, number>> = { x64: 332, arm64: 291 }
const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100
const AT_NO_AUTOMOUNT = 0x800
const AT_EMPTY_PATH = 0x1000
const LOOK_FLAGS = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT
const SEEK_DATA = 3
const SEEK_HOLE = 4
/** The kernel's own bound on the list of names (`XATTR_LIST_MAX`). */
const ATTRIBUTE_LIST_BYTES = 65_536
const ATTRIBUTE_LIST_BYTES_FIRST = 256
const NO_NAMES: readonly string[] = []
/** And on one value (`XATTR_SIZE_MAX`). */
const ATTRIBUTE_VALUE_BYTES = 65_536
/** A path for one call (`PATH_MAX`). */
const PATH_BYTES = 4096
/** `struct open_how`. */
const HOW_BYTES = 24
const STATFS_BYTES = 256
const FSID_OFFSET = 56

/** @returns `undefined` where these calls cannot be had; never throws. */
export async function loadNative(): Promise<Native | undefined> {
  const statxNumber = STATX[process.arch]
  if (process.platform !== 'linux' || statxNumber === undefined) return undefined
  try {
    return bind(await loadKoffi(), statxNumber)
  } catch {
    return undefined // no binary for this system; the snapshot's notes say what that costs
  }
}

function bind(koffi: typeof import('koffi').default, statxNumber: number): Native {
  const libc = koffi.load(null)
  // `syscall` is variadic; integers and pointers travel in the same registers on both processors, so a fixed shape is the same call and quicker.
  const callStatx = libc.func('long syscall(long number, long handle, void *name, long flags, long mask, void *answer)')
  const callOpenat2 = libc.func('long syscall(long number, long handle, void *name, void *how, long size)')
  const lseek = libc.func('int64_t lseek(int handle, int64_t offset, int whence)')
  const flistxattr = libc.func('long flistxattr(int handle, void *list, size_t size)')
  const llistxattr = libc.func('long llistxattr(void *path, void *list, size_t size)')
  const fgetxattr = libc.func('long fgetxattr(int handle, void *name, void *value, size_t size)')
  const lgetxattr = libc.func('long lgetxattr(void *path, void *name, void *value, size_t size)')
  const fstatfs = libc.func('int fstatfs(int handle, void *answer)')

  const codes = new Map<number, string>()
  for (const [code, number] of Object.entries(koffi.os.errno)) {
    if (code !== 'EWOULDBLOCK' && code !== 'EOPNOTSUPP' && code !== 'EDEADLOCK') codes.set(number, code)
  }
  const failure = (): SystemFailure => new SystemFailure(codes.get(koffi.errno()) ?? 'EUNKNOWN')

  let underWay = 0
  const begun = (done: (answer: number) => void): ((error: unknown, answer: unknown) => void) => {
    underWay++
    return (error, answer) => {
      underWay--
      done(error === null || error === undefined ? Number(answer) : -1)
    }
  }

  // One thread, and every call ends before the next begins: buffers are made once.
  const text = Buffer.alloc(PATH_BYTES + 1)
  const second = Buffer.alloc(PATH_BYTES + 1)
  const answer = new StatxAnswer()
  const statfs = Buffer.alloc(STATFS_BYTES)
  const how = Buffer.alloc(HOW_BYTES)
  const list = Buffer.alloc(ATTRIBUTE_LIST_BYTES)
  const value = Buffer.alloc(ATTRIBUTE_VALUE_BYTES)
  const put = (value: string, buffer: Buffer = text): Buffer => {
    if (value.length > PATH_BYTES) throw new SystemFailure('ENAMETOOLONG')
    buffer[buffer.write(value, 0, 'latin1')] = 0
    return buffer
  }

  const openat2 = (directory: number, name: string, flags: number, resolve: number): number => {
    how.writeUInt32LE(flags, 0)
    how.writeUInt32LE(resolve, 16)
    const handle = Number(callOpenat2(OPENAT2, directory, put(name), how, how.length))
    if (handle < 0) throw failure()
    return handle
  }
  const statx = (handle: number, name: string): EntryStat => {
    const flags = LOOK_FLAGS | (name === '' ? AT_EMPTY_PATH : 0)
    if (Number(callStatx(statxNumber, handle, put(name), flags, STATX_MASK, answer.bytes)) !== 0) throw failure()
    return answer.stat()
  }
  return {
    turns: bindTurns(libc),
    get callsUnderWay() {
      return underWay
    },
    hasOpenat2: works(() => openat2Probe(openat2)),
    openat2,
    openSoon(directory, name, flags, resolve, memory, done) {
      memory.how.writeUInt32LE(flags, 0)
      memory.how.writeUInt32LE(resolve, 16)
      put(name, memory.name)
      callOpenat2.async(OPENAT2, directory, memory.name, memory.how, HOW_BYTES, begun(done))
    },
    statxSoon(handle, name, memory, done) {
      put(name, memory.name)
      const { answer: into } = memory
      callStatx.async(
        ...[statxNumber, handle, memory.name, LOOK_FLAGS, STATX_MASK, into.bytes],
        begun((failed) => done(failed === 0 ? into.stat() : undefined)),
      )
    },
    listAttributesSoon(handle, memory, done) {
      flistxattr.async(handle, memory.list, memory.list.length, begun(done))
    },
    statx,
    seekData(handle, offset) {
      const at = Number(lseek(handle, offset, SEEK_DATA))
      if (at >= 0) return at
      const failed = failure()
      if (failed.code === 'ENXIO') return undefined
      throw failed
    },
    seekHole(handle, offset) {
      const at = Number(lseek(handle, offset, SEEK_HOLE))
      if (at < 0) throw failure()
      return at
    },
    listAttributes(target) {
      // The kernel takes memory for all the room it is offered, and few entries need more than a little.
      for (let room = ATTRIBUTE_LIST_BYTES_FIRST; ; room = list.length) {
        const length = Number(
          typeof target === 'number' ? flistxattr(target, list, room) : llistxattr(put(target), list, room),
        )
        if (length >= 0) return length === 0 ? NO_NAMES : list.toString('latin1', 0, length - 1).split('\0')
        const failed = failure()
        if (failed.code === 'ERANGE' && room < list.length) continue
        if (failed.code === 'ENOTSUP') return undefined
        throw failed
      }
    },
    readAttribute(target, name, bytesMax) {
      const called = put(name, second)
      const length = Number(
        typeof target === 'number'
          ? fgetxattr(target, called, value, Math.min(bytesMax, value.length))
          : lgetxattr(put(target), called, value, Math.min(bytesMax, value.length)),
      )
      if (length >= 0) return Buffer.from(value.subarray(0, length))
      const failed = failure()
      if (failed.code === 'ENODATA' || failed.code === 'ERANGE') return undefined
      throw failed
    },
    fileSystemId(handle) {
      if (Number(fstatfs(handle, statfs)) !== 0) throw failure()
      return statfs.toString('hex', FSID_OFFSET, FSID_OFFSET + 8)
    },
  }
}

function openat2Probe(openat2: Native['openat2']): void {
  closeSync(openat2(AT_FDCWD, '.', constants.O_RDONLY | constants.O_DIRECTORY, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS))
}

function works(action: () => void): boolean {
  try {
    action()
    return true
  } catch {
    return false // ENOSYS before Linux 5.6, EPERM in some sandboxes
  }
}
