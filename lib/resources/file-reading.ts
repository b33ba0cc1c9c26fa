/**
 * Files whose contents are read, cut and stored on other threads, while the thread that walks goes on. Whoever captures gives this to a component that can name an open
 * directory; the component keeps the order, judges what became of each file, and yields its resource when the answer is there.
 */

/** One regular file as it was seen by name; it counts only as long as what is opened is that very one. */
export interface FileToRead {
  /** An open directory, of this process. Whoever asks keeps it open until the answer is there. */
  readonly directory: number
  /** Single name in it, one character per byte. */
  readonly name: string
  readonly sizeBytes: number
  readonly device: bigint
  readonly inode: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/**
 * `whole`: all of it, and it is still as it was seen. `changed`: it became another while it was read, or ended early. `damaged`: reading failed half-way. `not-read`: it cannot
 * be opened, something else stands there, or it has holes: nothing was stored; look again, and read it here.
 */
export type FileOutcome = 'whole' | 'changed' | 'damaged' | 'not-read'

export interface FileRead {
  readonly outcome: FileOutcome
  /** So far it was read. */
  readonly readBytes: number
  /** What the component's own reader said of it besides. */
  readonly details: unknown
  /** Unless it was not read. */
  readonly stored: StoredContent | undefined
}

/** A content that is stored already: for whoever gave out the reading, opaque to everybody else. */
export interface StoredContent {
  readonly storedBytes: number
}

export interface PendingFile {
  /** `undefined` until it is there; `done` tells. */
  readonly read: FileRead | undefined
  /** Rejects when the reading as a whole has failed or was ended. */
  readonly done: Promise<void>
}

/** Where each call takes long, as was measured. */
export interface SlowFiles {
  readonly callMs: number
}

export interface FileReading {
  /** Takes the file, or leaves it to the caller (`undefined`): as long as little was read, other threads are not worth it. They are sooner where files are slow. */
  take(file: FileToRead, slow?: SlowFiles): PendingFile | undefined
  /** What was taken waits for company: before waiting for one of them, say that none comes. */
  send(): void
}

/** The component's part on the other thread. Throws nothing but programmers' errors. */
export interface StretchReader {
  /** What was measured elsewhere of the files that come next. */
  expect(slow: SlowFiles): void
  /** Opens and reads one stretch of one file, at once. */
  read(stretch: FileStretch, sink: ByteSink): StretchRead
  /** Each call takes long here, as it was measured: so many go better together. */
  readonly isSlow: boolean
  /** These are read next, in this order; many calls are under way for them at once. */
  bring(stretches: readonly FileStretch[]): StretchesAhead
}

/** Stretches that are on their way. */
export interface StretchesAhead {
  /** The same as `StretchReader.read` of the next one, as soon as it is there. */
  read(sink: ByteSink): StretchRead | Promise<StretchRead>
  /** Those that were not read yet are not wanted any more. */
  drop(): void
}

export interface FileStretch extends FileToRead {
  /** From here (a multiple of what may be cut apart) to `toBytes`; the whole file where it is short. */
  readonly fromBytes: number
  readonly toBytes: number
}

export interface StretchRead {
  readonly outcome: FileOutcome
  /** End of what was read. */
  readonly readBytes: number
  readonly details?: unknown
}

/** Takes the bytes of a stretch in order. A buffer may be used again afterwards. */
export interface ByteSink {
  take(bytes: Buffer): void
}
