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

interface Stretch {
  readonly fromBytes: number
  readonly toBytes: number
  readonly chunks: PipelinedChunk[]
}

export class PipelinedContent implements StoredContent {
  readonly #stretches: Stretch[] = []
  /** In order, as far as they follow each other from the first byte; after `end`. */
  chunks: readonly PipelinedChunk[] = []
  storedBytes = 0

  add(
    { fromBytes, toBytes }: { readonly fromBytes: number; readonly toBytes: number },
    { lengths, known }: { readonly lengths: Uint32Array; readonly known: Uint8Array },
    ids: Buffer,
    first: number,
    last: number,
  ): void {
    const chunks: PipelinedChunk[] = []
    for (let at = first; at < last; at++) {
      const id = ids.subarray(at * CHUNK_ID_BYTES, (at + 1) * CHUNK_ID_BYTES)
      chunks.push({ id, lengthBytes: lengths[at] as number, wasKnown: known[at] === 1 })
    }
    this.#stretches.push({ fromBytes, toBytes, chunks })
  }

  /** Nothing comes any more. What another thread read behind a stretch that ended early does not follow it, and does not count. */
  end(): void {
    if (this.#stretches.length === 1) this.chunks = (this.#stretches[0] as Stretch).chunks
    else {
      const all: PipelinedChunk[] = []
      let end = 0
      for (const { fromBytes, chunks } of this.#stretches.toSorted((a, b) => a.fromBytes - b.fromBytes)) {
        if (fromBytes !== end) break
        for (const chunk of chunks) end += chunk.lengthBytes
        all.push(...chunks)
      }
      this.chunks = all
    }
    for (const { lengthBytes } of this.chunks) this.storedBytes += lengthBytes
    this.#stretches.length = 0
  }
}
