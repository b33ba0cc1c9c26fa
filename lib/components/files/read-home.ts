/** One home, or one shared directory, as resources in key order. */
import { TorikiError } from '../../errors.ts'
import { decodeKey } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { Resource } from '../../resources/resource.ts'
import type { FileRead, StoredContent } from '../../resources/file-reading.ts'
import type { ReadContext } from '../component.ts'
import { readAttributes } from './attributes.ts'
import type { Attributes } from './attributes.ts'
import { FileContent } from './content.ts'
import type { Directory } from './directory.ts'
import { EntryHints } from './entry-hints.ts'
import { PLAIN, entryState } from './entry.ts'
import type { EntryDetails } from './entry.ts'
import type { EntryStat } from './entry-stat.ts'
import type { Exclusions } from './exclude.ts'
import { FirstNames } from './first-names.ts'
import { HandleDirectory } from './handle-directory.ts'
import { fileNote } from './notes.ts'
import type { FileNoteCode } from './notes.ts'
import { Pace, stopIfAborted } from './pace.ts'
import type { PartBuffers } from './part-buffers.ts'
import type { ByteRate } from './rate.ts'
import { ReadAhead } from './read-ahead.ts'
import type { FileAhead } from './read-ahead.ts'
import type { StretchDetails } from './read-stretch.ts'
import { SystemFailure, classOf, failureOf, readFailed } from './system-failure.ts'
import { LeftOut } from './left-out.ts'
import { LooksAhead } from './looks-ahead.ts'
import type { AheadDirectory, LeavesOut } from './looks-ahead.ts'
import { visitKeys } from './visit-keys.ts'
import { endsBefore, isFile, isReadable, openVisited, walkSoon } from './walk.ts'
import type { Visit } from './walk.ts'

const NO_ATTRIBUTES: Readonly<Record<string, Buffer>> = {}
/** Handed over together. */
const BATCH_ENTRIES = 64
/** So many entries may be damaged before the file system, not a file, is taken to be. */
const DAMAGED_MAX = 100

export interface HomeReading {
  readonly exclusions: Exclusions
  readonly rate: ByteRate | undefined
  readonly buffers: PartBuffers
}

/**
 * Reads beneath `home` (of `keys` alone, where they are given: they ascend, what is not there is passed over, and what is left out by rule is seen too), which the caller closes, in batches: what a walk gives costs little, and handing over each entry by itself would cost more. Content is read when it is asked
 * for; its entry is the last of its batch, and its file is open from the yield to the next one.
 * @throws TorikiError `read-failed` when the file system, rather than one entry, fails; `home-unreadable`; `deadline`, `interrupted`.
 */
export async function* readHome(
  home: Directory,
  reading: HomeReading,
  context: ReadContext,
  keys?: AsyncIterable<readonly ResourceKey[]>,
): AsyncGenerator<readonly Resource[], void, void> {
  const reader = new HomeReader(home, reading, context, keys)
  try {
    yield* reader.batches()
  } catch (error) {
    const failure = failureOf(error)
    if (failure !== undefined && classOf(failure) === 'denied')
      throw new TorikiError('home-unreadable', { cause: failure })
    throw readFailed(error)
  } finally {
    reader.close()
  }
}

class HomeReader {
  readonly #home: Directory
  readonly #reading: HomeReading
  readonly #context: ReadContext
  readonly #pace: Pace
  readonly #names: FirstNames
  readonly #hints: EntryHints
  readonly #said = new Set<FileNoteCode>()
  readonly #keys: AsyncIterator<readonly ResourceKey[]> | undefined
  readonly #ahead = new ReadAhead()
  /** To be yielded next. */
  readonly #ready: Resource[] = []
  readonly #leftOut: LeftOut
  /** The home as the walk sees it, where answers can be fetched ahead. */
  readonly #aheadOfWalk: AheadDirectory | undefined
  #buffer: Buffer | undefined
  #damaged = 0
  #attributes = true

  constructor(
    home: Directory,
    reading: HomeReading,
    context: ReadContext,
    keys?: AsyncIterable<readonly ResourceKey[]>,
  ) {
    this.#home = home
    this.#reading = reading
    this.#context = context
    this.#pace = new Pace(context.clock, context.signal)
    this.#leftOut = new LeftOut(this.#pace, context.clock)
    this.#keys = keys?.[Symbol.asyncIterator]()
    const { exclusions } = reading
    const leavesOut: LeavesOut = (path, type, target) => exclusions.leavesOut(path, type, target)
    if (home instanceof HandleDirectory && home.native?.hasOpenat2 === true)
      this.#aheadOfWalk = new LooksAhead(home.native, leavesOut, context.clock).home(home)
    this.#names = new FirstNames(home, {
      exclusions: reading.exclusions,
      pace: this.#pace,
      after: context.after,
      isWhole: keys === undefined,
    })
    this.#hints = new EntryHints(home.native !== undefined, this.#names, context, keys !== undefined)
  }

  async *batches(): AsyncGenerator<readonly Resource[], void, void> {
    if (this.#home.native === undefined) this.#sayOnce('fidelity')
    const visits = this.#visits()
    try {
      for (;;) {
        const { value: visit, done } = visits.next()
        if (done === true) break
        if (visit instanceof Promise) {
          await visit
          continue
        }
        if (endsBefore(visit, this.#context.until)) break
        if (this.#pace.isDue()) await this.#pace.breathe()
        const answer = this.#hints.unchanged(visit)
        const ahead = (answer instanceof Promise ? await answer : answer) ?? this.#giveAway(visit)
        if (ahead !== undefined) this.#ahead.add(ahead)
        else if (visit.finding === 'left-out') await this.#leaveOut(visit)
        else if (isFile(visit)) yield* this.#readNext(visit)
        else {
          const resource = await this.#resource(visit)
          if (resource !== undefined) this.#ahead.add(resource)
        }
        this.#comeIn()
        if (this.#ahead.isFull) yield* this.#waitFor('room')
        if (this.#ready.length >= BATCH_ENTRIES) yield this.#ready.splice(0)
      }
      yield* this.#waitFor('all')
      yield this.#ready.splice(0)
    } finally {
      visits.return()
      await this.#keys?.return?.()
    }
    if (this.#names.isFull) this.#sayOnce('hard-links-not-tracked')
  }

  /** A file on this thread: its content is read as it is yielded, so everything before it goes first. */
  async *#readNext(visit: Visit): AsyncGenerator<readonly Resource[], void, void> {
    yield* this.#waitFor('all')
    yield* this.#readHere(visit)
  }

  async *#readHere(shown: Visit): AsyncGenerator<readonly Resource[], void, void> {
    this.#hints.isNoted = false
    let visit = shown
    try {
      if (isFile(shown) && shown.file === undefined) visit = openVisited(shown, this.#home, { opensFile: isReadable })
      const resource = await this.#resource(visit)
      if (resource === undefined) return
      // What was read before counts also when this one takes too long.
      if (this.#ready.length > 0) yield this.#ready.splice(0)
      yield [resource]
    } finally {
      visit.file?.close()
    }
  }

  /** To another thread, where there is one: plain files, of one name, whose place can be told. */
  #giveAway(visit: Visit): FileAhead | undefined {
    const { reading } = this.#context
    const { finding, stat, parent, name, file } = visit
    const canGive = this.#home.native !== undefined && this.#reading.rate === undefined
    if (reading === undefined || !canGive || file !== undefined) return undefined
    if (finding !== 'entry' || stat?.type !== 'file' || stat.links !== 1 || !isReadable(stat)) return undefined
    const held = parent.hold?.()
    if (held === undefined) return undefined
    const { sizeBytes, device, inode, mtimeNs, ctimeNs } = stat
    const pending = reading.take(
      { directory: held.handle, name, sizeBytes, device, inode, mtimeNs, ctimeNs },
      this.#aheadOfWalk?.slow,
    )
    if (pending === undefined) held.release()
    return pending && { pending, visit, stat, held }
  }

  /** Moves what is there to what is shown next, in order, as far as nothing has to be waited for or read here. */
  #comeIn(): void {
    for (;;) {
      const first = this.#ahead.first
      if (first === undefined) return
      if ('pending' in first) {
        if (first.pending.read?.stored === undefined) return
        this.#ready.push(this.#arrived(first, first.pending.read, first.pending.read.stored))
        first.held.release()
      } else this.#ready.push(first)
      this.#ahead.shift()
    }
  }

  async *#waitFor(what: 'room' | 'all'): AsyncGenerator<readonly Resource[], void, void> {
    for (;;) {
      this.#comeIn()
      const first = this.#ahead.first
      if (first === undefined || (what === 'room' && !this.#ahead.isFull)) return
      if (!('pending' in first)) continue
      if (first.pending.read === undefined) {
        this.#context.reading?.send()
        await first.pending.done
        stopIfAborted(this.#context.signal)
        continue
      }
      const details = first.pending.read.details as StretchDetails | undefined
      if (details?.exhausted !== undefined) throw new SystemFailure(details.exhausted)
      yield* this.#readHere(first.visit)
      first.held.release()
      this.#ahead.shift()
    }
  }

  #arrived({ visit, stat }: FileAhead, read: FileRead, stored: StoredContent): Resource {
    this.#hints.isNoted = false
    const attributes = this.#attributesFrom(visit, (read.details as StretchDetails | undefined)?.attributes)
    if (read.outcome === 'damaged') this.#damage()
    if (read.outcome !== 'whole') {
      this.#hints.isNoted = true
      this.#context.note(fileNote(read.outcome === 'damaged' ? 'damaged' : 'changed-while-reading', visit.key))
    }
    const isPlain = attributes === NO_ATTRIBUTES && read.outcome === 'whole' && read.readBytes === stat.sizeBytes
    const details = isPlain ? PLAIN : { attributes, sizeBytes: read.readBytes, unreadable: read.outcome === 'damaged' }
    return { key: visit.key, state: entryState(stat, details), stored, hint: this.#hints.soonAfter(stat) }
  }

  get #walked(): Directory {
    return this.#aheadOfWalk ?? this.#home
  }

  /** Nothing is read afterwards. */
  close(): void {
    for (let first = this.#ahead.shift(); first !== undefined; first = this.#ahead.shift())
      if ('pending' in first) first.held.release()
    this.#aheadOfWalk?.release()
    this.#names.close()
    if (this.#buffer !== undefined) this.#reading.buffers.give(this.#buffer)
    this.#buffer = undefined
  }

  #visits(): Generator<Visit | Promise<void>, void, void> {
    // What may be known already, or is read elsewhere, is opened here only when it is not.
    const { known, reading } = this.#context
    const opensFile = known === undefined && reading === undefined ? isReadable : (): boolean => false
    if (this.#keys !== undefined) return visitKeys(this.#walked, this.#keys, { opensFile })
    const { after } = this.#context
    return walkSoon(this.#walked, {
      ...(after === undefined ? {} : { after: decodeKey(after).segments.map((segment) => segment.toString('latin1')) }),
      leavesOut: (path, type, target) => this.#reading.exclusions.leavesOut(path, type, target),
      opensFile,
    })
  }

  async #resource(visit: Visit): Promise<Resource | undefined> {
    const { finding, key, stat, target } = visit
    if (finding === 'damaged') this.#damage()
    if (finding !== 'entry')
      this.#context.note(fileNote(finding, key, stat?.type === 'file' ? stat.sizeBytes : undefined))
    if (stat === undefined || finding === 'vanished') return undefined
    const details: EntryDetails = {
      ...(target === undefined ? {} : { target }),
      ...(finding === 'unreadable' || finding === 'damaged' ? { unreadable: true } : {}),
      ...(finding === 'other-file-system' ? { otherFileSystem: true } : {}),
    }
    if (finding !== 'entry' && finding !== 'too-deep') return { key, state: entryState(stat, details) }
    return stat.type === 'file' ? this.#file(visit, stat) : this.#withoutContent(visit, stat, details)
  }

  #withoutContent(visit: Visit, stat: EntryStat, details: EntryDetails): Resource {
    const { key, type } = { key: visit.key, type: stat.type }
    if (type !== 'directory' && type !== 'link') this.#context.note(fileNote('special-file', key))
    const attributes =
      type === 'link' || (type === 'directory' && visit.directory === undefined) ? undefined : this.#attributesOf(visit)
    const hint = details.otherFileSystem === true ? undefined : this.#hints.after(stat)
    const state = entryState(stat, attributes === undefined ? details : { ...details, attributes })
    return { key, state, hint: () => hint }
  }

  async #file(visit: Visit, stat: EntryStat): Promise<Resource> {
    const { key, file } = visit
    if (file === undefined) {
      this.#context.note(fileNote('too-large', key))
      return { key, state: entryState(stat, { sizeBytes: Number.MAX_SAFE_INTEGER, unreadable: true }) }
    }
    const attributes = this.#attributesOf(visit)
    if (stat.links > 1) {
      const name = await this.#hints.firstName(stat, key)
      const hint = (): Buffer | undefined => this.#hints.after(stat)
      if (name !== undefined) return { key, state: entryState(stat, { attributes, hardLinkTo: name }), hint }
    }
    this.#buffer ??= this.#reading.buffers.take()
    const content = new FileContent(file, {
      native: this.#home.native,
      buffer: this.#buffer,
      pause: (bytes) => this.#pause(bytes),
      ended: (what) => {
        if (what === 'damaged') this.#damage()
        if (what === 'unchanged') return
        this.#hints.isNoted = true
        this.#context.note(fileNote(what === 'damaged' ? 'damaged' : 'changed-while-reading', key))
      },
    })
    return { key, state: entryState(stat, { attributes }), content, hint: () => this.#hints.after(stat) }
  }

  #pause(bytes: number): Promise<void> | undefined {
    const { clock, signal } = this.#context
    if (this.#reading.rate !== undefined && bytes > 0) {
      return this.#reading.rate.take(bytes, clock, signal).catch((error: unknown) => {
        stopIfAborted(signal)
        throw error
      })
    }
    return this.#pace.isDue() ? this.#pace.breathe() : undefined
  }

  /** Says how much was left out, as far as it was counted. Nothing is opened but directories. */
  async #leaveOut(visit: Visit): Promise<void> {
    const { bytes, isAll } = await this.#leftOut.bytesOf(visit)
    if (!isAll) this.#sayOnce('left-out-more')
    this.#context.note(fileNote('left-out', visit.key, bytes))
  }

  #attributesOf(visit: Visit): Readonly<Record<string, Buffer>> {
    if (!this.#attributes) return NO_ATTRIBUTES
    try {
      const of = visit.file ?? (visit.directory === undefined ? visit.name : undefined)
      return this.#attributesFrom(visit, readAttributes(visit.directory ?? visit.parent, of))
    } catch (error) {
      if (classOf(error) === 'exhausted') throw error
      return this.#attributesFrom(visit, 'failed')
    }
  }

  #attributesFrom(visit: Visit, found: Attributes | 'failed' | undefined): Readonly<Record<string, Buffer>> {
    if (found === undefined) return NO_ATTRIBUTES
    if (found === 'failed') {
      this.#noteAttribute(visit)
      return NO_ATTRIBUTES
    }
    if (found.unsupported) this.#attributes = false
    if (found.dropped) this.#noteAttribute(visit)
    if (found.hostLabels) this.#sayOnce('attribute-not-kept')
    return found.kept
  }

  #noteAttribute({ key }: Visit): void {
    this.#hints.isNoted = true
    this.#context.note(fileNote('attribute-not-kept', key))
  }

  /** One damaged file is that file's; many, or a home that does not answer any more, are the file system's. @throws TorikiError `read-failed`. */
  #damage(): void {
    if (++this.#damaged > DAMAGED_MAX)
      throw new TorikiError('read-failed', { message: 'The file system failed on many entries.' })
    try {
      this.#home.names()
    } catch (error) {
      throw readFailed(error)
    }
  }

  #sayOnce(code: FileNoteCode): void {
    if (this.#said.has(code)) return
    this.#said.add(code)
    this.#context.note(fileNote(code))
  }
}
