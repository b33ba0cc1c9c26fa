/**
 * Contents of one component stored by other threads, while this one walks and builds the tree: files go out in batches, chunk ids come back, packs as they fill. Held in memory: a few
 * batches of names, and no more packs than may be on their way.
 */
import assert from 'node:assert/strict'
import { TorikiError } from '../errors.ts'
import { ChunkTable } from './chunk-table.ts'
import { CHUNK_BYTES_MIN, SEGMENT_BYTES } from './format.ts'
import { PipelinedContent } from './pipelined-content.ts'
import { StretchRow } from './pipeline-messages.ts'
import type { FileRead, FileReading, FileToRead, PendingFile, SlowFiles } from '../resources/file-reading.ts'
import type { Threads, Work } from '../platform/threads.ts'
import type { ChunkId, SliceKeys } from './chunk-store.ts'
import type { PackStore } from './pack-store.ts'
import type { EncodedAnswers, FromThread, ToThread } from './pipeline-messages.ts'

/** Below this the thread at hand is done before another has begun; and a small home's contents go into one pack. */
const ALONE = { bytes: 4 * 1024 * 1024, files: 256 }
/** Where what is stored is known, what changed is little and lies far apart, as a rule: done while threads would still be starting. */
const ALONE_AGAIN = { bytes: 16 * 1024 * 1024, files: 2048 }
/** Where each is waited for, others begin sooner. */
const ALONE_SLOW = { bytes: ALONE.bytes, files: 32 }
/** A batch is sent when it holds so much. */
const BATCH_FILES = 192
const BATCH_BYTES = 8 * 1024 * 1024
/** Files of so many bytes on average take as long to store as to walk over. */
const SHORT_FILE_BYTES = 4096
/** One is being read, one waits, so that no thread waits for us. */
const BATCHES_PER_THREAD = 2
/** Ids that the table has room for besides those known when it is made. */
const ROOM_IDS = 32 * 1024

interface Batch {
  readonly stretches: StretchRow
  readonly pending: Pending[]
  bytes: number
  /** No more chunks than this can come of it. */
  idsMax: number
}

/** What one thread has to do. */
interface Lane {
  readonly batches: Batch[]
  isFinished: boolean
}

/** And what became of it: most files have one object from first to last. */
class Pending implements PendingFile, FileRead {
  read: FileRead | undefined
  stored: PipelinedContent | undefined
  /** Stretches of it that are not read yet. */
  left: number
  readonly content = new PipelinedContent()
  outcome: FileRead['outcome'] = 'whole'
  readBytes = 0
  details: unknown
  /** Only where somebody waits for it: few of a batch are. */
  #waited: PromiseWithResolvers<void> | undefined
  #failure: Error | undefined
  #isSettled = false

  constructor(stretches: number) {
    this.left = stretches
  }

  get done(): Promise<void> {
    if (this.#waited === undefined) {
      this.#waited = Promise.withResolvers()
      if (this.#isSettled) this.#tell(this.#waited)
    }
    return this.#waited.promise
  }

  settle(error?: Error): void {
    this.#isSettled = true
    this.#failure = error
    if (this.#waited !== undefined) this.#tell(this.#waited)
  }

  #tell({ resolve, reject }: PromiseWithResolvers<void>): void {
    if (this.#failure === undefined) resolve()
    else reject(this.#failure)
  }
}

export class Pipeline implements FileReading {
  readonly #threads: Threads
  readonly #options: PipelineOptions
  #work: Work | undefined
  #isRefused = false
  #seen = { bytes: 0, files: 0 }
  #slow: SlowFiles | undefined
  #packs: PackStore | undefined
  #table: ChunkTable | undefined
  #idsInTable = 0
  readonly #lanes: (Lane | undefined)[] = []
  #batch: Batch | undefined
  readonly #waiting: Batch[] = []
  /** Packs that the store has not taken yet. */
  #uploads = 0
  #failure: Error | undefined
  #isFinishing = false
  readonly #finished = Promise.withResolvers<void>()
  readonly #outstanding = new Set<Pending>()
  readonly #uploading = new Set<Promise<void>>()

  constructor(threads: Threads, options: PipelineOptions) {
    this.#threads = threads
    this.#options = options
  }

  take(file: FileToRead, slow?: SlowFiles): PendingFile | undefined {
    if (this.#isRefused) return undefined
    const { signal, isKnown } = this.#options
    this.#seen.bytes += file.sizeBytes
    this.#seen.files++
    this.#slow = slow
    if (this.#work === undefined) {
      const alone = slow !== undefined ? ALONE_SLOW : isKnown ? ALONE_AGAIN : ALONE
      if (signal.aborted || (this.#seen.bytes <= alone.bytes && this.#seen.files <= alone.files)) return undefined
      this.#work = this.#threads.enter()
      this.#isRefused = this.#work === undefined
      if (this.#work === undefined) return undefined
      this.#begin(this.#work)
    }
    const segments = Math.max(1, Math.ceil(file.sizeBytes / SEGMENT_BYTES))
    const pending = new Pending(segments)
    this.#outstanding.add(pending)
    if (this.#failure !== undefined) this.#settle(pending, this.#failure)
    else
      for (let segment = 0; segment < segments; segment++) {
        const fromBytes = segment * SEGMENT_BYTES
        this.#add(file, fromBytes, Math.min(file.sizeBytes, fromBytes + SEGMENT_BYTES), pending)
      }
    return pending
  }

  send(): void {
    if (this.#batch === undefined) return
    this.#waiting.push(this.#batch)
    this.#batch = undefined
    this.#pump()
  }

  /** When everything taken was answered: the packs begun are closed, and all are in the store. @throws what failed. */
  async finish(): Promise<void> {
    const work = this.#work
    if (work === undefined) return
    try {
      if (this.#failure !== undefined) throw this.#failure
      // What was taken and never asked for is not waited for: it was given up.
      this.#waiting.length = 0
      this.#batch = undefined
      this.#isFinishing = true
      this.#lanes.forEach((lane, thread) => {
        if (lane !== undefined) this.#post(thread, { kind: 'finish' })
      })
      if (this.#lanes.some((lane) => lane !== undefined)) await this.#finished.promise
      await Promise.all(this.#uploading)
      this.#throwFailure()
    } finally {
      this.#end(work)
    }
  }

  /** Forgets everything that is not in the store. */
  drop(): void {
    const work = this.#work
    if (work === undefined) return
    this.#fail(new TorikiError('interrupted'))
    this.#end(work)
  }

  #begin(work: Work): void {
    work.onMessage((thread, message) => {
      try {
        this.#receive(thread, message as FromThread)
      } catch (error) {
        this.#fail(error)
      }
    })
    work.onFailure((thread, error) => {
      // Whoever takes its place knows nothing of us.
      this.#lanes[thread] = undefined
      this.#fail(new TorikiError('internal', { message: 'A thread ended.', cause: error }))
    })
    this.#options.signal.addEventListener('abort', this.#abort)
    const { openPacks } = this.#options
    // Nothing is stored: there is nothing to wait for.
    if (openPacks === undefined) return
    void openPacks().then(
      ({ packs, known }) => {
        this.#packs = packs
        this.#idsInTable = packs.contentChunks + known.length
        this.#table = new ChunkTable(this.#idsInTable + ROOM_IDS)
        for (const id of known) this.#table.claim(id)
        packs.claimContents(this.#table)
        this.#pump()
      },
      (error: unknown) => this.#fail(error),
    )
  }

  #end(work: Work): void {
    this.#options.signal.removeEventListener('abort', this.#abort)
    this.#lanes.forEach((lane, thread) => {
      if (lane !== undefined) this.#post(thread, { kind: 'drop' })
    })
    work.leave()
    this.#isRefused = true
    this.#work = undefined
  }

  readonly #abort = (): void => {
    this.#waiting.length = 0
    this.#batch = undefined
    const { reason } = this.#options.signal
    const error = reason instanceof TorikiError ? reason : new TorikiError('interrupted', { cause: reason })
    // What the threads have is finished: packs that they filled are worth keeping.
    for (const pending of [...this.#outstanding]) this.#settle(pending, error)
  }

  #add(file: FileToRead, fromBytes: number, toBytes: number, pending: Pending): void {
    const bytes = toBytes - fromBytes
    if (this.#batch !== undefined && this.#batch.bytes + bytes > BATCH_BYTES) this.send()
    this.#batch ??= { stretches: new StretchRow(BATCH_FILES), pending: [], bytes: 0, idsMax: 0 }
    this.#batch.stretches.add(file, fromBytes, toBytes)
    this.#batch.pending.push(pending)
    this.#batch.bytes += bytes
    this.#batch.idsMax += bytes <= CHUNK_BYTES_MIN ? 1 : 2 + Math.ceil(bytes / CHUNK_BYTES_MIN)
    if (this.#batch.bytes >= BATCH_BYTES || this.#batch.stretches.count >= BATCH_FILES) this.send()
  }

  /** Sends on what may be sent: to the thread that has least to do, and to one more only where that helps. */
  #pump(): void {
    while (this.#waiting.length > 0 && this.#isReady && this.#failure === undefined) {
      if (this.#uploads > this.#threads.count) return
      if (!this.#hasRoom(this.#waiting[0] as Batch)) return
      const thread = this.#idlest()
      if (thread === undefined) return
      const lane = (this.#lanes[thread] ??= this.#open(thread))
      const batch = this.#waiting.shift() as Batch
      this.#idsInTable += batch.idsMax
      lane.batches.push(batch)
      this.#post(thread, { kind: 'read', batch: batch.stretches.encode() })
    }
  }

  /** So many threads store. Where files are short the thread that walks has as much to do with each, and needs a processor of its own. */
  get #count(): number {
    const { count } = this.#threads
    const isShort = this.#seen.bytes < this.#seen.files * SHORT_FILE_BYTES
    return isShort && this.#slow === undefined ? Math.max(1, count - 1) : count
  }

  get #isReady(): boolean {
    return this.#table !== undefined || this.#options.openPacks === undefined
  }

  #idlest(): number | undefined {
    let best: number | undefined
    let bestLoad = BATCHES_PER_THREAD
    const count = this.#count
    for (let thread = 0; thread < count; thread++) {
      const load = this.#lanes[thread]?.batches.length ?? 0
      if (load < bestLoad) [best, bestLoad] = [thread, load]
      if (load === 0) break
    }
    return best
  }

  /** The table knows no id twice and grows while nobody looks: then everybody hears of the new one. */
  #hasRoom({ idsMax }: Batch): boolean {
    if (this.#table === undefined) return true
    if (this.#idsInTable + idsMax <= this.#table.idsMax) return true
    if (this.#lanes.some((lane) => lane !== undefined && lane.batches.length > 0)) return false
    // By half: one that doubles is mostly empty.
    this.#table = this.#table.grown(Math.ceil((this.#idsInTable + idsMax) * 1.5))
    this.#lanes.forEach((lane, thread) => {
      if (lane !== undefined && this.#table !== undefined)
        this.#post(thread, { kind: 'table', table: this.#table.shared })
    })
    return true
  }

  #open(thread: number): Lane {
    const { contentPrivateKey: _, ...keys } = this.#options.keys
    const { sliceId } = this.#options
    this.#post(thread, { kind: 'begin', sliceId, keys, table: this.#table?.shared, slow: this.#slow })
    return { batches: [], isFinished: false }
  }

  #post(thread: number, message: ToThread): void {
    this.#work?.post(thread, message)
  }

  #receive(thread: number, message: FromThread): void {
    const lane = this.#lanes[thread]
    if (lane === undefined) return
    switch (message.kind) {
      case 'read': {
        const batch = lane.batches.shift()
        assert(batch !== undefined, 'an answer belongs to a batch')
        this.#answer(batch, message.answer)
        this.#pump()
        return
      }
      case 'pack': {
        const { pack } = message
        this.#upload({ ...pack, body: asBuffer(pack.body), table: asBuffer(pack.table) }, !this.#isFinishing)
        return
      }
      case 'finished':
        lane.isFinished = true
        if (this.#lanes.every((one) => one?.isFinished !== false)) this.#finished.resolve()
        return
      case 'failed':
        this.#fail(new TorikiError('internal', { cause: new Error(message.message) }))
    }
  }

  #answer(batch: Batch, answer: EncodedAnswers): void {
    const found = { ids: asBuffer(answer.ids), lengths: answer.lengths, known: answer.known }
    let chunk = 0
    batch.pending.forEach((pending, at) => {
      const count = answer.chunkCounts[at] as number
      const outcome = answer.outcomes[at] as FileRead['outcome']
      pending.content.add(batch.stretches.fromBytes(at), found, chunk, chunk + count)
      chunk += count
      if (outcome !== 'whole' && pending.outcome !== 'not-read') pending.outcome = outcome
      pending.readBytes = Math.max(pending.readBytes, answer.readBytes[at] as number)
      pending.left--
    })
    for (const [at, details] of answer.details) (batch.pending[at] as Pending).details ??= details
    for (const pending of batch.pending) if (pending.left === 0 && pending.read === undefined) this.#settle(pending)
  }

  #settle(pending: Pending, error?: Error): void {
    this.#outstanding.delete(pending)
    if (error === undefined) {
      const { outcome, content } = pending
      content.settle()
      if (outcome !== 'whole') pending.readBytes = content.storedBytes
      pending.stored = outcome === 'not-read' ? undefined : content
      pending.read = pending
    }
    pending.settle(error)
  }

  #upload(pack: Parameters<PackStore['accept']>[0], isFull: boolean): void {
    assert(this.#packs !== undefined, 'packs come of batches')
    this.#uploads++
    const upload = this.#packs.accept(pack, { interim: isFull }).then(
      () => {
        this.#uploads--
        this.#pump()
      },
      (error: unknown) => this.#fail(error),
    )
    this.#uploading.add(upload)
    void upload.then(() => this.#uploading.delete(upload))
  }

  #fail(error: unknown): void {
    const failure = error instanceof Error ? error : new TorikiError('internal', { cause: error })
    this.#failure ??= failure
    this.#waiting.length = 0
    this.#batch = undefined
    for (const pending of [...this.#outstanding]) this.#settle(pending, this.#failure)
    this.#finished.resolve()
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

export interface PipelineOptions {
  readonly sliceId: string
  readonly keys: SliceKeys
  readonly signal: AbortSignal
  /** Is what was stored of the component beside what is read, so that few of its files come here? */
  readonly isKnown: boolean
  /** The packs, with the index read, and ids of contents that others than packs hold. Absent: contents are named, and stored nowhere. */
  readonly openPacks?: (() => Promise<{ readonly packs: PackStore; readonly known: readonly ChunkId[] }>) | undefined
}

/** What another thread sent arrives as a plain array of bytes. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
