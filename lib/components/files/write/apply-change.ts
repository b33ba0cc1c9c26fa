/** Makes one change of one entry, in the directory that holds it. */
import type { Change } from '../../../resources/change.ts'
import type { JsonObject } from '../../../resources/json.ts'
import type { Applied } from '../../writer.ts'
import { sameEntry } from '../entry-stat.ts'
import type { EntryStat } from '../entry-stat.ts'
import type { Pace } from '../pace.ts'
import { look } from '../root.ts'
import { SystemFailure } from '../system-failure.ts'
import type { Flushing } from './flushing.ts'
import { openFirstName } from './first-name.ts'
import type { FirstName } from './first-name.ts'
import { lookLive, membersOf, strangeMembers } from './members.ts'
import type { Live, Members } from './members.ts'
import { setOwnTime } from './own-time.ts'
import type { OwnTime, OwnTimes } from './own-time.ts'
import { Replacing, namesFor } from './put-in-place.ts'
import { isSameContent } from './same-content.ts'
import { handleOf } from './spot.ts'
import type { Spot } from './spot.ts'
import { dress, namesOn, stage } from './stage.ts'
import { readWish } from './wish.ts'
import type { Wish } from './wish.ts'
import type { WritingCalls } from './writing-calls.ts'

export interface ApplyContext {
  readonly calls: WritingCalls
  readonly restore: string
  readonly pace: Pace
  readonly flushing: Flushing
  readonly times: OwnTimes
  /** What is wanted, as it will read back here; absent for a delete. */
  readonly predicted: JsonObject | undefined
  /** Directories stay open to their owner until all is done: whoever writes here may not go into closed ones. */
  readonly relaxes: boolean
}

const CONFLICT: Applied = { kind: 'conflict', fields: [] }
const OWNER_MAY = 0o300

/**
 * `wait`: another name of a file that is not there yet, or not yet as it will be; nothing was written.
 * @throws SystemFailure, TorikiError.
 */
export async function applyChange(spot: Spot, change: Change, context: ApplyContext): Promise<Applied | 'wait'> {
  const { predicted } = context
  const wish = predicted === undefined ? undefined : readWish(predicted)
  // Was foreseen as what cannot be made.
  if (predicted !== undefined && wish === undefined) throw new SystemFailure('EINVAL')
  const time = context.times.of(context.calls, spot.parent)
  const one = new OneChange(spot, change, context, wish, time)
  try {
    const applied = await one.make()
    time.bringBack(context.flushing)
    return applied
  } catch (error) {
    // After a failure that is tried and no more.
    try {
      time.bringBack(context.flushing)
    } catch {
      throw error
    }
    throw error
  }
}

/** Times, and modes, that making others beneath would spoil. Idempotent. @throws SystemFailure. */
export function completeDirectory(spot: Spot, { calls, predicted, flushing }: ApplyContext): void {
  const wish = predicted === undefined ? undefined : readWish(predicted)
  const stat = look(spot.parent, spot.name)
  if (wish?.type !== 'directory' || stat?.type !== 'directory') return
  const directory = spot.parent.enter(spot.name, stat, true)
  try {
    const handle = handleOf(directory)
    if (stat.mode !== wish.mode && stat.mode === (wish.mode | OWNER_MAY)) calls.setMode(handle, wish.mode)
    setOwnTime(calls, handle, wish.mtimeNs)
    flushing.after(handle)
  } finally {
    directory.close()
  }
}

class OneChange {
  readonly #spot: Spot
  readonly #change: Change
  readonly #context: ApplyContext
  /** With the mode that it is to have until all is done. */
  readonly #wish: Wish | undefined
  /** What counts as made. */
  readonly #made: readonly Members[]
  /** What counts as seen, or made. */
  readonly #known: readonly Members[]
  readonly #replacing: Replacing
  readonly #time: OwnTime

  constructor(spot: Spot, change: Change, context: ApplyContext, wish: Wish | undefined, time: OwnTime) {
    const { predicted, calls, restore, relaxes } = context
    this.#spot = spot
    this.#change = change
    this.#context = context
    const mode = relaxes && wish?.type === 'directory' ? wish.mode | OWNER_MAY : wish?.mode
    this.#wish = wish === undefined || mode === undefined ? undefined : { ...wish, mode }
    // Exactly what is wanted counts too, where it could not be made so: on the way back it was never touched.
    const made = [predicted, change.after?.state].filter((state) => state !== undefined)
    const open = mode === wish?.mode ? [] : made.map((state) => ({ ...state, mode: octal(mode ?? 0) }))
    this.#made = [...made, ...open].map(membersOf)
    this.#known = change.before === undefined ? this.#made : [membersOf(change.before.state), ...this.#made]
    this.#replacing = new Replacing(calls, spot.parent, namesFor(restore, spot.name), time)
    this.#time = time
  }

  async make(): Promise<Applied | 'wait'> {
    if (!this.#replacing.recover((name) => this.#isKnown(name))) return CONFLICT
    const { parent, name } = this.#spot
    const live = lookLive(parent, name)
    const wish = this.#wish
    if (wish === undefined) return this.#delete(live)
    if (live === undefined && this.#change.before !== undefined) return CONFLICT
    const strange = live === undefined ? [] : strangeMembers(live.members, this.#known)
    if (strange.length > 0) return { kind: 'conflict', fields: strange }
    const first =
      wish.hardLinkTo === undefined ? undefined : openFirstName(this.#spot, wish.hardLinkTo, this.#made[0] as Members)
    if (wish.hardLinkTo !== undefined && first === undefined) return 'wait'
    try {
      return live === undefined ? await this.#create(wish, first) : await this.#update(live, wish, first)
    } finally {
      first?.close()
    }
  }

  #delete(live: Live | undefined): Applied {
    if (live === undefined) return { kind: 'already', complete: false }
    const strange = strangeMembers(live.members, this.#known)
    if (strange.length > 0) return { kind: 'conflict', fields: strange }
    return this.#replacing.remove(live.stat) ? { kind: 'applied', complete: false } : CONFLICT
  }

  async #create(wish: Wish, first: FirstName | undefined): Promise<Applied> {
    await this.#stage(wish, first)
    return this.#replacing.create() ? { kind: 'applied', complete: wish.type === 'directory' } : CONFLICT
  }

  async #update(live: Live, wish: Wish, first: FirstName | undefined): Promise<Applied> {
    const complete = wish.type === 'directory'
    if (await this.#isMade(live, first)) return { kind: 'already', complete }
    // What a create finds is either made or somebody's.
    if (this.#change.before === undefined) return CONFLICT
    if (live.stat.type === 'directory' && complete) this.#dressDirectory(live.stat, wish)
    else {
      await this.#stage(wish, first)
      if (!this.#replacing.replace(live.stat)) return CONFLICT
    }
    return { kind: 'applied', complete }
  }

  async #stage(wish: Wish, first: FirstName | undefined): Promise<void> {
    const { calls, pace, flushing } = this.#context
    const { parent } = this.#spot
    const { fresh } = this.#replacing.names
    this.#time.keep()
    try {
      if (first === undefined) await stage(calls, parent, fresh, wish, this.#change.after?.content, { pace, flushing })
      else {
        calls.addName(handleOf(first.parent), first.name, handleOf(parent), fresh)
        if (!sameEntry(parent.look(fresh), first.stat)) throw new SystemFailure('REPLACED')
      }
    } catch (error) {
      // Whatever becomes of that, the first failure is the one to tell of; a second try clears away what is left.
      try {
        this.#replacing.discard(fresh)
      } catch {
        throw error
      }
      throw error
    }
  }

  #dressDirectory(stat: EntryStat, wish: Wish): void {
    const directory = this.#spot.parent.enter(this.#spot.name, stat, true)
    try {
      const handle = handleOf(directory)
      dress(this.#context.calls, handle, wish, namesOn(directory, handle))
      this.#context.flushing.after(handle)
    } finally {
      directory.close()
    }
  }

  async #isMade({ members, stat }: Live, first: FirstName | undefined): Promise<boolean> {
    if (this.#made.every((side) => strangeMembers(members, [side]).length > 0)) return false
    if (first !== undefined) return sameEntry(first.stat, stat)
    const { before, after } = this.#change
    if (stat.type !== 'file' || before === undefined) return true
    const { parent, name } = this.#spot
    const was = readWish(before.state)
    if (was?.hardLinkTo !== undefined) {
      const other = openFirstName(this.#spot, was.hardLinkTo, membersOf(before.state))
      other?.close()
      if (other !== undefined && sameEntry(other.stat, stat)) return false
    }
    // Where both sides have the same length and time, only the bytes tell.
    if (strangeMembers(members, [membersOf(before.state)]).some((field) => field === 'mtime' || field === 'size'))
      return true
    return after?.content === undefined || (await isSameContent(parent, name, stat, after.content, this.#context.pace))
  }

  /** What lies there is kept elsewhere. */
  #isKnown(name: string): boolean {
    const live = lookLive(this.#spot.parent, name)
    return live !== undefined && strangeMembers(live.members, this.#known).length === 0
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
