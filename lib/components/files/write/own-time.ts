/**
 * The time of a directory in which we write, kept over a crash: it stands meanwhile, moved by two hundred years, in the time of access, which nothing that we do in the
 * directory changes. Writing there is none of its owner's doing, and nobody else remembers when he last did. Where the file system cannot hold such a
 * time, a crash costs the directory's own time and nothing else.
 */
import { fstatSync } from 'node:fs'
import type { Directory } from '../directory.ts'
import { call } from '../system-failure.ts'
import type { Flushing } from './flushing.ts'
import { handleOf } from './spot.ts'
import type { WritingCalls } from './writing-calls.ts'

const MOVED_NS = 200n * 365n * 86_400n * 1_000_000_000n

/** What changes that are under way at once know of the directories in which they write: the last of them brings the time back. */
export class OwnTimes {
  readonly #known = new Map<string, Known>()

  of(calls: WritingCalls, directory: Directory): OwnTime {
    const handle = handleOf(directory)
    const name = `${directory.stat.device}:${directory.stat.inode}`
    let known = this.#known.get(name)
    if (known === undefined) this.#known.set(name, (known = knownOf(handle)))
    known.users++
    return new OwnTime(calls, handle, known, () => this.#known.delete(name))
  }
}

interface Known {
  readonly mtimeNs: bigint
  readonly atimeNs: bigint
  /** Also when a call that was cut off left it so. */
  isMarked: boolean
  users: number
}

export class OwnTime {
  readonly #calls: WritingCalls
  readonly #handle: number
  readonly #known: Known
  readonly #forget: () => void

  constructor(calls: WritingCalls, handle: number, known: Known, forget: () => void) {
    this.#calls = calls
    this.#handle = handle
    this.#known = known
    this.#forget = forget
  }

  /** To be called before anything is written in the directory. */
  keep(): void {
    if (this.#known.isMarked) return
    this.#known.isMarked = true
    this.#calls.setAccessTime(this.#handle, this.#known.mtimeNs + MOVED_NS, this.#known.mtimeNs)
  }

  /** Once, when nothing more is written there. The time is as it was, when nobody else writes there. */
  bringBack(flushing: Flushing): void {
    if (--this.#known.users > 0) return
    this.#forget()
    if (!this.#known.isMarked) return
    this.#calls.setTime(this.#handle, this.#known.mtimeNs, this.#known.atimeNs)
    flushing.after(this.#handle)
  }
}

function knownOf(handle: number): Known {
  const { atimeNs, mtimeNs } = call(() => fstatSync(handle, { bigint: true }))
  if (!isMark(atimeNs, mtimeNs)) return { mtimeNs, atimeNs, isMarked: false, users: 0 }
  return { mtimeNs: atimeNs - MOVED_NS, atimeNs: atimeNs - MOVED_NS, isMarked: true, users: 0 }
}

/** The directory gets this time for good. */
export function setOwnTime(calls: WritingCalls, handle: number, wantedNs: bigint): void {
  const { atimeNs, mtimeNs } = call(() => fstatSync(handle, { bigint: true }))
  calls.setTime(handle, wantedNs, isMark(atimeNs, mtimeNs) ? wantedNs : undefined)
}

/** No clock is so far ahead. */
function isMark(atimeNs: bigint, mtimeNs: bigint): boolean {
  return atimeNs > mtimeNs + MOVED_NS / 2n
}
