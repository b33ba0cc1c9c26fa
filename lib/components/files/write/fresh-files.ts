/**
 * Files of which most likely nothing is there yet, as nearly all of a home that is brought back: made whole under their temporary names in few calls and without waiting. Nothing is
 * believed that matters: a temporary name that is taken, and a name that is taken when the file is put in its place, are found by the calls themselves; then, and whenever
 * anything fails, the change is made as any other is.
 */
import { closeSync } from 'node:fs'
import type { Change } from '../../../resources/change.ts'
import type { MadeFile } from '../../../resources/file-making.ts'
import type { ContentPart } from '../../../resources/resource.ts'
import type { Applied } from '../../writer.ts'
import type { Directory } from '../directory.ts'
import { SystemFailure } from '../system-failure.ts'
import type { Flushing } from './flushing.ts'
import { dressFresh, writeProven } from './fresh-file.ts'
import type { OwnTime, OwnTimes } from './own-time.ts'
import { predict } from './predict.ts'
import type { Here } from './predict.ts'
import { Replacing, namesFor } from './put-in-place.ts'
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

export interface FreshFile {
  /** By which it is flushed, when it is made: open, and whole. */
  readonly handle: () => number | undefined
  /** Absent: it is made. Never rejects. */
  readonly made?: Promise<void>
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
  readonly #held = new Map<Directory, OwnTime>()
  /** Does what is made in it inherit a list? */
  readonly #gives = new WeakMap<Directory, boolean>()

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
    const time = this.#timeOf(parent)
    const replacing = new Replacing(this.#calls, parent, namesFor(this.#restore, name), time)
    const file = new StagedFile(replacing, name)
    try {
      if (!this.#sights.wasFree(parent, name)) return undefined
      time.keep()
      const content = after?.content
      const made = this.#isPlain(wish, parent)
        ? content?.elsewhere?.make({
            ...{ directory: handleOf(parent), name: replacing.names.fresh, sizeBytes: wish.sizeBytes, isHeld },
            ...{ uid: wish.uid, gid: wish.gid, mode: wish.mode, mtimeNs: wish.mtimeNs },
          })
        : undefined
      if (made !== undefined) return file.madeBy(made, isHeld ? undefined : handleOf(parent))
      if (content !== undefined && content.ready === undefined) return undefined
      const handle = this.#calls.makeFile(handleOf(parent), replacing.names.fresh)
      file.hold(handle)
      this.#write(handle, wish, content?.ready ?? [])
      dressFresh(this.#calls, handle, wish.sizeBytes, {
        ...wish,
        ...(this.#parentGives(parent) ? { inherited: (made: number) => namesOn(parent, made) } : {}),
      })
      return file
    } catch {
      // Whatever it was is met again when the change is made as any other, and told of then.
      return dropped(() => file.drop())
    }
  }

  /** When all are in their places. @throws SystemFailure. */
  bringBack(flushing: Flushing): void {
    for (const [directory, time] of this.#held) {
      this.#held.delete(directory)
      time.bringBack(flushing)
    }
  }

  /** The same, where something failed before. */
  letGo(flushing: Flushing): void {
    while (this.#held.size > 0) dropped(() => this.bringBack(flushing))
  }

  #timeOf(parent: Directory): OwnTime {
    const held = this.#held.get(parent) ?? this.#times.of(this.#calls, parent)
    this.#held.set(parent, held)
    return held
  }

  #write(file: number, { sizeBytes }: Wish, parts: readonly ContentPart[]): void {
    let at = 0
    for (const part of parts) {
      if (!('holeBytes' in part)) writeProven(this.#calls, file, part, at)
      at += 'holeBytes' in part ? part.holeBytes : part.length
    }
    if (at !== sizeBytes) throw new SystemFailure('EIO')
  }

  /** Can all be said of it in numbers? */
  #isPlain({ attributes }: Wish, parent: Directory): boolean {
    return attributes.size === 0 && !this.#parentGives(parent)
  }

  #parentGives(parent: Directory): boolean {
    const known = this.#gives.get(parent)
    if (known !== undefined) return known
    const gives = parent.native?.listAttributes(handleOf(parent))?.includes(PARENT_GIVES) === true
    this.#gives.set(parent, gives)
    return gives
  }
}

/** A file under its temporary name. */
class StagedFile implements FreshFile {
  readonly #replacing: Replacing
  readonly #name: string
  /** Open. */
  #handle: number | undefined
  #isMade = false
  /** By which its file system is flushed, when it is not held itself. */
  #flushedBy: number | undefined
  made?: Promise<void>

  constructor(replacing: Replacing, name: string) {
    this.#replacing = replacing
    this.#name = name
  }

  hold(handle: number): void {
    this.#handle = handle
    this.#isMade = true
  }

  madeBy(made: Promise<MadeFile>, flushedBy: number | undefined): this {
    this.#flushedBy = flushedBy
    this.made = made.then((file) => {
      if (typeof file === 'number') this.hold(file)
      this.#isMade = file !== undefined
    })
    return this
  }

  readonly handle = (): number | undefined => this.#handle ?? (this.#isMade ? this.#flushedBy : undefined)

  place(): Applied | undefined {
    this.#close()
    if (!this.#isMade) return undefined
    try {
      this.#replacing.moveToNew(this.#replacing.names.fresh, this.#name)
      return { kind: 'applied', complete: false }
    } catch {
      return dropped(() => this.#replacing.discard(this.#replacing.names.fresh))
    }
  }

  drop(): void {
    this.#close()
    if (this.#isMade) dropped(() => this.#replacing.discard(this.#replacing.names.fresh))
    this.#isMade = false
  }

  #close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle)
    this.#handle = undefined
  }
}

function dropped(drop: () => void): undefined {
  try {
    drop()
  } catch {
    // What is left stands under a name that a second try clears away.
  }
  return undefined
}
