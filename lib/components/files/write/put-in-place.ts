/**
 * Puts what was made under a temporary name in its place, and takes away what stood there, so that nothing is lost which was not looked at: what is replaced is moved
 * aside first, and is that not what was looked at, it comes back. Cut off anywhere, `recover` sets things right again.
 */
import { hash } from 'node:crypto'
import type { Directory } from '../directory.ts'
import { sameEntry } from '../entry-stat.ts'
import type { EntryStat } from '../entry-stat.ts'
import { look } from '../root.ts'
import { SystemFailure, failureOf } from '../system-failure.ts'
import { isUntouched } from './members.ts'
import type { OwnTime } from './own-time.ts'
import { handleOf } from './spot.ts'
import type { WritingCalls } from './writing-calls.ts'

export interface Names {
  readonly name: string
  /** Ours, being made. */
  readonly fresh: string
  /** Somebody's, on its way out. */
  readonly aside: string
}

/** Told by the restore and the name, so that a second try, or the way back, finds what the first left. */
export function namesFor(restore: string, name: string): Names {
  const stem = stemOf(restore, name)
  return { name, fresh: `.toriki-${stem}.new`, aside: `.toriki-${stem}.old` }
}

/** That of the one being made alone. */
export function freshName(restore: string, name: string): string {
  return `.toriki-${stemOf(restore, name)}.new`
}

function stemOf(restore: string, name: string): string {
  const digest = hash('sha256', digested(restore, name)).slice(0, 24)
  return /^[A-Za-z0-9-]{1,64}$/.test(restore) ? `${restore}-${digest}` : digest
}

/** Nearly every name is the same in all encodings, and then no bytes of it need to be made. */
function digested(restore: string, name: string): string | Buffer {
  const both = `${restore}\0${name}`
  if (isPlain(both)) return both
  return Buffer.concat([Buffer.from(`${restore}\0`), Buffer.from(name, 'latin1')])
}

function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 127) return false
  return true
}

export class Replacing {
  readonly names: Names
  readonly #calls: WritingCalls
  readonly #parent: Directory
  readonly #handle: number
  readonly #time: OwnTime

  constructor(calls: WritingCalls, parent: Directory, names: Names, time: OwnTime) {
    this.#time = time
    this.#calls = calls
    this.#parent = parent
    this.#handle = handleOf(parent)
    this.names = names
  }

  /**
   * What a call that was cut off left is cleared away, or comes back. `isKnown`: is what lies under that name one of the two sides of the change, and so kept elsewhere?
   * @returns false when somebody's work lies in the way, which is then left where it is.
   */
  recover(isKnown: (name: string) => boolean): boolean {
    const { name, fresh, aside } = this.names
    if (look(this.#parent, fresh) !== undefined) this.discard(fresh)
    const old = look(this.#parent, aside)
    if (old === undefined) return true
    const live = look(this.#parent, name)
    if (live === undefined) {
      this.moveToNew(aside, name)
      return true
    }
    if (isKnown(aside)) {
      this.discard(aside)
      return true
    }
    // Written to after it was looked at, and before it could come back: that is newer than what we put there.
    if (isKnown(name)) this.replace(live, aside, fresh)
    return false
  }

  /** @returns false when somebody was quicker: then his stays, and `fresh` is gone. */
  create(): boolean {
    try {
      this.moveToNew(this.names.fresh, this.names.name)
      return true
    } catch (error) {
      this.discard(this.names.fresh)
      if (failureOf(error)?.code === 'EEXIST') return false
      throw error
    }
  }

  /**
   * `from` takes the place of what was looked at as `seen`, which lies under `aside` meanwhile and is then removed.
   * @returns false when it was not that any more, or did not stay it: then what is there stays or comes back.
   */
  replace(seen: EntryStat, from = this.names.fresh, aside = this.names.aside): boolean {
    if (!this.#moveAside(seen, aside)) {
      this.discard(from)
      return false
    }
    const { name } = this.names
    try {
      this.moveToNew(from, name)
    } catch (error) {
      if (failureOf(error)?.code !== 'EEXIST') {
        this.moveToNew(aside, name)
        this.discard(from)
        throw error
      }
      // Somebody put another there: it stays. What lay aside is the one that was looked at, and is kept by the restore.
      this.discard(aside)
      this.discard(from)
      return false
    }
    const placed = this.#parent.look(name)
    if (this.#isStill(seen, aside)) {
      this.discard(aside)
      return true
    }
    // Who held it open wrote to it: it comes back.
    if (this.#moveAside(placed, from)) {
      this.moveToNew(aside, name)
      this.discard(from)
    }
    return false
  }

  /** @returns false when it was not, or did not stay, what was looked at as `seen`; or is a directory with something in it. Then it is there. */
  remove(seen: EntryStat): boolean {
    const { name, aside } = this.names
    if (seen.type === 'directory') return this.#removeDirectory(name)
    if (!this.#moveAside(seen, aside)) return false
    this.discard(aside)
    return true
  }

  /** @throws SystemFailure `EEXIST` when something is there. */
  moveToNew(from: string, to: string): void {
    this.#time.keep()
    try {
      return this.#calls.renameToNew(this.#handle, from, to)
    } catch (error) {
      // File servers cannot promise it by renaming, but by a second name.
      if (!CANNOT.has(failureOf(error)?.code ?? '')) throw error
    }
    const stat = this.#parent.look(from)
    if (stat.type === 'directory') return this.#moveDirectory(from, to)
    try {
      this.#calls.addName(this.#handle, from, this.#handle, to)
    } catch (error) {
      // A file server that answered twice says so of its own success.
      const there = look(this.#parent, to)
      if (failureOf(error)?.code !== 'EEXIST' || there === undefined || !sameEntry(there, stat)) throw error
    }
    this.#calls.remove(this.#handle, from)
  }

  /** Takes away what is ours or kept elsewhere. A directory only when it is empty. */
  discard(name: string): void {
    const stat = look(this.#parent, name)
    if (stat === undefined) return
    this.#time.keep()
    if (stat.type === 'directory') this.#calls.removeDirectory(this.#handle, name)
    else this.#calls.remove(this.#handle, name)
  }

  #moveAside(seen: EntryStat, aside: string): boolean {
    const { name } = this.names
    if (!this.#isStill(seen, name)) return false
    this.#time.keep()
    this.#calls.rename(this.#handle, name, aside)
    if (this.#isStill(seen, aside)) return true
    this.moveToNew(aside, name)
    return false
  }

  #isStill(seen: EntryStat, name: string): boolean {
    const stat = look(this.#parent, name)
    if (stat === undefined || !isUntouched(seen, stat)) return false
    if (stat.type !== 'directory') return true
    const directory = this.#parent.enter(name, stat)
    try {
      return directory.names().length === 0
    } finally {
      directory.close()
    }
  }

  /** Where a rename that overwrites nothing cannot be had: over an empty directory there is nothing to lose, and over anything else it fails. */
  #moveDirectory(from: string, to: string): void {
    if (look(this.#parent, to) !== undefined) throw new SystemFailure('EEXIST')
    try {
      this.#calls.rename(this.#handle, from, to)
    } catch (error) {
      if (OCCUPIED.has(failureOf(error)?.code ?? '')) throw new SystemFailure('EEXIST')
      throw error
    }
  }

  #removeDirectory(name: string): boolean {
    this.#time.keep()
    try {
      this.#calls.removeDirectory(this.#handle, name)
      return true
    } catch (error) {
      if (OCCUPIED.has(failureOf(error)?.code ?? '')) return false
      throw error
    }
  }
}

const CANNOT = new Set(['EINVAL', 'ENOSYS', 'ENOTSUP'])
const OCCUPIED = new Set(['ENOTEMPTY', 'EEXIST', 'ENOTDIR'])
