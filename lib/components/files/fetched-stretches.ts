/**
 * Short files that are opened and read before they are asked for, many at once: where every call is a way to another machine, a thread that waits for one after the other does
 * nothing else. The calls are made on the process's pool of threads; what is done with the bytes happens here, one file after the other, in the order asked for.
 */
import { closeSync, constants, read } from 'node:fs'
import type { ByteSink, FileStretch, StretchesAhead, StretchRead } from '../../resources/file-reading.ts'
import { ENTRY_RESOLVE, FILE_FLAGS } from './handle-directory.ts'
import { CallMemory } from './native.ts'
import type { Native } from './native.ts'
import { judgeShort } from './read-stretch.ts'
import type { StretchDetails } from './read-stretch.ts'
import { SystemFailure } from './system-failure.ts'

/** Of all that is on its way or waits to be taken: memory, and handles. */
const BYTES_MAX = 16 * 1024 * 1024
const FILES_MAX = 96
/** Most files are shorter, and have a buffer that is used again. */
const SMALL_BYTES = 16 * 1024
const TRACED_FILES = 256

/** One file on its way. */
class Fetch {
  readonly stretch: FileStretch
  handle: number | undefined
  buffer: Buffer | undefined
  got: number | undefined
  /** Calls that have not come back. */
  pending = 0
  hasAttributes = true
  isDone = false
  isDropped = false
  onDone: (() => void) | undefined

  constructor(stretch: FileStretch) {
    this.stretch = stretch
  }

  get bytes(): number {
    return Math.max(this.stretch.sizeBytes, SMALL_BYTES)
  }
}

/** What one thread has under way, over all batches. */
export class Fetching {
  readonly #native: Native
  readonly #atOnce: () => number
  readonly #waiting: Fetch[] = []
  #waitingAt = 0
  #running = 0
  #heldBytes = 0
  #held = 0
  readonly #memories: CallMemory[] = []
  readonly #small: Buffer[] = []
  /** So many files more are opened without asking for no trace: somebody else's, for whom that is refused, follow each other. */
  #tracedLeft = 0
  /** The last file's file system keeps no attributes, and says so at once: nothing is gained by asking ahead. */
  #isWithoutAttributes = false

  constructor(native: Native, atOnce: () => number) {
    this.#native = native
    this.#atOnce = atOnce
  }

  add(stretches: readonly FileStretch[]): Fetch[] {
    const fetches = stretches.map((stretch) => new Fetch(stretch))
    this.#waiting.push(...fetches)
    this.#pump()
    return fetches
  }

  /** Of one that is done: the same answer as if it was read now, or `undefined` where that must be asked for. Gives everything back. */
  take(fetch: Fetch, sink: ByteSink): StretchRead | undefined {
    const { handle, got, buffer, stretch } = fetch
    try {
      if (handle === undefined || got === undefined || got !== stretch.sizeBytes) return undefined
      const bytes = buffer === undefined ? EMPTY : buffer.subarray(0, got)
      const read = judgeShort(this.#native, handle, stretch, bytes, sink, fetch.hasAttributes)
      const { attributes } = (read.details ?? {}) as StretchDetails
      this.#isWithoutAttributes = typeof attributes === 'object' && attributes.unsupported
      return read
    } catch (error) {
      // Whatever call failed, it is made once more, and then what it means is told.
      if (error instanceof SystemFailure) return undefined
      throw error
    } finally {
      this.#giveBack(fetch)
    }
  }

  drop(fetch: Fetch): void {
    fetch.isDropped = true
    if (fetch.isDone) this.#giveBack(fetch)
  }

  #pump(): void {
    for (let next = this.#waiting[this.#waitingAt]; next !== undefined; next = this.#waiting[this.#waitingAt]) {
      const isRoom = this.#held === 0 || (this.#held < FILES_MAX && this.#heldBytes + next.bytes <= BYTES_MAX)
      if (!next.isDropped && (this.#running >= this.#atOnce() || !isRoom)) return
      this.#waitingAt++
      if (!next.isDropped) this.#start(next)
    }
    this.#waiting.length = 0
    this.#waitingAt = 0
  }

  #start(fetch: Fetch): void {
    this.#running++
    this.#heldBytes += fetch.bytes
    this.#held++
    const memory = this.#memories.pop() ?? new CallMemory()
    const ended = (): void => {
      this.#memories.push(memory)
      this.#running--
      fetch.isDone = true
      fetch.onDone?.()
      if (fetch.isDropped) this.#giveBack(fetch)
      this.#pump()
    }
    const opened = (handle: number): void => {
      // It is opened once more when it is asked for, and then it is told why it cannot be.
      if (handle < 0) ended()
      else this.#read(fetch, handle, memory, ended)
    }
    if (this.#tracedLeft > 0) {
      this.#tracedLeft--
      this.#open(fetch, FILE_FLAGS, memory, opened)
      return
    }
    this.#open(fetch, FILE_FLAGS | constants.O_NOATIME, memory, (handle) => {
      if (handle >= 0) return opened(handle)
      this.#open(fetch, FILE_FLAGS, memory, (traced) => {
        if (traced >= 0) this.#tracedLeft = TRACED_FILES
        opened(traced)
      })
    })
  }

  #open({ stretch }: Fetch, flags: number, memory: CallMemory, done: (handle: number) => void): void {
    this.#native.openSoon(stretch.directory, stretch.name, flags, ENTRY_RESOLVE, memory, done)
  }

  /** Its bytes and the names of its attributes, at the same time. Where those are not asked for ahead, they count as unknown. */
  #read(fetch: Fetch, handle: number, memory: CallMemory, ended: () => void): void {
    const { sizeBytes } = fetch.stretch
    fetch.handle = handle
    const isListed = !this.#isWithoutAttributes
    fetch.pending = (isListed ? 1 : 0) + (sizeBytes === 0 ? 0 : 1)
    const back = (): void => {
      if (--fetch.pending === 0) ended()
    }
    if (isListed)
      this.#native.listAttributesSoon(handle, memory, (bytes) => {
        fetch.hasAttributes = bytes !== 0
        back()
      })
    if (sizeBytes === 0) {
      fetch.got = 0
      if (!isListed) ended()
      return
    }
    fetch.buffer = this.#buffer(sizeBytes)
    read(handle, fetch.buffer, 0, sizeBytes, 0, (error, got) => {
      if (error === null) fetch.got = got
      back()
    })
  }

  #buffer(bytes: number): Buffer {
    if (bytes > SMALL_BYTES) return Buffer.allocUnsafeSlow(bytes)
    return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES)
  }

  #giveBack(fetch: Fetch): void {
    if (fetch.handle !== undefined) closeSync(fetch.handle)
    if (fetch.buffer?.length === SMALL_BYTES) this.#small.push(fetch.buffer)
    this.#heldBytes -= fetch.bytes
    this.#held--
    fetch.handle = undefined
    fetch.buffer = undefined
    this.#pump()
  }
}

const EMPTY = Buffer.alloc(0)

export interface FetchedOptions {
  readonly fetching: Fetching
  readonly isFetched: (stretch: FileStretch, at: number) => boolean
  readonly readNow: (stretch: FileStretch, sink: ByteSink) => StretchRead
}

export class FetchedStretches implements StretchesAhead {
  readonly #stretches: readonly FileStretch[]
  readonly #options: FetchedOptions
  readonly #fetches: readonly Fetch[]
  /** The next stretch, and the next of those that are fetched. */
  #at = 0
  #fetchAt = 0

  constructor(stretches: readonly FileStretch[], options: FetchedOptions) {
    this.#stretches = stretches
    this.#options = options
    this.#fetches = options.fetching.add(stretches.filter((stretch, at) => options.isFetched(stretch, at)))
  }

  read(sink: ByteSink): StretchRead | Promise<StretchRead> {
    const stretch = this.#stretches[this.#at++] as FileStretch
    const fetch = this.#fetches[this.#fetchAt]
    if (fetch?.stretch !== stretch) return this.#options.readNow(stretch, sink)
    this.#fetchAt++
    if (fetch.isDone) return this.#take(fetch, sink)
    return new Promise<void>((resolve) => (fetch.onDone = resolve)).then(() => this.#take(fetch, sink))
  }

  drop(): void {
    for (const fetch of this.#fetches.slice(this.#fetchAt)) this.#options.fetching.drop(fetch)
    this.#fetchAt = this.#fetches.length
  }

  #take(fetch: Fetch, sink: ByteSink): StretchRead {
    return this.#options.fetching.take(fetch, sink) ?? this.#options.readNow(fetch.stretch, sink)
  }
}
