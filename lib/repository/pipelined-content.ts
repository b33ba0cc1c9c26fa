/** The chunks of one file, as the stretches that several threads read of it come in, in any order. */
import { CHUNK_ID_BYTES } from './format.ts'
import type { StoredContent } from '../resources/file-reading.ts'
import type { ChunkId } from './chunk-store.ts'

export interface PipelinedChunk {
  readonly id: ChunkId
  readonly lengthBytes: number
  /** It was there before this component was read, or was met before. */
  readonly wasKnown: boolean
}

/** The chunks that a thread found in a batch of files, one behind the other. */
export interface FoundChunks {
  readonly ids: Buffer
  readonly lengths: Uint32Array
  /** 1: it was known before. */
  readonly known: Uint8Array
}

interface Stretch {
  readonly fromBytes: number
  readonly found: FoundChunks
  readonly first: number
  /** The one behind the last. */
  readonly end: number
}

export class PipelinedContent implements StoredContent {
  /** After `settle` those that follow each other from the first byte, in order. Most files have one. */
  #only: Stretch | undefined
  #more: Stretch[] | undefined
  chunkCount = 0
  storedBytes = 0

  add(fromBytes: number, found: FoundChunks, first: number, end: number): void {
    const stretch = { fromBytes, found, first, end }
    if (this.#only === undefined) this.#only = stretch
    else (this.#more ??= [this.#only]).push(stretch)
  }

  /** Nothing comes any more. What another thread read behind a stretch that ended early does not follow it, and does not count. */
  settle(): void {
    if (this.#more !== undefined) {
      const all = this.#more.toSorted((a, b) => a.fromBytes - b.fromBytes)
      let end = 0
      const count = all.findIndex((stretch) => {
        if (stretch.fromBytes !== end) return true
        end += bytesOf(stretch)
        return false
      })
      this.#more = count === -1 ? all : all.slice(0, count)
    }
    for (const stretch of this.#stretches()) {
      this.chunkCount += stretch.end - stretch.first
      this.storedBytes += bytesOf(stretch)
    }
  }

  /** Told of each chunk where its id stands, in order; no object is made for it. After `settle`. */
  each(take: (ids: Buffer, idAt: number, lengthBytes: number, wasKnown: boolean) => void): void {
    for (const { found, first, end } of this.#stretches())
      for (let at = first; at < end; at++)
        take(found.ids, at * CHUNK_ID_BYTES, found.lengths[at] as number, found.known[at] === 1)
  }

  /** In order. After `settle`. */
  *chunks(): Generator<PipelinedChunk> {
    for (const { found, first, end } of this.#stretches())
      for (let at = first; at < end; at++)
        yield {
          id: found.ids.subarray(at * CHUNK_ID_BYTES, (at + 1) * CHUNK_ID_BYTES),
          lengthBytes: found.lengths[at] as number,
          wasKnown: found.known[at] === 1,
        }
  }

  #stretches(): readonly Stretch[] {
    return this.#more ?? (this.#only === undefined ? [] : [this.#only])
  }
}

function bytesOf({ found, first, end }: Stretch): number {
  let bytes = 0
  for (let at = first; at < end; at++) bytes += found.lengths[at] as number
  return bytes
}
