/**
 * Directories by path, for a developer's machine without `/proc/self/fd` (macOS, Windows): every answer is believed only after the whole way
 * from the root was looked at again and nothing on it was replaced. Someone quick enough to swap there and back between our looks could
 * still lead us astray, so `ground.ts` refuses this way to root: what an ordinary user reads, that user may read anyway.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  statfsSync,
} from 'node:fs'
import { sep } from 'node:path'
import type { Directory, FileSystem, OpenFile } from './directory.ts'
import { fromNodeStats, sameEntry } from './entry-stat.ts'
import type { EntryStat } from './entry-stat.ts'
import { SystemFailure, call } from './system-failure.ts'

/** Flags that a system lacks are 0 or absent there (Windows has neither links nor FIFOs to wait on). */
const FILE_FLAGS =
  constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0) | (constants.O_NOFOLLOW ?? 0)

/** Opens the folder that the settings name, following links on the way to it. */
export function openPath(path: string): Directory {
  const real = Buffer.from(
    call(() => realpathSync(path)),
    'utf8',
  ).toString('latin1')
  const stat = lookAt(real)
  if (stat.type !== 'directory') throw new SystemFailure('ENOTDIR')
  return new PathDirectory(real, stat, undefined)
}

class PathDirectory implements Directory {
  readonly stat: EntryStat
  readonly native = undefined
  readonly #path: string
  readonly #above: PathDirectory | undefined

  constructor(path: string, stat: EntryStat, above: PathDirectory | undefined) {
    this.#path = path
    this.stat = stat
    this.#above = above
  }

  names(): string[] {
    const names = call(() => readdirSync(Buffer.from(this.#path, 'latin1'), { encoding: 'latin1' })).sort()
    this.#believe()
    return names
  }

  look(name: string): EntryStat {
    const stat = lookAt(this.#at(name))
    this.#believe()
    return stat
  }

  enter(name: string, seen: EntryStat | undefined): Directory {
    const stat = this.look(name)
    if (stat.type === 'link') throw new SystemFailure('ELOOP')
    if (stat.type !== 'directory') throw new SystemFailure('ENOTDIR')
    if (seen !== undefined && !sameEntry(stat, seen)) throw new SystemFailure('REPLACED')
    return new PathDirectory(this.#at(name), stat, this)
  }

  leave(seen: EntryStat): Directory {
    if (this.#above === undefined || !sameEntry(this.#above.stat, seen)) throw new SystemFailure('REPLACED')
    return this.#above
  }

  openFile(name: string, seen: EntryStat): OpenFile {
    if (seen.type !== 'file') throw new SystemFailure('REPLACED')
    const handle = call(() => openSync(Buffer.from(this.#at(name), 'latin1'), FILE_FLAGS))
    try {
      const stat = fromNodeStats(call(() => fstatSync(handle, { bigint: true })))
      if (!sameEntry(stat, seen)) throw new SystemFailure('REPLACED')
      this.#believe()
      return new PathFile(handle, stat)
    } catch (error) {
      closeSync(handle)
      throw error
    }
  }

  readLink(name: string): Buffer {
    const target = call(() => readlinkSync(Buffer.from(this.#at(name), 'latin1'), { encoding: 'buffer' }))
    this.#believe()
    return target
  }

  attributeTarget(): string {
    return this.#path // never asked: there is no native binding here
  }

  fileSystem(): FileSystem {
    return { magic: call(() => statfsSync(Buffer.from(this.#path, 'latin1'), { bigint: true })).type }
  }

  close(): void {
    // Nothing is held.
  }

  /** Every directory on the way is still the one that was entered. */
  #believe(): void {
    if (this.#above !== undefined) this.#above.#believe()
    if (!sameEntry(lookAt(this.#path), this.stat)) throw new SystemFailure('REPLACED')
  }

  #at(name: string): string {
    return this.#path.endsWith(sep) ? this.#path + name : `${this.#path}${sep}${name}`
  }
}

class PathFile implements OpenFile {
  readonly handle: number
  readonly stat: EntryStat
  #open = true

  constructor(handle: number, stat: EntryStat) {
    this.handle = handle
    this.stat = stat
  }

  lookAgain(): EntryStat {
    return fromNodeStats(call(() => fstatSync(this.handle, { bigint: true })))
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    closeSync(this.handle)
  }
}

function lookAt(path: string): EntryStat {
  return fromNodeStats(call(() => lstatSync(Buffer.from(path, 'latin1'), { bigint: true })))
}
