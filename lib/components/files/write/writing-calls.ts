/**
 * Every call by which this room changes a file system: one name in a directory that is held by handle, or what a handle of our own stands for. Never a path through a
 * directory that somebody owns, never through a link. A test cuts the process off before any of them.
 *
 * Names are byte strings. Every call throws `SystemFailure`, whose code is the errno alone.
 */
import {
  chmodSync,
  chownSync,
  constants,
  fchmodSync,
  fchownSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { SystemFailure, call, failureOf } from '../system-failure.ts'
import { loadNativeWrites } from './native-writes.ts'
import type { NativeWrites } from './native-writes.ts'
import { asPlainTime } from './plain-time.ts'

export interface WritingCalls {
  /** Without: no attributes, no FIFOs, and times as `asPlainTime` has them. */
  readonly isNative: boolean
  /** A new file, open for reading and writing, that nobody else may read; never one that is there. */
  makeFile(directory: number, name: string): number
  makeDirectory(directory: number, name: string): void
  makeLink(directory: number, name: string, target: Buffer): void
  makeFifo(directory: number, name: string): void
  /** A second name for what is no directory; never over one that is there. */
  addName(from: number, name: string, directory: number, second: string): void
  /** Over what is there, as `rename` does. */
  rename(directory: number, from: string, to: string): void
  /** Never over what is there (`EEXIST`). `EINVAL`, `ENOSYS`: this file system or machine cannot promise that. */
  renameToNew(directory: number, from: string, to: string): void
  remove(directory: number, name: string): void
  removeDirectory(directory: number, name: string): void
  /** All of `bytes`. */
  write(file: number, bytes: Uint8Array, at: number): void
  setLength(file: number, sizeBytes: number): void
  /** Of what the handle stands for, be it a link that was opened as itself. */
  setOwner(handle: number, uid: number, gid: number): void
  setMode(handle: number, mode: number): void
  /** Without `atimeNs` that of access is left as it is, where this can be asked for. */
  setTime(handle: number, mtimeNs: bigint, atimeNs?: bigint): void
  /** The other one, `mtimeNs`, is as it is: it moves a little where only both can be set, and not exactly. */
  setAccessTime(handle: number, atimeNs: bigint, mtimeNs: bigint): void
  setAttribute(handle: number, name: string, value: Uint8Array): void
  /** Without a word when there is none. */
  removeAttribute(handle: number, name: string): void
  /** On the disk when it returns. */
  flush(handle: number): void
  /** The same of many, side by side. */
  flushEach(handles: readonly number[]): Promise<void>
  /** The same of the whole file system that the handle lies on. Absent: that cannot be asked for. */
  readonly flushAll?: (handle: number) => void
}

const FILE_FLAGS =
  constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | (constants.O_NOFOLLOW ?? 0) | (constants.O_NOCTTY ?? 0)

/** The best that this machine has. */
export async function findWritingCalls(): Promise<WritingCalls> {
  return writingCalls(await loadNativeWrites())
}

export function writingCalls(native: NativeWrites | undefined): WritingCalls {
  return {
    isNative: native !== undefined,
    makeFile(directory, name) {
      // Half the time of the same through `/proc`, which the kernel walks for each.
      if (native !== undefined) return native.makeFile(directory, name, FILE_FLAGS, 0o600)
      return call(() => openSync(at(directory, name), FILE_FLAGS, 0o600))
    },
    makeDirectory: (directory, name) => call(() => mkdirSync(at(directory, name), 0o700)),
    makeLink: (directory, name, target) => call(() => symlinkSync(target, at(directory, name))),
    makeFifo(directory, name) {
      if (native === undefined) throw new SystemFailure('ENOSYS')
      native.makeFifo(directory, name)
    },
    addName: (from, name, directory, second) => call(() => linkSync(at(from, name), at(directory, second))),
    rename: (directory, from, to) => call(() => renameSync(at(directory, from), at(directory, to))),
    renameToNew(directory, from, to) {
      if (native === undefined) throw new SystemFailure('ENOSYS')
      native.renameToNew(directory, from, to)
    },
    remove: (directory, name) => call(() => unlinkSync(at(directory, name))),
    removeDirectory: (directory, name) => call(() => rmdirSync(at(directory, name))),
    write(file, bytes, offset) {
      for (let done = 0; done < bytes.length;)
        done += call(() => writeSync(file, bytes, done, bytes.length - done, offset + done))
    },
    setLength: (file, sizeBytes) => call(() => ftruncateSync(file, sizeBytes)),
    setOwner: (handle, uid, gid) =>
      ofHandle(
        () => fchownSync(handle, uid, gid),
        () => chownSync(itself(handle), uid, gid),
      ),
    setMode: (handle, mode) =>
      ofHandle(
        () => fchmodSync(handle, mode),
        () => chmodSync(itself(handle), mode),
      ),
    setTime(handle, mtimeNs, atimeNs) {
      if (native !== undefined) return native.setTimes(handle, mtimeNs, atimeNs)
      return setPlainTimes(handle, mtimeNs, atimeNs ?? mtimeNs)
    },
    setAccessTime(handle, atimeNs, mtimeNs) {
      if (native !== undefined) return native.setTimes(handle, undefined, atimeNs)
      return setPlainTimes(handle, mtimeNs, atimeNs)
    },
    setAttribute(handle, name, value) {
      if (native === undefined) throw new SystemFailure('ENOTSUP')
      native.setAttribute(handle, name, value)
    },
    removeAttribute: (handle, name) => native?.removeAttribute(handle, name),
    flush: (handle) => call(() => fsyncSync(handle)),
    flushEach: async (handles) => void (await Promise.all(handles.map(flushed))),
    ...(native === undefined ? {} : { flushAll: (handle: number) => native.flushAll(handle) }),
  }
}

function flushed(handle: number): Promise<void> {
  return new Promise((resolve, reject) =>
    fsync(handle, (error) => (error === null ? resolve() : reject(failureOf(error) ?? error))),
  )
}

function setPlainTimes(handle: number, mtimeNs: bigint, atimeNs: bigint): void {
  call(() => utimesSync(itself(handle), asPlainTime(atimeNs).argument, asPlainTime(mtimeNs).argument))
}

/** What is held as itself and not open is reached by its path. */
function ofHandle(open: () => void, held: () => void): void {
  try {
    open()
  } catch (error) {
    if (failureOf(error)?.code !== 'EBADF') throw failureOf(error) ?? error
    call(held)
  }
}

function at(directory: number, name: string): Buffer {
  return Buffer.from(`/proc/self/fd/${directory}/${name}`, 'latin1')
}

/** Leads to what the handle holds and no further, also when that is a link. */
function itself(handle: number): string {
  return `/proc/self/fd/${handle}`
}
