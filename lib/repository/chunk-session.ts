/**
 * One slice's contents on one thread: bytes in, chunk ids out, packs handed over as they fill. What any thread of the slice has stored is stored nowhere again. Without a table of
 * what is known nothing is stored: for looks that compare, and bring nothing back.
 */
import { systemRandom } from '../platform/random.ts'
import { Chunker, gearTable } from './chunker.ts'
import { ChunkTable } from './chunk-table.ts'
import { CHUNK_BYTES_MIN, CHUNK_ID_BYTES } from './format.ts'
import { chunkId } from './keys.ts'
import { PackWriter } from './pack-writer.ts'
import type {
  ByteSink,
  FileOutcome,
  FileStretch,
  StretchesAhead,
  StretchRead,
  StretchReader,
} from '../resources/file-reading.ts'
import type { SliceKeys } from './chunk-store.ts'
import type { SharedTables } from './chunk-table.ts'
import type { FinishedPack } from './pack-writer.ts'
import type { EncodedAnswers } from './pipeline-messages.ts'

export class ChunkSession {
  readonly #sliceId: string
  readonly #keys: SliceKeys
  readonly #chunker: Chunker
  readonly #full: (pack: FinishedPack) => void
  #table: ChunkTable | undefined
  #writer: PackWriter | undefined
  readonly #found = new Found()

  constructor(options: {
    readonly sliceId: string
    readonly keys: Omit<SliceKeys, 'contentPrivateKey'>
    readonly table?: SharedTables | undefined
    readonly onPack: (pack: FinishedPack) => void
  }) {
    this.#sliceId = options.sliceId
    this.#keys = { ...options.keys, gearKey: Buffer.from(options.keys.gearKey), contentPrivateKey: undefined }
    this.#chunker = new Chunker(gearTable(this.#keys.gearKey))
    this.#full = options.onPack
    if (options.table !== undefined) this.useTable(options.table)
  }

  useTable(shared: SharedTables): void {
    this.#table = new ChunkTable(shared)
  }

  /** At once. */
  read(stretches: Iterable<FileStretch>, reader: Pick<StretchReader, 'read'>): EncodedAnswers {
    const answers = new Answers()
    for (const stretch of stretches) {
      const before = this.#found.count
      const read = reader.read(stretch, this.#begin(stretch))
      this.#end(stretch, read)
      answers.add(read, this.#found.count - before)
    }
    return answers.encode(this.#found)
  }

  /** As each comes. Nothing else may be asked of this session meanwhile. */
  async readAhead(stretches: readonly FileStretch[], ahead: Pick<StretchesAhead, 'read'>): Promise<EncodedAnswers> {
    const answers = new Answers()
    for (const stretch of stretches) {
      const before = this.#found.count
      const reading = ahead.read(this.#begin(stretch))
      const read = reading instanceof Promise ? await reading : reading
      this.#end(stretch, read)
      answers.add(read, this.#found.count - before)
    }
    return answers.encode(this.#found)
  }

  /** The pack begun, if any, goes out. */
  finish(): void {
    if (this.#writer !== undefined) this.#full(this.#writer.finish())
    this.#writer = undefined
  }

  #begin(stretch: FileStretch): ByteSink {
    if (isOneChunk(stretch)) return this.#short
    this.#chunker.restart(stretch.fromBytes)
    return this.#long
  }

  #end(stretch: FileStretch, { outcome }: StretchRead): void {
    if (isOneChunk(stretch) || outcome === 'not-read') return
    const last = this.#chunker.finish()
    if (last !== undefined) this.#store(last)
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
    const isNew = this.#table?.claim(id) ?? false
    this.#found.add(id, chunk.length, !isNew)
    if (!isNew) return
    this.#writer ??= new PackWriter({
      ...{ sliceId: this.#sliceId, sort: 'content', keys: this.#keys, random: systemRandom },
    })
    this.#writer.add(id, chunk)
    if (this.#writer.full) this.finish()
  }
}

function isOneChunk({ sizeBytes }: FileStretch): boolean {
  return sizeBytes <= CHUNK_BYTES_MIN
}

/** What became of a batch, one stretch behind the other. */
class Answers {
  readonly #outcomes: FileOutcome[] = []
  readonly #readBytes: number[] = []
  readonly #chunkCounts: number[] = []
  readonly #details: (readonly [number, unknown])[] = []

  add({ outcome, readBytes, details }: StretchRead, chunkCount: number): void {
    if (details !== undefined) this.#details.push([this.#outcomes.length, details])
    this.#outcomes.push(outcome)
    this.#readBytes.push(readBytes)
    this.#chunkCounts.push(chunkCount)
  }

  encode(found: Found): EncodedAnswers {
    return {
      outcomes: this.#outcomes,
      readBytes: Float64Array.from(this.#readBytes),
      chunkCounts: Uint32Array.from(this.#chunkCounts),
      details: this.#details,
      ...found.take(),
    }
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
