/**
 * Files whose contents are opened and written on other threads, while the thread that walks a plan goes on. Whoever brings a content back gives these to a component that can name an open
 * directory; the component looks whether the place is free, keeps the order, and puts what was made in its place.
 */

/** A file that is made whole under a name that nobody knows. */
export interface FileToMake {
  /** An open directory, of this process. Whoever asks keeps it open until the answer is there. */
  readonly directory: number
  /** Single name in it, one character per byte. Nothing may stand there. */
  readonly name: string
  readonly sizeBytes: number
  readonly uid: number
  readonly gid: number
  readonly mode: number
  readonly mtimeNs: bigint
  /** Whoever asks closes it. */
  readonly isHeld: boolean
}

/** Its handle, where it is held. `undefined`: it could not be, for whatever reason; nothing of it is left where that could be seen to. */
export type MadeFile = number | 'closed' | undefined

/** Who asked for a file: told once, and later, what became of it. */
export interface Asker {
  made(file: MadeFile): void
}

/** A content that other threads open and write. Neither of the two ever throws or rejects: who does the same by itself is told what is wrong. */
export interface ElsewhereContent {
  /** The whole file, proven to read back. @returns false: not this one, not here; then nothing is told. */
  make(file: FileToMake, asker: Asker): boolean
  /** The data of all of it into an open file, holes left out, proven to read back. The handle stays open until the answer is there. False: not, or not all, as after an abort. */
  fill(handle: number, filling: Filling): Promise<boolean>
}

export interface Filling {
  readonly signal: AbortSignal
  /** Hears of what was written, while it is. */
  readonly told?: (bytes: number) => void
}

/** The component's part on the other thread. Throws nothing but programmers' errors. */
export interface FileMaker {
  /** `undefined`: it cannot be made. */
  begin(file: FileToMake): FileInMaking | undefined
  /** Into a file that is open. @returns whether that is what reads back. */
  fill(handle: number, bytes: Uint8Array, at: number): boolean
}

export interface FileInMaking {
  /** @returns whether that is what reads back. */
  write(bytes: Uint8Array, at: number): boolean
  /** With its size, owner, mode and time. Where that fails nothing of it is left. */
  end(): MadeFile
  /** Away with it. */
  drop(): void
}
