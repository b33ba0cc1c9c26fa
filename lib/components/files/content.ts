/**
 * The bytes and holes of one regular file, as far as it reached when it was opened: a file that grows for ever ends there, one that shrinks
 * ends earlier. Never a byte of another file: everything is read through the one handle.
 */
import { readSync } from 'node:fs'
import type { JsonObject } from '../../resources/json.ts'
import type { Content, ContentPart } from '../../resources/resource.ts'
import type { OpenFile } from './directory.ts'
import { unchanged } from './entry-stat.ts'
import type { Native } from './native.ts'
import { call, classOf } from './system-failure.ts'

/** The largest part, and the one buffer of a read. */
export const PART_BYTES_MAX = 1024 * 1024
/** Where holes are guessed: so many zeros, at such an offset. */
const GUESS_BYTES = 4096

export interface ContentContext {
  readonly native: Native | undefined
  /** Of `PART_BYTES_MAX`; used again for the next file. */
  readonly buffer: Buffer
  /** Before each read: pauses, gives others a turn, throws when the time is up. `undefined`: go on at once. */
  pause(bytes: number): Promise<void> | undefined
  /** After the last: `changed` while it was read, or `damaged` when reading ended in a failure. */
  ended(what: 'unchanged' | 'changed' | 'damaged'): void
}

export class FileContent implements Content {
  readonly #file: OpenFile
  readonly #context: ContentContext
  #readBytes = 0
  #damaged = false

  constructor(file: OpenFile, context: ContentContext) {
    this.#file = file
    this.#context = context
  }

  async *parts(): AsyncGenerator<ContentPart, void, void> {
    try {
      const isSparse = this.#file.stat.storedBytes < this.#file.stat.sizeBytes
      if (isSparse && this.#context.native !== undefined && this.#hasHoles(this.#context.native))
        yield* this.#sparse(this.#context.native)
      else if (isSparse) yield* withGuessedHoles(this.#data(0, this.#file.stat.sizeBytes))
      else yield* this.#data(0, this.#file.stat.sizeBytes)
    } catch (error) {
      const failure = classOf(error)
      if (failure === 'exhausted') throw error
      this.#damaged = true
    }
    this.#end()
  }

  settle(): JsonObject {
    const settled = this.#readBytes === this.#file.stat.sizeBytes ? {} : { size: this.#readBytes }
    return this.#damaged ? { ...settled, unreadable: true } : settled
  }

  /** A file system that does not know its holes (NFS before 4.2) says that all is data; then they are guessed. */
  #hasHoles(native: Native): boolean {
    return call(() => native.seekHole(this.#file.handle, 0)) < this.#file.stat.sizeBytes
  }

  async *#sparse(native: Native): AsyncGenerator<ContentPart, void, void> {
    const { handle, stat } = this.#file
    const sizeBytes = stat.sizeBytes
    let at = 0
    while (at < sizeBytes) {
      const data = Math.min(native.seekData(handle, at) ?? sizeBytes, sizeBytes)
      if (data > at) {
        const pause = this.#context.pause(0)
        if (pause !== undefined) await pause
        this.#readBytes = data
        yield { holeBytes: data - at }
      }
      if (data === sizeBytes) return
      const hole = Math.min(native.seekHole(handle, data), sizeBytes)
      yield* this.#data(data, hole)
      if (this.#readBytes < hole) return
      at = hole
    }
  }

  async *#data(from: number, to: number): AsyncGenerator<Buffer, void, void> {
    const { buffer } = this.#context
    let at = from
    while (at < to) {
      const wanted = Math.min(to - at, PART_BYTES_MAX)
      const pause = this.#context.pause(wanted)
      if (pause !== undefined) await pause
      const got = call(() => readSync(this.#file.handle, buffer, 0, wanted, at))
      if (got === 0) return
      at += got
      this.#readBytes = at
      yield buffer.subarray(0, got)
    }
  }

  #end(): void {
    if (this.#damaged) return this.#context.ended('damaged')
    const still = this.#readBytes === this.#file.stat.sizeBytes && unchanged(this.#file.stat, this.#file.lookAgain())
    this.#context.ended(still ? 'unchanged' : 'changed')
  }
}

const ZEROS = Buffer.alloc(GUESS_BYTES)

/** Runs of zero blocks as holes: right in content, a guess in what the disk holds. */
async function* withGuessedHoles(parts: AsyncIterable<Buffer>): AsyncGenerator<ContentPart, void, void> {
  let holeBytes = 0
  for await (const part of parts) {
    for (let from = 0; from < part.length;) {
      const zero = isZero(part, from)
      let to = from
      while (to < part.length && isZero(part, to) === zero) to = Math.min(to + GUESS_BYTES, part.length)
      if (zero) holeBytes += to - from
      else {
        if (holeBytes > 0) yield { holeBytes }
        holeBytes = 0
        yield part.subarray(from, to)
      }
      from = to
    }
  }
  if (holeBytes > 0) yield { holeBytes }
}

/** A short last piece of the file counts as data: no file system has a hole of a few bytes, and none is lost. */
function isZero(part: Buffer, from: number): boolean {
  return from + GUESS_BYTES <= part.length && ZEROS.compare(part, from, from + GUESS_BYTES) === 0
}
