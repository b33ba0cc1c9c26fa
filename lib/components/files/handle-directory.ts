/**
 * Directories by handle: the only way on Linux. `openat2` beneath the handle where the kernel has it, else one segment at a time through
 * `/proc/self/fd/N/name` with `O_NOFOLLOW`. Only single names are ever passed, never a path through a directory that a user owns.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readlinkSync, statfsSync } from 'node:fs'
import type { Directory, FileSystem, HeldDirectory, OpenFile } from './directory.ts'
import { fromNodeStats, sameEntry } from './entry-stat.ts'
import type { EntryStat } from './entry-stat.ts'
import { RESOLVE_BENEATH, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV } from './native.ts'
import type { Native } from './native.ts'
import { SystemFailure, call } from './system-failure.ts'

/** Which calls are used: both by default; a test, or a kernel, may lack either. */
export interface HandleCalls {
  readonly native: Native | undefined
}

const O_CLOEXEC = 0o2000000
export const DIRECTORY_FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NONBLOCK | O_CLOEXEC
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY | O_CLOEXEC
/** How `openat2` is asked for one entry of a directory, and for a file to be read. */
export const FILE_FLAGS = READ_FLAGS | constants.O_NOFOLLOW
export const ENTRY_RESOLVE = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV
/** File systems whose `f_fsid` is made from a lasting id, so that it survives reboots: ext2 to ext4, Btrfs, ZFS, Ceph. */
const LASTING_ID = new Set([0xef53n, 0x9123683en, 0x2fc12fc1n, 0x00c36400n])

/** Opens the folder that the settings name. Links on the way to it are the admin's own and are followed. */
export function openHandle(path: string, calls: HandleCalls): Directory {
  const handle = call(() => openSync(path, DIRECTORY_FLAGS))
  return new HandleDirectory(handle, calls)
}

export class HandleDirectory implements Directory {
  readonly stat: EntryStat
  readonly native: Native | undefined
  readonly handle: number
  readonly #calls: HandleCalls
  readonly #path: string
  /** The opener's, and everybody's who asked for it to be kept. */
  #holders = 1
  #open = true

  /** Takes over the handle. */
  constructor(handle: number, calls: HandleCalls) {
    this.handle = handle
    this.#calls = calls
    this.#path = `/proc/self/fd/${handle}`
    this.native = calls.native
    try {
      this.stat = look(calls, handle)
    } catch (error) {
      closeSync(handle)
      throw error
    }
  }

  names(): string[] {
    // As a path, not the handle: Node has no `fdopendir`. The link leads to what the handle holds, wherever that was moved.
    return call(() => readdirSync(this.#path, { encoding: 'latin1' })).sort()
  }

  look(name: string): EntryStat {
    if (this.#calls.native !== undefined) return this.#calls.native.statx(this.handle, name)
    return fromNodeStats(call(() => lstatSync(this.#at(name), { bigint: true })))
  }

  enter(name: string, seen: EntryStat | undefined, crossing = false): HandleDirectory {
    return this.#enter(name, seen, crossing, RESOLVE_BENEATH)
  }

  leave(seen: EntryStat): HandleDirectory {
    return this.#enter('..', seen, false, 0)
  }

  openFile(name: string, seen: EntryStat): OpenFile {
    if (seen.type !== 'file') throw new SystemFailure('REPLACED')
    const handle = openForReading(this.#calls.native, this.handle, name)
    try {
      const stat = look(this.#calls, handle)
      if (!sameEntry(stat, seen)) throw new SystemFailure('REPLACED')
      return new HandleFile(handle, stat, this.#calls)
    } catch (error) {
      closeSync(handle)
      throw error
    }
  }

  readLink(name: string): Buffer {
    return call(() => readlinkSync(this.#at(name), { encoding: 'buffer' }))
  }

  attributeTarget(name?: string): number | string {
    return name === undefined ? this.handle : `${this.#path}/${name}`
  }

  fileSystem(): FileSystem {
    const magic = call(() => statfsSync(this.#path, { bigint: true })).type
    if (this.#calls.native === undefined || !LASTING_ID.has(magic)) return { magic }
    return { magic, id: this.#calls.native.fileSystemId(this.handle) }
  }

  hold(): HeldDirectory {
    this.#holders++
    return new Hold(this.handle, this.#letGo)
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#letGo()
  }

  readonly #letGo = (): void => {
    if (--this.#holders === 0) closeSync(this.handle)
  }

  #enter(name: string, seen: EntryStat | undefined, crossing: boolean, beneath: number): HandleDirectory {
    const inside = new HandleDirectory(this.#openAt(name, DIRECTORY_FLAGS, crossing, beneath), this.#calls)
    if (seen === undefined || sameEntry(inside.stat, seen)) return inside
    inside.close()
    throw new SystemFailure('REPLACED')
  }

  #openAt(name: string, flags: number, crossing: boolean, beneath: number): number {
    return openAt(this.#calls.native, this.handle, name, flags, crossing, beneath)
  }

  #at(name: string): string | Buffer {
    return pathAt(this.handle, name)
  }
}

/** One for each who asked: there are as many as files under way. */
class Hold implements HeldDirectory {
  readonly handle: number
  #letGo: (() => void) | undefined

  constructor(handle: number, letGo: () => void) {
    this.handle = handle
    this.#letGo = letGo
  }

  release(): void {
    const letGo = this.#letGo
    this.#letGo = undefined
    letGo?.()
  }
}

/** Opens what is called so in the directory of this handle, for reading, without a trace where that may be asked for. It may be anything but a link. @throws SystemFailure. */
export function openForReading(native: Native | undefined, directory: number, name: string): number {
  // Reading must not leave a trace (a new access time) where we may ask for that: the file's owner and root may.
  try {
    return openAt(native, directory, name, READ_FLAGS | constants.O_NOATIME, false, RESOLVE_BENEATH)
  } catch (error) {
    if (error instanceof SystemFailure && error.code === 'EPERM')
      return openAt(native, directory, name, READ_FLAGS, false, RESOLVE_BENEATH)
    throw error
  }
}

function openAt(
  native: Native | undefined,
  directory: number,
  name: string,
  flags: number,
  crossing: boolean,
  beneath: number,
): number {
  if (native?.hasOpenat2 === true) {
    const resolve = beneath | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | (crossing ? 0 : RESOLVE_NO_XDEV)
    return native.openat2(directory, name, flags | constants.O_NOFOLLOW, resolve)
  }
  return call(() => openSync(pathAt(directory, name), flags | constants.O_NOFOLLOW))
}

function pathAt(directory: number, name: string): string | Buffer {
  const path = `/proc/self/fd/${directory}/${name}`
  return ASCII.test(path) ? path : Buffer.from(path, 'latin1')
}

class HandleFile implements OpenFile {
  readonly handle: number
  readonly stat: EntryStat
  readonly #calls: HandleCalls
  #open = true

  constructor(handle: number, stat: EntryStat, calls: HandleCalls) {
    this.handle = handle
    this.stat = stat
    this.#calls = calls
  }

  lookAgain(): EntryStat {
    return look(this.#calls, this.handle)
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    closeSync(this.handle)
  }
}

// oxlint-disable-next-line no-control-regex -- every byte below 0x80
const ASCII = /^[\u0001-\u007f]*$/

function look(calls: HandleCalls, handle: number): EntryStat {
  if (calls.native !== undefined) return calls.native.statx(handle, '')
  return fromNodeStats(call(() => fstatSync(handle, { bigint: true })))
}
