/**
 * Files of which most likely nothing is there yet, as nearly all of a home that is brought back: made whole under their temporary names in few calls and without waiting. Nothing is
 * believed that matters: a temporary name that is taken, and a name that is taken when the file is put in its place, are found by the calls themselves; then, and whenever
 * anything fails, the change is made as any other is.
 */
import { closeSync } from 'node:fs'
import type { Change } from '../../../resources/change.ts'
import type { Asker, FileToMake, MadeFile } from '../../../resources/file-making.ts'
import type { ContentPart } from '../../../resources/resource.ts'
import type { Applied } from '../../writer.ts'
import type { Directory } from '../directory.ts'
import { SystemFailure } from '../system-failure.ts'
import type { Flushing } from './flushing.ts'
import { dressFresh, writeProven } from './fresh-file.ts'
import type { OwnTime, OwnTimes } from './own-time.ts'
import { predict } from './predict.ts'
import type { Here } from './predict.ts'
import { freshName, Replacing, namesFor } from './put-in-place.ts'
import type { Spot } from './spot.ts'
import { handleOf } from './spot.ts'
import { namesOn } from './stage.ts'
import { readWish } from './wish.ts'
import type { Wish } from './wish.ts'
import type { WritingCalls } from './writing-calls.ts'

/** Of all directories together. */
const NAMES_MAX = 200_000
const DIRECTORIES_MAX = 20_000
/** A longer directory is not listed for the sake of a few files in it. */
const DIRECTORY_BYTES_MAX = 1024 * 1024
const TEMPORARY = '.toriki-'
const PARENT_GIVES = 'system.posix_acl_default'

/** What stood in directories when they were first written in by this restore, in this process: tells where a file is most likely new. */
export class FirstSights {
  readonly #seen = new Map<string, ReadonlySet<string> | 'not-listed'>()
  #names = 0

  /** Nothing of that name was there, and nothing that a cut-off try left. */
  wasFree(directory: Directory, name: string): boolean {
    const { stat } = directory
    const key = `${stat.device}:${stat.inode}`
    const names = this.#seen.get(key) ?? this.#list(directory, key)
    return names !== 'not-listed' && !names.has(name)
  }

  #list(directory: Directory, key: string): ReadonlySet<string> | 'not-listed' {
    if (this.#names > NAMES_MAX || this.#seen.size > DIRECTORIES_MAX) {
      this.#seen.clear()
      this.#names = 0
    }
    const names = directory.stat.sizeBytes > DIRECTORY_BYTES_MAX ? undefined : directory.names()
    const sight =
      names === undefined || names.some((name) => name.startsWith(TEMPORARY)) ? 'not-listed' : new Set(names)
    this.#names += names?.length ?? 0
    this.#seen.set(key, sight)
    return sight
  }
}

/** What the calls of one restore share: they may overlap, and write in the same directories. */
export interface Shared {
  readonly sights: FirstSights
  readonly times: OwnTimes
}

/** A file under its temporary name, or one that is being made there. */
export interface FreshFile {
  /** By which it is flushed, when it is made: open, and whole. */
  handle(): number | undefined
  /** When it is made. `undefined`: somebody was quicker, or it could not be; nothing of ours is left then. */
  place(): Applied | undefined
  drop(): void
}

/** Those of one batch of changes. */
export class FreshBatch {
  readonly #calls: WritingCalls
  readonly #restore: string
  readonly #sights: FirstSights
  readonly #times: OwnTimes
  /** Of directories in which files were made: one of each is held until the batch has ended. */
  readonly #held = new Map<Directory, Place>()
  #last: Place | undefined
  #making = 0
  #ended: () => void = () => undefined

  constructor(calls: WritingCalls, restore: string, sights: FirstSights, times: OwnTimes) {
    this.#calls = calls
    this.#restore = restore
    this.#sights = sights
    this.#times = times
  }

  /** `undefined`: make it as any other change; nothing of ours is left. `isHeld`: it is flushed by itself. */
  stage({ parent, name }: Spot, { after }: Change, here: Here, isHeld: boolean): FreshFile | undefined {
    const wish = after && readWish(predict(after.state, undefined, here).state)
    if (wish === undefined) return undefined
    const place = this.#placeOf(parent)
    const file = new StagedFile(this.#calls, this.#restore, place, name, this.#isMade)
    try {
      if (!this.#sights.wasFree(parent, name)) return undefined
      place.time.keep()
      const content = after?.content
      if (content?.elsewhere !== undefined && wish.attributes.size === 0 && !place.gives) {
        const { sizeBytes, uid, gid, mode, mtimeNs } = wish
        const fresh: FileToMake = {
          directory: place.handle,
          name: file.fresh,
          sizeBytes,
          uid,
          gid,
          mode,
          mtimeNs,
          isHeld,
        }
        this.#making++
        if (content.elsewhere.make(fresh, file)) return file
        this.#making--
      }
      if (content !== undefined && content.ready === undefined) return undefined
      const handle = this.#calls.makeFile(place.handle, file.fresh)
      file.hold(handle)
      this.#write(handle, wish, content?.ready ?? [])
      dressFresh(this.#calls, handle, wish.sizeBytes, {
        ...wish,
        ...(place.gives ? { inherited: (made: number) => namesOn(parent, made) } : {}),
      })
      return file
    } catch {
      // Whatever it was is met again when the change is made as any other, and told of then.
      return dropped(() => file.drop())
    }
  }

  /** Fulfilled when nothing is being made by others; never rejects. */
  allMade(): Promise<void> {
    if (this.#making === 0) return Promise.resolve()
    return new Promise((resolve) => (this.#ended = resolve))
  }

  readonly #isMade = (): void => {
    if (--this.#making === 0) this.#ended()
  }

  /** When all are in their places. @throws SystemFailure. */
  bringBack(flushing: Flushing): void {
    this.#last = undefined
    for (const [directory, { time }] of this.#held) {
      this.#held.delete(directory)
      time.bringBack(flushing)
    }
  }

  /** The same, where something failed before. */
  letGo(flushing: Flushing): void {
    while (this.#held.size > 0) dropped(() => this.bringBack(flushing))
  }

  #placeOf(parent: Directory): Place {
    if (this.#last?.directory === parent) return this.#last
    let place = this.#held.get(parent)
    if (place === undefined) {
      place = new Place(parent, this.#times.of(this.#calls, parent))
      this.#held.set(parent, place)
    }
    return (this.#last = place)
  }

  #write(file: number, { sizeBytes }: Wish, parts: readonly ContentPart[]): void {
    let at = 0
    for (const part of parts) {
      if (!('holeBytes' in part)) writeProven(this.#calls, file, part, at)
      at += 'holeBytes' in part ? part.holeBytes : part.length
    }
    if (at !== sizeBytes) throw new SystemFailure('EIO')
  }
}

/** A directory in which files are made. */
class Place {
  readonly directory: Directory
  readonly handle: number
  readonly time: OwnTime
  #gives: boolean | undefined

  constructor(directory: Directory, time: OwnTime) {
    this.directory = directory
    this.handle = handleOf(directory)
    this.time = time
  }

  /** Does what is made in it inherit a list? Then not all can be said of a file in numbers. */
  get gives(): boolean {
    return (this.#gives ??= this.directory.native?.listAttributes(this.handle)?.includes(PARENT_GIVES) === true)
  }
}

/** There may be a great many at once. */
class StagedFile implements FreshFile, Asker {
  /** Its temporary name. */
  readonly fresh: string
  readonly #calls: WritingCalls
  readonly #restore: string
  readonly #place: Place
  readonly #name: string
  /** Told when another thread made it, or could not. */
  readonly #told: () => void
  /** Open. */
  #handle: number | undefined
  #isMade = false

  constructor(calls: WritingCalls, restore: string, place: Place, name: string, told: () => void) {
    this.fresh = freshName(restore, name)
    this.#calls = calls
    this.#restore = restore
    this.#place = place
    this.#name = name
    this.#told = told
  }

  hold(handle: number): void {
    this.#handle = handle
    this.#isMade = true
  }

  made(file: MadeFile): void {
    if (typeof file === 'number') this.hold(file)
    else this.#isMade = file !== undefined
    this.#told()
  }

  /** Where it is not held its file system is flushed, by its directory. */
  handle(): number | undefined {
    return this.#handle ?? (this.#isMade ? this.#place.handle : undefined)
  }

  place(): Applied | undefined {
    this.#close()
    if (!this.#isMade) return undefined
    try {
      // The time of the directory is kept since it was staged.
      this.#calls.renameToNew(this.#place.handle, this.fresh, this.#name)
      return APPLIED
    } catch {
      // As every file does on a file system that cannot promise this.
    }
    try {
      this.#replacing().moveToNew(this.fresh, this.#name)
      return APPLIED
    } catch {
      return this.#discarded()
    }
  }

  drop(): void {
    this.#close()
    if (this.#isMade) this.#discarded()
    this.#isMade = false
  }

  #replacing(): Replacing {
    const { directory, time } = this.#place
    return new Replacing(this.#calls, directory, namesFor(this.#restore, this.#name), time)
  }

  #discarded(): undefined {
    return dropped(() => this.#replacing().discard(this.fresh))
  }

  #close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle)
    this.#handle = undefined
  }
}

const APPLIED: Applied = { kind: 'applied', complete: false }

function dropped(drop: () => void): undefined {
  try {
    drop()
  } catch {
    // What is left stands under a name that a second try clears away.
  }
  return undefined
}
