/** The writing half of the files component. Promises and what is lost where: README.md beside this room. */
import { TorikiError, isTorikiError } from '../../../errors.ts'
import type { Change } from '../../../resources/change.ts'
import { ENTRY_KIND } from '../../../resources/key.ts'
import type { ResourceKey } from '../../../resources/key.ts'
import type { Resource } from '../../../resources/resource.ts'
import type { Slice } from '../../../resources/slice.ts'
import type { FilesSettings } from '../../../settings.ts'
import type { Check } from '../../component.ts'
import type { Applied, ComponentWriter, Forecast, Turns, WriteContext } from '../../writer.ts'
import type { Directory } from '../directory.ts'
import { findGround } from '../ground.ts'
import type { Ground } from '../ground.ts'
import { Pace, stopIfAborted } from '../pace.ts'
import { PartBuffers } from '../part-buffers.ts'
import { placesOf } from '../places.ts'
import type { Places } from '../places.ts'
import { applyChange, completeDirectory } from './apply-change.ts'
import type { ApplyContext } from './apply-change.ts'
import { doctorWriting } from './doctor.ts'
import { Foreseen, foresee, hereAt, isForeseenBySibling } from './foresee.ts'
import type { ForeseeContext } from './foresee.ts'
import { flushesWhole, flushingBy } from './flushing.ts'
import type { Flushing } from './flushing.ts'
import { FirstSights, FreshBatch } from './fresh-files.ts'
import type { FreshFile, Shared } from './fresh-files.ts'
import { lookAtHome, oneByOne } from './look-at-home.ts'
import { OwnTimes } from './own-time.ts'
import { ownPowers } from './powers.ts'
import type { Powers } from './powers.ts'
import { predict } from './predict.ts'
import type { Here } from './predict.ts'
import { renameEntry } from './rename.ts'
import { SameRoot } from './same-root.ts'
import { atSpot, handleOf } from './spot.ts'
import { firstNameOf } from './stands-on.ts'
import type { Spot, Way } from './spot.ts'
import { SpotsTogether } from './spots-together.ts'
import { Together } from './together.ts'
import { namesOf } from './wish.ts'
import { isGone, writeFailed } from './write-failure.ts'
import { findWritingCalls } from './writing-calls.ts'
import type { WritingCalls } from './writing-calls.ts'

export interface FilesWriterOptions {
  /** The way into the homes; by default the best this machine has. */
  readonly ground?: Ground
  /** The calls that write; by default the best this machine has. */
  readonly calls?: WritingCalls
  /** What this process may do; by default as the system says. */
  readonly powers?: Powers
}

/** Files that wait open for being flushed one by one. */
const OPEN_MAX = 64
/** Held open, by two handles each, until what was made in them is in its place: a process may have as few as 1,024, and two batches are under way. */
const DIRECTORIES_MAX = 128

type Action<T> = (spot: Spot | undefined, applying: ApplyContext) => T | Promise<T>

/** What changes share that are made together. */
interface Batch {
  readonly before: Flushing['before']
  readonly times: OwnTimes
  readonly spots: SpotsTogether
  /** Can their file system be flushed whole? */
  readonly told: (whole: boolean) => void
}

/** Another name of a file whose first name comes later, on the way back as on the way there, is made when all is there. */
function madeLater(applied: Applied | 'wait'): Applied {
  return applied === 'wait' ? { kind: 'applied', complete: true } : applied
}

/** @throws TorikiError `settings-invalid` for a path template that cannot be understood. Opens nothing. */
export function filesWriter(settings: FilesSettings, options: FilesWriterOptions = {}): ComponentWriter {
  return new FilesWriter(settings, options)
}

class FilesWriter implements ComponentWriter {
  readonly name = 'files'
  readonly kinds = [ENTRY_KIND]
  readonly worksInServers = true
  readonly #root: string
  readonly #places: Places
  readonly #options: FilesWriterOptions
  readonly #buffers = new PartBuffers()
  readonly #foreseen = new WeakMap<WriteContext, Foreseen>()
  readonly #shared = new WeakMap<WriteContext, Shared>()
  readonly #sameRoot = new SameRoot()
  readonly #wholes = new Map<bigint, boolean>()
  readonly #powers: Powers
  #ground: Promise<Ground> | undefined
  #calls: Promise<WritingCalls> | undefined
  #foundCalls: WritingCalls | undefined

  constructor(settings: FilesSettings, options: FilesWriterOptions) {
    this.#root = settings.root
    this.#places = placesOf(settings)
    this.#options = options
    this.#powers = options.powers ?? ownPowers()
  }

  async *doctor(): AsyncGenerator<Check, void, void> {
    yield* doctorWriting(this.#root, this.#places, this.#powers, {
      ground: () => this.#findGround(),
      calls: () => this.#findCalls(),
    })
  }

  async *look(
    slice: Slice,
    keys: AsyncIterable<ResourceKey>,
    context: WriteContext,
  ): AsyncGenerator<Resource, void, void> {
    for await (const batch of this.lookBatches(slice, oneByOne(keys), context)) yield* batch
  }

  async *lookBatches(
    slice: Slice,
    keys: AsyncIterable<readonly ResourceKey[]>,
    context: WriteContext,
  ): AsyncGenerator<readonly Resource[], void, void> {
    const way = await this.#way(context)
    yield* lookAtHome({ ...way, sameRoot: this.#sameRoot, buffers: this.#buffers }, slice, keys, context)
  }

  readonly beside = true
  readonly rename = renameEntry
  readonly standsOn = firstNameOf

  foresee(slice: Slice, change: Change, context: WriteContext): Forecast | Promise<Forecast> {
    stopIfAborted(context.signal)
    const names = namesOf(change.key)
    if (names === undefined) return { kind: 'cannot', code: 'not-an-entry', reason: 'No entry has such a name.' }
    if (this.#foundCalls === undefined) return this.#findCalls().then(() => this.foresee(slice, change, context))
    const { isNative } = this.#foundCalls
    let foreseen = this.#foreseen.get(context)
    if (foreseen === undefined) this.#foreseen.set(context, (foreseen = new Foreseen()))
    const asking = { foreseen, names, isNative, powers: this.#powers }
    if (isForeseenBySibling(change, asking)) return foresee(undefined, undefined, change, asking)
    return this.#foreseeThere(slice, change, context, asking)
  }

  async #foreseeThere(slice: Slice, change: Change, context: WriteContext, asking: ForeseeContext): Promise<Forecast> {
    const { names } = asking
    try {
      return await atSpot(await this.#way(context), slice, names, (spot, nearest) =>
        foresee(spot, nearest, change, asking),
      )
    } catch (error) {
      throw writeFailed(error)
    }
  }

  async apply(slice: Slice, change: Change, context: WriteContext): Promise<Applied> {
    return await this.#applyAlone(slice, change, context)
  }

  async applyMany(
    slice: Slice,
    changes: readonly Change[],
    context: WriteContext,
    { still, shows = still, begun }: Turns = {},
  ): Promise<readonly Applied[]> {
    const calls = await this.#findCalls()
    const { sights, times } = this.#sharedOf(context)
    let whole = false
    const fresh = new FreshBatch(calls, context.restore, sights, times)
    const flush = async (handles: readonly number[]): Promise<void> => {
      const [one] = handles
      if (whole && one !== undefined) calls.flushAll?.(one)
      else await calls.flushEach(handles)
    }
    const together = new Together(flush, shows, () => fresh.allMade())
    let spots = new SpotsTogether()
    const way = await this.#way(context)
    let last: { readonly directory: Directory; readonly here: Here; readonly whole: boolean } | undefined
    const staged = (change: Change): FreshFile | undefined => {
      const spot = this.#freshSpot(change, way, slice, spots)
      if (spot === undefined) return undefined
      const { parent: directory } = spot
      if (last?.directory !== directory) {
        const here = hereAt(directory, { isNative: calls.isNative, powers: this.#powers })
        last = { directory, here, whole: this.#flushesWhole(directory, calls) }
      }
      whole = last.whole
      return fresh.stage(spot, change, last.here, !whole)
    }
    try {
      for (const change of changes) {
        stopIfAborted(context.signal)
        if (spots.held >= DIRECTORIES_MAX) {
          await together.goOn()
          fresh.bringBack(flushingBy(calls, whole))
          spots.close()
          spots = new SpotsTogether()
        }
        const file = together.hasEnded ? undefined : staged(change)
        if (file !== undefined) {
          together.add(file, () => this.#applyAlone(slice, change, context))
          // Each is open until then.
          if (!whole && together.waiting >= OPEN_MAX) await together.goOn()
          continue
        }
        // Another name is given to a file that is in its place.
        const isOtherName = change.after?.state['hardLinkTo'] !== undefined
        if (isOtherName) await together.goOn()
        await (isOtherName ? shows : still)?.()
        const goes = await together.begin(async (before) => {
          const told = (is: boolean): void => void (whole = is)
          return madeLater(await this.#apply(slice, change, context, { before, times, spots, told }))
        })
        if (!goes) break
      }
      if (!together.hasEnded) begun?.()
      const results = await together.results()
      fresh.bringBack(flushingBy(calls, whole))
      return results
    } finally {
      // Whoever makes something yet does it by handles that are closed then.
      await together.giveUp()
      // After a failure that is tried and no more: a second try does it.
      fresh.letGo(flushingBy(calls, whole))
      spots.close()
    }
  }

  /** Where a file lies that is not there by the plan, and needs nothing that must be waited for; else `undefined`, and also where the way there is for others to tell of. */
  #freshSpot({ key, before, after }: Change, way: Way, slice: Slice, spots: SpotsTogether): Spot | undefined {
    if (before !== undefined || after?.state['type'] !== 'file' || after.state['hardLinkTo'] !== undefined)
      return undefined
    const { content } = after
    if (content !== undefined && content.ready === undefined && content.elsewhere === undefined) return undefined
    const names = namesOf(key)
    if (names === undefined) return undefined
    try {
      return spots.find(way, slice, names)
    } catch {
      return undefined
    }
  }

  async #applyAlone(slice: Slice, change: Change, context: WriteContext): Promise<Applied> {
    return madeLater(await this.#apply(slice, change, context))
  }

  #sharedOf(context: WriteContext): Shared {
    const shared = this.#shared.get(context) ?? { sights: new FirstSights(), times: new OwnTimes() }
    this.#shared.set(context, shared)
    return shared
  }

  async flush(slice: Slice, context: WriteContext): Promise<void> {
    const calls = await this.#findCalls()
    try {
      // What lies at the top of the home lies in the home; where there is none it was to lie in what is above.
      await atSpot(await this.#way(context), slice, ['.'], (_spot, nearest) => {
        if (this.#flushesWhole(nearest, calls)) calls.flushAll?.(handleOf(nearest))
      })
    } catch (error) {
      throw writeFailed(error)
    }
  }

  async complete(slice: Slice, change: Change, context: WriteContext): Promise<void> {
    await this.#complete(slice, change, context)
  }

  async completeMany(
    slice: Slice,
    changes: readonly Change[],
    context: WriteContext,
    still?: () => Promise<void>,
  ): Promise<void> {
    let spots = new SpotsTogether()
    try {
      for (const change of changes) {
        if (spots.held >= DIRECTORIES_MAX) {
          spots.close()
          spots = new SpotsTogether()
        }
        await still?.()
        await this.#complete(slice, change, context, { spots })
      }
    } finally {
      spots.close()
    }
  }

  async #complete(slice: Slice, change: Change, context: WriteContext, batch: Partial<Batch> = {}): Promise<void> {
    const { after } = change
    if (after === undefined) return
    if (after.state['hardLinkTo'] !== undefined) {
      const applied = await this.#apply(slice, change, context)
      if (applied === 'wait' || applied.kind === 'conflict' || applied.kind === 'damaged')
        throw new TorikiError('restore-conflict', {
          message: 'A file that was to have another name is not there, or is not what it was to be.',
        })
      return
    }
    if (after.state['type'] !== 'directory') return
    const action: Action<void> = (spot, applying) => {
      if (spot !== undefined) completeDirectory(spot, applying)
    }
    await this.#at(slice, change, context, action, batch)
  }

  async sweep(slice: Slice, change: Change, context: WriteContext): Promise<void> {
    // That it is made already is found after what is temporary was cleared away.
    await this.#apply(slice, change, context)
  }

  close(): Promise<void> {
    return Promise.resolve() // nothing is held between calls
  }

  async #apply(slice: Slice, change: Change, context: WriteContext, batch?: Batch): Promise<Applied | 'wait'> {
    const action: Action<Applied | 'wait'> = async (spot, applying) => {
      if (spot !== undefined) return await applyChange(spot, change, applying)
      if (change.after === undefined) return { kind: 'already', complete: false }
      return { kind: 'conflict', fields: [] }
    }
    try {
      return await this.#at(slice, change, context, action, batch)
    } catch (error) {
      // Somebody replaces what we reach for: it is not what the plan saw.
      if (isGone(error)) return { kind: 'conflict', fields: [] }
      // The target is as it was: what was staged is gone again.
      if (isTorikiError(error, 'restore-damaged')) return { kind: 'damaged', complete: false }
      throw error
    }
  }

  async #at<T>(
    slice: Slice,
    change: Change,
    context: WriteContext,
    action: Action<T>,
    { before, times = this.#sharedOf(context).times, spots, told }: Partial<Batch> = {},
  ): Promise<T> {
    const pace = new Pace(context.clock, context.signal)
    stopIfAborted(context.signal)
    const names = namesOf(change.key)
    if (names === undefined) throw new TorikiError('target-refused', { message: 'No entry has such a name.' })
    const calls = await this.#findCalls()
    try {
      const way = await this.#way(context)
      const act = async (spot: Spot | undefined, nearest: Directory): Promise<T> => {
        const here = hereAt(nearest, { isNative: calls.isNative, powers: this.#powers })
        const predicted = change.after && predict(change.after.state, change.before?.state, here).state
        const relaxes = !this.#powers.mayEnterAll
        const whole = this.#flushesWhole(nearest, calls)
        told?.(whole)
        const flushing = flushingBy(calls, whole, before)
        return await action(spot, { calls, restore: context.restore, pace, predicted, relaxes, flushing, times })
      }
      return spots === undefined ? await atSpot(way, slice, names, act) : await spots.at(way, slice, names, act)
    } catch (error) {
      // It was there when the plan was made: a mount that went away may come back.
      if (isTorikiError(error) && error.code === 'root-missing')
        throw new TorikiError('root-missing', { message: error.message, retry: 'later', cause: error })
      throw isGone(error) ? error : writeFailed(error)
    }
  }

  async #way({ restore }: WriteContext): Promise<Way> {
    const prove = (part: string, directory: Directory | undefined): void =>
      this.#sameRoot.prove(restore, part, directory)
    return { ground: await this.#findGround(), root: this.#root, places: this.#places, prove }
  }

  /** Asked once of each file system. */
  #flushesWhole(directory: Directory, calls: WritingCalls): boolean {
    const { device } = directory.stat
    const known = this.#wholes.get(device) ?? flushesWhole(directory, calls)
    this.#wholes.set(device, known)
    return known
  }

  #findGround(): Promise<Ground> {
    this.#ground ??= this.#options.ground === undefined ? findGround() : Promise.resolve(this.#options.ground)
    return this.#ground
  }

  #findCalls(): Promise<WritingCalls> {
    const { calls } = this.#options
    this.#calls ??= (calls === undefined ? findWritingCalls() : Promise.resolve(calls)).then(
      (found) => (this.#foundCalls = found),
    )
    return this.#calls
  }
}
