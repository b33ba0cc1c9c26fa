/** One slice's contents on one thread: bytes in, chunk ids out, packs handed over as they fill. What any thread of the slice has stored is stored nowhere again. */
import { systemRandom } from '../platform/random.ts'
import { Chunker, gearTable } from './chunker.ts'
import { ChunkTable } from './chunk-table.ts'
import { CHUNK_BYTES_MIN, CHUNK_ID_BYTES } from './format.ts'
import { chunkId } from './keys.ts'
import { PackWriter } from './pack-writer.ts'
import type { ByteSink, FileOutcome, FileStretch, ReadFileStretch } from '../resources/file-reading.ts'
import type { SliceKeys } from './chunk-store.ts'
import type { FinishedPack } from './pack-writer.ts'
import type { EncodedAnswers } from './pipeline-messages.ts'

export class ChunkSession {
  readonly #sliceId: string
  readonly #keys: SliceKeys
  readonly #chunker: Chunker
  readonly #full: (pack: FinishedPack) => void
  #table: ChunkTable
  #writer: PackWriter | undefined
  readonly #found = new Found()

  constructor(options: {
    readonly sliceId: string
    readonly keys: Omit<SliceKeys, 'contentPrivateKey'>
    readonly table: SharedArrayBuffer
    readonly onPack: (pack: FinishedPack) => void
  }) {
    this.#sliceId = options.sliceId
    this.#keys = { ...options.keys, gearKey: Buffer.from(options.keys.gearKey), contentPrivateKey: undefined }
    this.#chunker = new Chunker(gearTable(this.#keys.gearKey))
    this.#full = options.onPack
    this.#table = new ChunkTable(options.table)
  }

  useTable(shared: SharedArrayBuffer): void {
    this.#table = new ChunkTable(shared)
  }

  read(stretches: Iterable<FileStretch>, readStretch: ReadFileStretch): EncodedAnswers {
    const outcomes: FileOutcome[] = []
    const readBytes: number[] = []
    const chunkCounts: number[] = []
    const details: (readonly [number, unknown])[] = []
    for (const stretch of stretches) {
      const before = this.#found.count
      const isShort = stretch.sizeBytes <= CHUNK_BYTES_MIN
      const sink: ByteSink = isShort ? this.#short : this.#long
      if (!isShort) this.#chunker.restart(stretch.fromBytes)
      const answer = readStretch(stretch, sink)
      if (!isShort && answer.outcome !== 'not-read') {
        const last = this.#chunker.finish()
        if (last !== undefined) this.#store(last)
      }
      if (answer.details !== undefined) details.push([outcomes.length, answer.details])
      outcomes.push(answer.outcome)
      readBytes.push(answer.readBytes)
      chunkCounts.push(this.#found.count - before)
    }
    return {
      ...{ outcomes, readBytes: Float64Array.from(readBytes), chunkCounts: Uint32Array.from(chunkCounts), details },
      ...this.#found.take(),
    }
  }

  /** The pack begun, if any, goes out. */
  finish(): void {
    if (this.#writer !== undefined) this.#full(this.#writer.finish())
    this.#writer = undefined
  }

  /** Of a file that is one chunk at most, and comes in one piece. */
  readonly #short: ByteSink = { take: (bytes) => this.#store(bytes) }

  readonly #long: ByteSink = {
    take: (bytes) => {
      for (const chunk of this.#chunker.push(bytes)) this.#store(chunk)
    },
  }

  #store(chunk: Buffer): void {
    const id = chunkId(this.#keys.chunkIdKey, chunk)
    const isNew = this.#table.claim(id)
    this.#found.add(id, chunk.length, !isNew)
    if (!isNew) return
    this.#writer ??= new PackWriter({
      ...{ sliceId: this.#sliceId, sort: 'content', keys: this.#keys, random: systemRandom },
    })
    this.#writer.add(id, chunk)
    if (this.#writer.full) this.finish()
  }
}

/** The chunks of a batch, in flat memory that is used again. */
class Found {
  count = 0
  #ids = Buffer.alloc(1024 * CHUNK_ID_BYTES)
  #lengths = new Uint32Array(1024)
  #known = new Uint8Array(1024)

  add(id: Buffer, length: number, known: boolean): void {
    if (this.count === this.#lengths.length) this.#grow()
    this.#ids.set(id, this.count * CHUNK_ID_BYTES)
    this.#lengths[this.count] = length
    this.#known[this.count] = known ? 1 : 0
    this.count++
  }

  /** Copies, and begins anew. */
  take(): Pick<EncodedAnswers, 'ids' | 'lengths' | 'known'> {
    const { count } = this
    this.count = 0
    return {
      ids: Uint8Array.from(this.#ids.subarray(0, count * CHUNK_ID_BYTES)),
      lengths: this.#lengths.slice(0, count),
      known: this.#known.slice(0, count),
    }
  }

  #grow(): void {
    const entries = this.count * 2
    const [ids, lengths, known] = [
      Buffer.alloc(entries * CHUNK_ID_BYTES),
      new Uint32Array(entries),
      new Uint8Array(entries),
    ]
    ids.set(this.#ids)
    lengths.set(this.#lengths)
    known.set(this.#known)
    ;[this.#ids, this.#lengths, this.#known] = [ids, lengths, known]
  }
}
