/** What a walk has met and not shown yet, in order, because files before it are still being read on other threads. Bounded. */
import type { PendingFile } from '../../resources/file-reading.ts'
import type { Resource } from '../../resources/resource.ts'
import type { HeldDirectory } from './directory.ts'
import type { EntryStat } from './entry-stat.ts'
import type { Visit } from './walk.ts'

export interface FileAhead {
  readonly pending: PendingFile
  readonly visit: Visit
  readonly stat: EntryStat
  /** What it lies in, open until it is shown. */
  readonly held: HeldDirectory
}

/** As many as keep the threads busy. */
const FILES_MAX = 768
/** Directories held open for them: a function may have 1,024 handles, for everything it does. */
const DIRECTORIES_MAX = 128
/** Of all sorts. */
const ENTRIES_MAX = 4096

export class ReadAhead {
  readonly #entries: (Resource | FileAhead | undefined)[] = []
  #at = 0
  #files = 0
  #directories = 0
  /** What the last file lies in: siblings follow each other, and count once. */
  #last: FileAhead | undefined
  readonly #firstOfDirectory = new WeakSet<FileAhead>()

  get isEmpty(): boolean {
    return this.#at === this.#entries.length
  }

  get isFull(): boolean {
    const entries = this.#entries.length - this.#at
    return this.#files >= FILES_MAX || this.#directories >= DIRECTORIES_MAX || entries >= ENTRIES_MAX
  }

  get first(): Resource | FileAhead | undefined {
    return this.#entries[this.#at]
  }

  add(entry: Resource | FileAhead): void {
    this.#entries.push(entry)
    if (!('pending' in entry)) return
    this.#files++
    if (this.#last?.visit.parent !== entry.visit.parent) {
      this.#firstOfDirectory.add(entry)
      this.#directories++
    }
    this.#last = entry
  }

  shift(): Resource | FileAhead | undefined {
    const first = this.#entries[this.#at]
    if (first === undefined) return undefined
    if ('pending' in first) {
      this.#files--
      if (this.#firstOfDirectory.has(first)) this.#directories--
    }
    this.#entries[this.#at++] = undefined
    if (this.#at >= ENTRIES_MAX || this.isEmpty) {
      this.#entries.splice(0, this.#at)
      this.#at = 0
    }
    if (this.isEmpty) this.#last = undefined
    return first
  }
}
