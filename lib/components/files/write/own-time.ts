/**
 * The time of a directory in which we write, kept over a crash: it stands meanwhile, moved by two hundred years, in the time of access, which nothing that we do in the
 * directory changes. Writing there is none of its owner's doing, and nobody else remembers when he last did. Where the file system cannot hold such a
 * time, a crash costs the directory's own time and nothing else.
 */
import { fstatSync } from 'node:fs'
import type { Directory } from '../directory.ts'
import { call } from '../system-failure.ts'
import { handleOf } from './spot.ts'
import type { WritingCalls } from './writing-calls.ts'

const MOVED_NS = 200n * 365n * 86_400n * 1_000_000_000n

export class OwnTime {
  readonly #calls: WritingCalls
  readonly #handle: number
  readonly #mtimeNs: bigint
  readonly #atimeNs: bigint
  /** A call that was cut off left it so. */
  readonly #wasMarked: boolean
  #marked = false

  constructor(calls: WritingCalls, directory: Directory) {
    this.#calls = calls
    this.#handle = handleOf(directory)
    const { atimeNs, mtimeNs } = call(() => fstatSync(this.#handle, { bigint: true }))
    this.#wasMarked = isMark(atimeNs, mtimeNs)
    this.#mtimeNs = this.#wasMarked ? atimeNs - MOVED_NS : mtimeNs
    this.#atimeNs = this.#wasMarked ? this.#mtimeNs : atimeNs
  }

  /** To be called before anything is written in the directory. */
  keep(): void {
    if (this.#marked || this.#wasMarked) return
    this.#marked = true
    this.#calls.setAccessTime(this.#handle, this.#mtimeNs + MOVED_NS, this.#mtimeNs)
  }

  /** What was written is on the disk, and the time is as it was. */
  bringBack(): void {
    if (!this.#marked && !this.#wasMarked) return
    this.#calls.setTime(this.#handle, this.#mtimeNs, this.#atimeNs)
    this.#calls.flush(this.#handle)
  }
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
