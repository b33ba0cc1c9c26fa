/** The reader of a thread that stores contents: measures how long opening takes, and says when it is better to have many files under way. */
import type {
  ByteSink,
  FileStretch,
  SlowFiles,
  StretchesAhead,
  StretchRead,
  StretchReader,
} from '../../resources/file-reading.ts'
import type { Clock } from '../../platform/clock.ts'
import { PART_BYTES_MAX } from './content.ts'
import { FetchedStretches, Fetching } from './fetched-stretches.ts'
import { Latency } from './latency.ts'
import { CALLS_MAX } from './load-koffi.ts'
import { loadNative } from './native.ts'
import type { Native } from './native.ts'
import { NOT_READ, isReadAtOnce, readStretch } from './read-stretch.ts'
import type { Turns } from './thread-turns.ts'

/** Of so many batches one has its first file read at once: is it still slow? */
const BATCHES_PER_LOOK = 8

/** Without native calls nothing is ever read here. */
export async function openStretchReader(clock: Clock, latency = new Latency()): Promise<StretchReader> {
  const native = await loadNative()
  return native === undefined ? new NoReader() : new NativeStretchReader(native, clock, latency)
}

class NativeStretchReader implements StretchReader {
  readonly #native: Native
  readonly #clock: Clock
  readonly #buffer = Buffer.allocUnsafeSlow(PART_BYTES_MAX)
  readonly #latency: Latency
  readonly #fetching: Fetching
  #batches = 0
  #turns: Turns | undefined

  constructor(native: Native, clock: Clock, latency: Latency) {
    this.#native = native
    this.#clock = clock
    this.#latency = latency
    this.#fetching = new Fetching(native, () => this.#latency.atOnce(CALLS_MAX))
  }

  get isSlow(): boolean {
    return this.#native.hasOpenat2 && this.#latency.isSlow
  }

  read(stretch: FileStretch, sink: ByteSink): StretchRead {
    if (this.#turns !== undefined && !this.#latency.isSlow) {
      this.#turns.end()
      this.#turns = undefined
    }
    const began = this.#clock.monotonicMs()
    return readStretch(this.#native, this.#buffer, stretch, sink, () =>
      this.#latency.add(this.#clock.monotonicMs() - began),
    )
  }

  expect({ callMs }: SlowFiles): void {
    this.#latency.expect(callMs)
  }

  bring(stretches: readonly FileStretch[]): StretchesAhead {
    this.#turns ??= this.#native.turns.begin()
    this.#turns.look()
    const looks = this.#batches++ % BATCHES_PER_LOOK === 0
    return new FetchedStretches(stretches, {
      fetching: this.#fetching,
      isFetched: (stretch, at) => isReadAtOnce(stretch) && !(looks && at === 0),
      readNow: (stretch, sink) => this.read(stretch, sink),
    })
  }
}

class NoReader implements StretchReader {
  readonly isSlow = false

  expect(): void {}

  read(): StretchRead {
    return NOT_READ
  }

  bring(): StretchesAhead {
    return { read: () => NOT_READ, drop: () => undefined }
  }
}
