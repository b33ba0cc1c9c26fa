/**
 * Files of which most likely nothing is there yet, as nearly all of a home that is brought back: made whole under their temporary names in few calls and without waiting. Nothing is
 * believed that matters: a temporary name that is taken, and a name that is taken when the file is put in its place, are found by the calls themselves; then, and whenever
 * anything fails, the change is made as any other is.
 */
import { closeSync, fstatSync } from 'node:fs'
import type { Change } from '../../../resources/change.ts'
import type { ContentPart } from '../../../resources/resource.ts'
import type { Applied } from '../../writer.ts'
import type { Directory } from '../directory.ts'
import { SystemFailure, call } from '../system-failure.ts'
import type { Flushing } from './flushing.ts'
import type { OwnTime, OwnTimes } from './own-time.ts'
import { predict } from './predict.ts'
import type { Here } from './predict.ts'
import { Replacing, namesFor } from './put-in-place.ts'
import type { Spot } from './spot.ts'
import { handleOf } from './spot.ts'
import { isWrittenSo, namesOn } from './stage.ts'
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
  /** Open, and whole. */
  readonly handle: number
  /** `undefined`: somebody was quicker, or it could not be; nothing of ours is left then. */
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

  /** `undefined`: make it as any other change; nothing of ours is left. All of its content is ready. */
  stage({ parent, name }: Spot, { after }: Change, here: Here): FreshFile | undefined {
    let handle: number | undefined
    const calls = this.#calls
    const parts = after?.content?.ready ?? []
    const wish = after && readWish(predict(after.state, undefined, here).state)
    if (wish === undefined) return undefined
    const time = this.#timeOf(parent)
    const replacing = new Replacing(calls, parent, namesFor(this.#restore, name), time)
    const { fresh } = replacing.names
    const drop = (): void => {
      if (handle !== undefined) closeSync(handle)
      if (handle !== undefined) replacing.discard(fresh)
      handle = undefined
    }
    try {
      if (!this.#sights.wasFree(parent, name)) return undefined
      time.keep()
      handle = calls.makeFile(handleOf(parent), fresh)
      this.#write(handle, wish, parts)
      this.#dress(handle, wish, parent)
      calls.setTime(handle, wish.mtimeNs)
    } catch {
      // Whatever it was is met again when the change is made as any other, and told of then.
      return dropped(drop)
    }
    return {
      handle,
      place: () => {
        if (handle !== undefined) closeSync(handle)
        handle = undefined
        try {
          replacing.moveToNew(fresh, name)
          return { kind: 'applied', complete: false }
        } catch {
          return dropped(() => replacing.discard(fresh))
        }
      },
      drop: () => {
        dropped(drop)
      },
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
      if (!('holeBytes' in part)) {
        this.#calls.write(file, part, at)
        if (!isWrittenSo(file, part, at)) throw new SystemFailure('EIO')
      }
      at += 'holeBytes' in part ? part.holeBytes : part.length
    }
    if (at !== sizeBytes) throw new SystemFailure('EIO')
    const last = parts.at(-1)
    if (last !== undefined && 'holeBytes' in last) this.#calls.setLength(file, sizeBytes)
  }

  /** Owner, attributes, mode, as `dress`: of what is known to be new. */
  #dress(file: number, wish: Wish, parent: Directory): void {
    const calls = this.#calls
    const stat = call(() => fstatSync(file))
    if (stat.size !== wish.sizeBytes) throw new SystemFailure('EIO')
    if (stat.uid !== wish.uid || stat.gid !== wish.gid) calls.setOwner(file, wish.uid, wish.gid)
    if (this.#parentGives(parent))
      for (const name of namesOn(parent, file)) if (!wish.attributes.has(name)) calls.removeAttribute(file, name)
    for (const [name, value] of wish.attributes) calls.setAttribute(file, name, value)
    // A list moves the mode.
    if (wish.attributes.size > 0 || (stat.mode & 0o7777) !== wish.mode || this.#parentGives(parent))
      calls.setMode(file, wish.mode)
  }

  #parentGives(parent: Directory): boolean {
    const known = this.#gives.get(parent)
    if (known !== undefined) return known
    const gives = parent.native?.listAttributes(handleOf(parent))?.includes(PARENT_GIVES) === true
    this.#gives.set(parent, gives)
    return gives
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
