/**
 * Looks at entries before a walk asks for them, many at once, where every call takes long (a network file system): in the order of the walk, directories opened and listed on the way.
 * The walk stays what it is, asks the same questions and gets the same answers, only sooner; what was not asked ahead is asked then. Bounded in calls, entries and handles.
 */
import { constants, readdir } from 'node:fs'
import type { Clock } from '../../platform/clock.ts'
import type { SlowFiles } from '../../resources/file-reading.ts'
import type { Directory, HeldDirectory, OpenFile, FileSystem } from './directory.ts'
import { sameEntry } from './entry-stat.ts'
import type { EntryStat, EntryType } from './entry-stat.ts'
import { DIRECTORY_FLAGS, ENTRY_RESOLVE, HandleDirectory } from './handle-directory.ts'
import { Latency } from './latency.ts'
import { CALLS_MAX } from './load-koffi.ts'
import { CallMemory } from './native.ts'
import type { Native } from './native.ts'
import { insertRanked } from './ranked.ts'
import { SystemFailure } from './system-failure.ts'
import type { Turns } from './thread-turns.ts'

/** Looked at, and not asked for yet. */
const ENTRIES_MAX = 1024
/** Of all homes that this thread reads at the same time. */
const ALL_CALLS_MAX = 3 * CALLS_MAX
/** Opened, and not entered yet. */
const DIRECTORIES_MAX = 64
/** On a quick file system one look in so many is timed. */
const LOOKS_PER_SAMPLE = 4
/** Of so many calls one looks whether there is processor to spare. */
const CALLS_PER_LOOK = 1024

/** What is known of one entry ahead of its turn. Each answer is given once: whoever asks again wants to know what is there now. */
interface Found {
  /** While calls for it are under way. */
  waiting: PromiseWithResolvers<void> | undefined
  /** The walk stands before it. */
  isAwaited: boolean
  stat: EntryStat | undefined
  inside: AheadDirectory | undefined
}

export type LeavesOut = (path: string, type: EntryType, target: Buffer | undefined) => boolean

export class LooksAhead {
  readonly native: Native
  readonly clock: Clock
  readonly latency = new Latency()
  readonly #leavesOut: LeavesOut
  /** With entries nobody has looked at, in the order of the walk. */
  readonly #unlooked: AheadDirectory[] = []
  /** Directories that were looked at and are to be opened, in that order. */
  readonly #unopened: { readonly above: AheadDirectory; readonly at: number; readonly found: Found }[] = []
  readonly #memories: CallMemory[] = []
  #running = 0
  #turns: Turns | undefined
  #calls = 0
  entries = 0
  directories = 0

  constructor(native: Native, leavesOut: LeavesOut, clock: Clock) {
    this.native = native
    this.clock = clock
    this.#leavesOut = leavesOut
  }

  /** The same directory, whose entries are looked at ahead as soon as that is worth it. Whoever gave it closes it. */
  home(directory: HandleDirectory): AheadDirectory {
    return new AheadDirectory(this, directory, undefined, '', [])
  }

  add(directory: AheadDirectory): void {
    insertRanked(this.#unlooked, directory, (one) => one.position)
  }

  remove(directory: AheadDirectory): void {
    const at = this.#unlooked.indexOf(directory)
    if (at !== -1) this.#unlooked.splice(at, 1)
    for (let one = this.#unopened.length - 1; one >= 0; one--)
      if (this.#unopened[one]?.above === directory) this.#unopened.splice(one, 1)
  }

  /** The walk waits for this one. */
  hurry(found: Found): void {
    found.isAwaited = true
    const at = this.#unopened.findIndex((one) => one.found === found)
    const [one] = at === -1 ? [] : this.#unopened.splice(at, 1)
    if (one !== undefined) this.#open(one.above, one.at, found)
  }

  /** No more is asked. */
  end(): void {
    this.#turns?.end()
    this.#turns = undefined
  }

  pump(): void {
    const most = this.latency.atOnce(CALLS_MAX)
    while (this.#running < most && this.native.callsUnderWay < ALL_CALLS_MAX) {
      const open = this.directories < DIRECTORIES_MAX ? this.#unopened.shift() : undefined
      if (open !== undefined) {
        this.#open(open.above, open.at, open.found)
        continue
      }
      const directory = this.#unlooked[0]
      if (directory === undefined || this.entries >= ENTRIES_MAX) return
      const at = directory.startNext()
      if (at === undefined) this.#unlooked.shift()
      else this.#look(directory, at)
    }
  }

  #look(above: AheadDirectory, at: number): void {
    const name = above.nameAt(at)
    const found: Found = { waiting: Promise.withResolvers(), isAwaited: false, stat: undefined, inside: undefined }
    above.found.set(name, found)
    this.entries++
    this.#call((memory, done) =>
      this.native.statxSoon(above.handle, name, memory, (stat) => {
        found.stat = stat
        const isEntered = stat?.type === 'directory' && !stat.mountPoint && stat.device === above.stat.device
        if (!isEntered || above.isClosed || this.#leavesOut(pathIn(above, name), 'directory', undefined)) settle(found)
        // The walk waits for it and for what is in it together; while it does, nothing else that is open ahead is closed.
        else if (found.isAwaited) this.#open(above, at, found)
        else insertRanked(this.#unopened, { above, at, found }, (one) => [...one.above.rank, one.at])
        done()
      }),
    )
  }

  #open(above: AheadDirectory, at: number, found: Found): void {
    const name = above.nameAt(at)
    this.directories++
    this.#call((memory, done) => {
      const ended = (): void => {
        settle(found)
        done()
      }
      this.native.openSoon(
        above.handle,
        name,
        DIRECTORY_FLAGS | constants.O_NOFOLLOW,
        ENTRY_RESOLVE,
        memory,
        (handle) => {
          if (handle < 0) {
            this.directories--
            ended()
            return
          }
          const directory = this.#directory(handle)
          if (directory === undefined) {
            this.directories--
            ended()
            return
          }
          let pending = 2
          let hasAttributes = true
          let names: string[] | undefined
          const back = (): void => {
            if (--pending > 0) return
            if (names === undefined || above.isClosed || found.waiting === undefined) {
              directory.close()
              this.directories--
            } else {
              const rank = [...above.rank, at]
              found.inside = new AheadDirectory(this, directory, names, pathIn(above, name), rank, hasAttributes)
              this.add(found.inside)
            }
            ended()
          }
          this.native.listAttributesSoon(handle, memory, (bytes) => {
            hasAttributes = bytes !== 0
            back()
          })
          readdir(`/proc/self/fd/${handle}`, { encoding: 'latin1' }, (error, list) => {
            if (error === null) names = list.sort()
            back()
          })
        },
      )
    })
  }

  /** `undefined`: it does not even say what it is; the walk asks again, and is told why. */
  #directory(handle: number): HandleDirectory | undefined {
    try {
      return new HandleDirectory(handle, { native: this.native })
    } catch (error) {
      if (error instanceof SystemFailure) return undefined
      throw error
    }
  }

  #call(start: (memory: CallMemory, done: () => void) => void): void {
    this.#turns ??= this.native.turns.begin()
    if (this.#calls++ % CALLS_PER_LOOK === 0) this.#turns.look()
    const memory = this.#memories.pop() ?? new CallMemory()
    this.#running++
    start(memory, () => {
      this.#running--
      this.#memories.push(memory)
      this.pump()
    })
  }
}

export class AheadDirectory implements Directory {
  readonly #ahead: LooksAhead
  readonly #inner: HandleDirectory
  readonly #above: AheadDirectory | undefined
  readonly path: string
  /** Indexes from the home down: the order of the walk. */
  readonly rank: readonly number[]
  readonly found = new Map<string, Found>()
  readonly #hasAttributes: boolean
  #names: readonly string[] | undefined
  /** The next entry that the walk asks for, and the next nobody has looked at. */
  #at = 0
  #next = 0
  #looks = 0
  isClosed = false

  constructor(
    ahead: LooksAhead,
    inner: HandleDirectory,
    names: readonly string[] | undefined,
    path: string,
    rank: readonly number[],
    hasAttributes = true,
    above?: AheadDirectory,
  ) {
    this.#ahead = ahead
    this.#inner = inner
    this.#names = names
    this.path = path
    this.rank = rank
    this.#hasAttributes = hasAttributes
    this.#above = above
  }

  get stat(): EntryStat {
    return this.#inner.stat
  }

  /** How long a call takes, where that is long. */
  get slow(): SlowFiles | undefined {
    const { isSlow, ms } = this.#ahead.latency
    return isSlow ? { callMs: ms } : undefined
  }

  get native(): Native | undefined {
    return this.#inner.native
  }

  get handle(): number {
    return this.#inner.handle
  }

  get position(): readonly number[] {
    return [...this.rank, this.#next]
  }

  nameAt(at: number): string {
    return this.#names?.[at] as string
  }

  /** Its index; `undefined`: all are looked at. */
  startNext(): number | undefined {
    if (this.#names === undefined || this.#next >= this.#names.length) return undefined
    return this.#next++
  }

  names(): string[] {
    if (this.#names !== undefined) return this.#names as string[]
    const names = this.#inner.names()
    this.#names = names
    if (this.#ahead.latency.isSlow) this.#ahead.add(this)
    return names
  }

  /** The walk comes to this entry: what was before it is not asked for any more. */
  soon(name: string): Promise<void> | undefined {
    const names = this.#names
    if (names === undefined) return undefined
    for (; this.#at < names.length && names[this.#at] !== name; this.#at++) this.#forget(names[this.#at] as string)
    if (!this.#ahead.latency.isSlow) return undefined
    if (this.#next < this.#at) this.#next = this.#at
    this.#ahead.pump()
    const found = this.found.get(name)
    if (found?.waiting !== undefined) this.#ahead.hurry(found)
    return found?.waiting?.promise
  }

  look(name: string): EntryStat {
    // A name is looked up only where something is: that alone costs as much as a small part of the call.
    const found = this.found.size === 0 ? undefined : this.found.get(name)
    const stat = found?.stat
    if (found !== undefined && stat !== undefined) {
      found.stat = undefined
      return found.inside?.stat ?? stat
    }
    if (this.#looks++ % LOOKS_PER_SAMPLE !== 0 || this.#ahead.latency.isSlow) return this.#inner.look(name)
    const began = this.#ahead.clock.monotonicMs()
    try {
      return this.#inner.look(name)
    } finally {
      this.#ahead.latency.add(this.#ahead.clock.monotonicMs() - began)
      if (this.#ahead.latency.isSlow) this.#begin()
    }
  }

  enter(name: string, seen: EntryStat | undefined, crossing = false): Directory {
    const found = this.found.get(name)
    const inside = found?.inside
    if (found !== undefined && inside !== undefined) {
      found.inside = undefined
      this.#ahead.directories--
      if (seen !== undefined && sameEntry(inside.stat, seen)) return inside
      inside.close()
    }
    const inner = this.#inner.enter(name, seen, crossing)
    const path = this.path === '' ? name : `${this.path}/${name}`
    const at = this.#names?.indexOf(name, Math.max(0, this.#at - 1)) ?? -1
    if (at === -1) return inner
    return new AheadDirectory(this.#ahead, inner, undefined, path, [...this.rank, at], true, this)
  }

  leave(seen: EntryStat): Directory {
    return this.#inner.leave(seen)
  }

  openFile(name: string, seen: EntryStat): OpenFile {
    return this.#inner.openFile(name, seen)
  }

  readLink(name: string): Buffer {
    return this.#inner.readLink(name)
  }

  attributeTarget(name?: string): number | string {
    return this.#inner.attributeTarget(name)
  }

  get isWithoutAttributes(): boolean {
    return !this.#hasAttributes
  }

  hold(): HeldDirectory {
    return this.#inner.hold()
  }

  fileSystem(): FileSystem {
    return this.#inner.fileSystem()
  }

  close(): void {
    if (this.isClosed) return
    this.release()
    this.#inner.close()
  }

  /** Forgets what it knows, and leaves the directory open to whoever opened it. */
  release(): void {
    this.isClosed = true
    if (this.rank.length === 0) this.#ahead.end()
    this.#ahead.remove(this)
    for (const name of [...this.found.keys()]) this.#forget(name)
  }

  /** From here on it is worth it: for what is left here, and above. */
  #begin(): void {
    if (this.#names !== undefined) {
      this.#next = Math.max(this.#next, this.#at + 1)
      this.#ahead.add(this)
    }
    if (this.#above !== undefined) this.#above.#begin()
  }

  #forget(name: string): void {
    const found = this.found.size === 0 ? undefined : this.found.get(name)
    if (found === undefined) return
    this.found.delete(name)
    this.#ahead.entries--
    if (found.inside !== undefined) {
      this.#ahead.directories--
      found.inside.close()
    }
    settle(found)
  }
}

function settle(found: Found): void {
  found.waiting?.resolve()
  found.waiting = undefined
}

function pathIn(directory: AheadDirectory, name: string): string {
  return directory.path === '' ? name : `${directory.path}/${name}`
}
