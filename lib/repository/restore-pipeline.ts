/**
 * Contents of one slice brought back by other threads: this one says which chunks belong in which file and fetches the blocks that they lie in, many at once; a thread opens each block once
 * for all files of a batch, proves the chunks and writes them. A large file is written by all threads. Held in memory: blocks on their way, `FLIGHT_BYTES` of them.
 */
import { CHUNK_ID_BYTES } from './format.ts'
import { HELD_BYTES, HeldBlocks } from './held-blocks.ts'
import { blockName, CLOSED, encodeJob, FAILED, FILLED } from './restore-messages.ts'
import type { Threads, Work } from '../platform/threads.ts'
import type { Asker, ElsewhereContent, FileToMake, Filling, MadeFile } from '../resources/file-making.ts'
import type { ChunkPlace } from './chunk-index.ts'
import type { ChunkId } from './chunk-store.ts'
import type { StoredContent } from './content-reader.ts'
import type { BlockDescription, PackDescription } from './pack-table.ts'
import type { FromRestoreThread, SentBlock, Target, ToRestoreThread } from './restore-messages.ts'
import type { VerifyKeys } from './verify-pack.ts'

/** A longer file is made by who asks, and filled by all threads. */
const MAKE_BYTES_MAX = 16 * 1024 * 1024
/** A shorter one is written sooner than given away. */
const FILL_BYTES_MIN = 1024 * 1024
/** Files wait for company to be given away, until the event loop turns; then threads have work while the others are still looked for. */
const BATCH_FILES = 256
/** Sealed; short, so that no thread waits long for another one's last job of a file. */
const JOB_BYTES = 1024 * 1024
const FLIGHT_BYTES = 24 * 1024 * 1024
/** About what a file costs a thread, and a byte as it lies in the store: by that they are kept equally busy. */
const FILE_MS = 0.04
const BYTE_MS = 5 / (1024 * 1024)
/** And opening a block, which one that has it need not do again. */
const OPEN_MS = 2
/** And starting a thread, which takes memory too. */
const START_MS = 20
const THREADS_EARLY = 2

export interface RestorePipelineOptions {
  readonly sliceId: string
  readonly keys: VerifyKeys
  readonly packs: {
    /** Where a content chunk lies, if that is known; not in a snapshot object. */
    place(id: ChunkId): ChunkPlace | undefined
    /** A block as it lies in the store. @throws as the store does. */
    sealed(pack: PackDescription, block: BlockDescription): Promise<Buffer>
  }
}

/** What is asked for: chunks for one target. */
interface Asked {
  readonly target: Target
  readonly chunks: readonly { readonly place: ChunkPlace; readonly id: ChunkId; readonly at: number }[]
  readonly asker: { made(made: MadeFile | 'filled'): void }
}

interface Lane {
  readonly held: HeldBlocks<true>
  readonly jobs: Map<number, { readonly asked: readonly Asked[]; readonly bytes: number }>
  /** Blocks on their way to it, each with the job that brings it. Never reject. */
  readonly coming: Map<string, Promise<void>>
  /** What it has to do, about. */
  loadMs: number
}

interface WaitingJob {
  readonly asked: readonly Asked[]
  readonly blocks: ReadonlyMap<string, { readonly pack: PackDescription; readonly block: BlockDescription }>
  readonly bytes: number
}

export class RestorePipeline {
  readonly #threads: Threads
  readonly #work: Work
  readonly #options: RestorePipelineOptions
  readonly #lanes: (Lane | undefined)[] = []
  #asked: Asked[] = []
  #isDue = false
  readonly #waiting: WaitingJob[] = []
  #flightBytes = 0
  #next = 0
  /** A thread died: whoever asks does it by itself from now on. */
  #isLost = false

  constructor(threads: Threads, work: Work, options: RestorePipelineOptions) {
    this.#threads = threads
    this.#work = work
    this.#options = options
    work.onMessage((thread, message) => this.#receive(thread, message as FromRestoreThread))
    work.onFailure((thread) => {
      const lane = this.#lanes[thread]
      this.#lanes[thread] = undefined
      this.#isLost = true
      for (const { asked, bytes } of lane?.jobs.values() ?? []) this.#end(asked, bytes)
      this.#pump()
    })
    // They load their program while somebody looks for the first files; of many, the others when there is work for them.
    for (let thread = 0; thread < Math.min(threads.count, THREADS_EARLY); thread++)
      this.#lanes[thread] = this.#open(thread)
  }

  /** When nobody waits for anything any more. */
  close(): void {
    this.#lanes.forEach((lane, thread) => {
      if (lane !== undefined) this.#post(thread, { kind: 'restore-end' })
    })
    this.#work.leave()
  }

  of(content: StoredContent): ElsewhereContent {
    return new PipelineContent(this, content)
  }

  make(content: StoredContent, file: FileToMake, asker: Asker): boolean {
    const { extents } = content.shape
    if (Buffer.isBuffer(extents) || content.sizeBytes > MAKE_BYTES_MAX || file.sizeBytes !== content.sizeBytes)
      return false
    const chunks: Asked['chunks'][number][] = []
    let at = 0
    for (const { id, length } of extents) {
      const place = id && this.#placeOf(id, length)
      if (id !== undefined && place === undefined) return false
      if (id !== undefined && place !== undefined) chunks.push({ place, id, at })
      at += length
    }
    if (chunks.length === 0) return false
    this.#ask({ target: file, chunks, asker })
    return true
  }

  async fill(content: StoredContent, handle: number, { signal, told }: Filling): Promise<boolean> {
    if (content.sizeBytes < FILL_BYTES_MIN) return false
    const unanswered = new Set<Promise<void>>()
    let chunks: Asked['chunks'][number][] = []
    let bytes = 0
    let isWhole = true
    const ask = (): void => {
      const asked = chunks
      chunks = []
      bytes = 0
      if (asked.length === 0) return
      const filled = new Promise<boolean>((resolve) =>
        this.#ask({ target: { handle }, chunks: asked, asker: { made: (made) => resolve(made === 'filled') } }),
      )
      const answered = filled.then((isFilled) => {
        unanswered.delete(answered)
        isWhole &&= isFilled
        if (isFilled) told?.(asked.reduce((sum, { place }) => sum + place.length, 0))
      })
      unanswered.add(answered)
      this.#give()
    }
    try {
      for await (const { id, length, offset } of content.extents()) {
        if (id === undefined) continue
        const place = signal.aborted ? undefined : this.#placeOf(id, length)
        if (place === undefined) {
          isWhole = false
          break
        }
        chunks.push({ place, id, at: offset })
        bytes += place.block.sealedBytes
        if (bytes >= JOB_BYTES) ask()
        // A file of any length: what waits is only names, and not many.
        while (unanswered.size > this.#threads.count * 4) await Promise.race(unanswered)
      }
    } catch {
      isWhole = false // a list that does not open: who reads it by itself says so
    }
    ask()
    await Promise.all(unanswered)
    return isWhole
  }

  #placeOf(id: ChunkId, length: number): ChunkPlace | undefined {
    const place = this.#options.packs.place(id)
    return place?.length === length ? place : undefined
  }

  #ask(asked: Asked): void {
    this.#asked.push(asked)
    if (this.#asked.length >= BATCH_FILES) this.#give()
    else if (!this.#isDue) {
      this.#isDue = true
      setImmediate(() => {
        this.#isDue = false
        this.#give()
      })
    }
  }

  /** Files whose chunks lie in one block go together; one that lies in several goes by itself. */
  #give(): void {
    const asked = this.#asked
    this.#asked = []
    const groups: { readonly place: ChunkPlace; readonly those: Asked[] }[] = []
    for (const one of asked) {
      const place = one.chunks[0]?.place
      if (place === undefined) continue
      if (one.chunks.some((chunk) => !isSameBlock(chunk.place, place))) {
        this.#waiting.push(jobOf([one], blocksOf(one.chunks)))
        continue
      }
      // Most lie in the block that the one before lies in.
      const group = groups.findLast((before) => isSameBlock(before.place, place))
      if (group === undefined) groups.push({ place, those: [one] })
      else group.those.push(one)
    }
    for (const { place, those } of groups) this.#waiting.push(jobOf(those, new Map([[placeName(place), place]])))
    this.#pump()
  }

  #pump(): void {
    while (this.#waiting.length > 0) {
      const [job] = this.#waiting as [WaitingJob, ...WaitingJob[]]
      if (this.#flightBytes > 0 && this.#flightBytes + job.bytes > FLIGHT_BYTES) return
      this.#waiting.shift()
      this.#flightBytes += job.bytes
      if (this.#isLost) {
        this.#end(job.asked, job.bytes)
        continue
      }
      const thread = this.#threadFor(job)
      const lane = (this.#lanes[thread] ??= this.#open(thread))
      // From here on it counts as that thread's.
      const number = this.#next++
      lane.jobs.set(number, job)
      lane.loadMs += costMs(job)
      void this.#send(thread, lane, number, job)
    }
  }

  /** That which is done with it first. */
  #threadFor({ blocks }: WaitingJob): number {
    let best = 0
    let bestLoad = Number.POSITIVE_INFINITY
    const [only] = blocks.size === 1 ? blocks.keys() : []
    for (let thread = 0; thread < this.#threads.count; thread++) {
      const lane = this.#lanes[thread]
      const has = only !== undefined && lane !== undefined && (lane.held.has(only) || lane.coming.has(only))
      const load = (lane?.loadMs ?? START_MS) + (has ? 0 : OPEN_MS)
      if (load < bestLoad) [best, bestLoad] = [thread, load]
    }
    return best
  }

  #open(thread: number): Lane {
    const { sliceId, keys } = this.#options
    const { chunkIdKey, treeKey, contentPrivateKey } = keys
    this.#post(thread, { kind: 'restore-begin', sliceId, keys: { chunkIdKey, treeKey, contentPrivateKey } })
    return { held: new HeldBlocks(HELD_BYTES), jobs: new Map(), coming: new Map(), loadMs: 0 }
  }

  async #send(thread: number, lane: Lane, number: number, { asked, blocks, bytes }: WaitingJob): Promise<void> {
    const { packs } = this.#options
    const fetched = new Map<string, Buffer>()
    const [only] = blocks.size === 1 ? blocks.keys() : []
    const bring = async (): Promise<void> => {
      await Promise.all(
        [...blocks].map(async ([name, { pack, block }]) => fetched.set(name, await packs.sealed(pack, block))),
      )
    }
    try {
      // Another job of this thread brings it, or tried to.
      while (only !== undefined && lane.coming.has(only)) await lane.coming.get(only)
      if (only === undefined) await bring()
      else if (!lane.held.has(only)) {
        const fetching = bring()
        const ended = (): void => void lane.coming.delete(only)
        lane.coming.set(only, fetching.then(ended, ended))
        await fetching
      }
    } catch {
      // Whoever reads it by itself says what is the matter.
      if (!lane.jobs.delete(number)) return
      lane.loadMs -= costMs({ asked, bytes })
      this.#end(asked, bytes)
      this.#pump()
      return
    }
    // The thread died meanwhile, and this was answered.
    if (this.#lanes[thread] !== lane) return
    const numbers = new Map<string, number>()
    const sent = [...blocks].map(([name, { pack, block }]): SentBlock => {
      const sealed = fetched.get(name)
      numbers.set(name, numbers.size)
      if (blocks.size === 1 && sealed !== undefined) lane.held.add(name, block.plainBytes, true)
      const { sort, packId, header } = pack
      return {
        ...{ sort, packId, header, number: block.number, plainBytes: block.plainBytes },
        ...(sealed === undefined ? {} : { sealed }),
      }
    })
    const blockOf = (place: ChunkPlace): number => (blocks.size === 1 ? 0 : (numbers.get(placeName(place)) ?? 0))
    const own = [...fetched.values()].flatMap(({ buffer, byteLength }) =>
      buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [],
    )
    this.#post(thread, { kind: 'restore', number, job: encodeJob(sent, asked, blockOf) }, own)
  }

  #post(thread: number, message: ToRestoreThread, transfer: readonly ArrayBuffer[] = []): void {
    this.#work.post(thread, message, transfer)
  }

  #receive(thread: number, { number, made }: FromRestoreThread): void {
    const lane = this.#lanes[thread]
    const job = lane?.jobs.get(number)
    if (lane !== undefined && job !== undefined) {
      lane.jobs.delete(number)
      lane.loadMs -= costMs(job)
      this.#end(job.asked, job.bytes, made)
    }
    this.#pump()
  }

  #end(asked: readonly Asked[], bytes: number, made?: Int32Array): void {
    this.#flightBytes -= bytes
    asked.forEach(({ asker }, at) => asker.made(becameOf(made?.[at] ?? FAILED)))
  }
}

/** There are as many as files. */
class PipelineContent implements ElsewhereContent {
  readonly #pipeline: RestorePipeline
  readonly #content: StoredContent

  constructor(pipeline: RestorePipeline, content: StoredContent) {
    this.#pipeline = pipeline
    this.#content = content
  }

  make(file: FileToMake, asker: Asker): boolean {
    return this.#pipeline.make(this.#content, file, asker)
  }

  fill(handle: number, filling: Filling): Promise<boolean> {
    return this.#pipeline.fill(this.#content, handle, filling)
  }
}

function costMs({ asked, bytes }: Pick<WaitingJob, 'asked' | 'bytes'>): number {
  return asked.length * FILE_MS + bytes * BYTE_MS
}

function becameOf(made: number): MadeFile | 'filled' {
  if (made === CLOSED) return 'closed'
  if (made === FILLED) return 'filled'
  return made < 0 ? undefined : made
}

function jobOf(asked: readonly Asked[], blocks: WaitingJob['blocks']): WaitingJob {
  let bytes = asked.length * CHUNK_ID_BYTES
  for (const { block } of blocks.values()) bytes += block.sealedBytes
  return { asked, blocks, bytes }
}

/** By their names. */
function blocksOf(chunks: Asked['chunks']): WaitingJob['blocks'] {
  return new Map(chunks.map(({ place }) => [placeName(place), place]))
}

function placeName({ pack, block }: ChunkPlace): string {
  return blockName({ packId: pack.packId, number: block.number })
}

function isSameBlock(one: ChunkPlace, other: ChunkPlace): boolean {
  return one.pack === other.pack && one.block.number === other.block.number
}
