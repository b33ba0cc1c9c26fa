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
  readonly ids: Buffer
  readonly lengths: Uint32Array
  readonly known: Uint8Array
  readonly first: number
  readonly last: number
}

export class PipelinedContent implements StoredContent {
  readonly #stretches: Stretch[] = []

  add(
    { fromBytes, toBytes }: { readonly fromBytes: number; readonly toBytes: number },
    { lengths, known }: { readonly lengths: Uint32Array; readonly known: Uint8Array },
    ids: Buffer,
    first: number,
    last: number,
  ): void {
    this.#stretches.push({ fromBytes, toBytes, ids, lengths, known, first, last })
  }

  /** In order, as far as they follow each other from the first byte. */
  *chunks(): Generator<PipelinedChunk> {
    let end = 0
    for (const stretch of this.#stretches) {
      if (stretch.fromBytes !== end) return
      for (let at = stretch.first; at < stretch.last; at++) {
        const lengthBytes = stretch.lengths[at] as number
        end += lengthBytes
        const id = stretch.ids.subarray(at * CHUNK_ID_BYTES, (at + 1) * CHUNK_ID_BYTES)
        yield { id, lengthBytes, wasKnown: stretch.known[at] === 1 }
      }
      // Ended early: what another thread read behind it does not follow.
      if (end !== stretch.toBytes) return
    }
  }

  get storedBytes(): number {
    let bytes = 0
    for (const { lengthBytes } of this.chunks()) bytes += lengthBytes
    return bytes
  }

  /** Nothing comes any more. */
  whole(): this {
    if (this.#stretches.length > 1) this.#stretches.sort((a, b) => a.fromBytes - b.fromBytes)
    return this
  }
}
