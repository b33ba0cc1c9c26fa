/** One home, or one shared directory, as resources in key order. */
import { TorikiError } from '../../errors.ts'
import { compareKeys, decodeKey } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { Resource } from '../../resources/resource.ts'
import type { ReadContext } from '../component.ts'
import { readAttributes } from './attributes.ts'
import type { Attributes } from './attributes.ts'
import { FileContent } from './content.ts'
import type { Directory } from './directory.ts'
import { entryState } from './entry.ts'
import type { EntryDetails } from './entry.ts'
import type { EntryStat } from './entry-stat.ts'
import type { Exclusions } from './exclude.ts'
import { HardLinks } from './hard-links.ts'
import { fileNote } from './notes.ts'
import type { FileNoteCode } from './notes.ts'
import { Pace, stopIfAborted } from './pace.ts'
import type { PartBuffers } from './part-buffers.ts'
import type { ByteRate } from './rate.ts'
import { ReadAhead } from './read-ahead.ts'
import type { FileAhead } from './read-ahead.ts'
import type { StretchDetails } from './read-stretch.ts'
import { SystemFailure, classOf, failureOf, readFailed } from './system-failure.ts'
import { hintOf, isHinted, isSettled } from './hint.ts'
import { LeftOut } from './left-out.ts'
import { LinksBefore } from './links-before.ts'
import { visitKeys } from './visit-keys.ts'
import { openVisited, walk } from './walk.ts'
import type { Visit } from './walk.ts'

/** So many entries may be damaged before the file system, not a file, is taken to be. */
const DAMAGED_MAX = 100

export interface HomeReading {
  readonly exclusions: Exclusions
  readonly rate: ByteRate | undefined
  readonly buffers: PartBuffers
}

/**
 * Reads beneath `home`, which the caller closes. Content is read when it is asked for; its file is open from the yield to the next one.
 * @throws TorikiError `read-failed` when the file system, rather than one entry, fails; `home-unreadable`; `deadline`, `interrupted`.
 */
export async function* readHome(
  home: Directory,
  reading: HomeReading,
  context: ReadContext,
): AsyncGenerator<Resource, void, void> {
  yield* read(new HomeReader(home, reading, context))
}

/** The same of `keys` alone, which ascend; what is not there is passed over. What is left out by rule is seen too. */
export async function* readKeys(
  home: Directory,
  keys: AsyncIterable<ResourceKey>,
  reading: HomeReading,
  context: ReadContext,
): AsyncGenerator<Resource, void, void> {
  yield* read(new HomeReader(home, reading, context, keys))
}

async function* read(reader: HomeReader): AsyncGenerator<Resource, void, void> {
  try {
    yield* reader.resources()
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
  readonly #links = new HardLinks()
  readonly #said = new Set<FileNoteCode>()
  readonly #keys: AsyncIterable<ResourceKey> | undefined
  readonly #linksBefore: LinksBefore | undefined
  readonly #ahead = new ReadAhead()
  readonly #leftOut: LeftOut
  #linksAreWhole: boolean
  #buffer: Buffer | undefined
  #damaged = 0
  #attributes = true
  /** Of the entry at hand: something had to be said of it, so it is looked at again next time. */
  #noted = false
  /** Of the entry at hand, once it was looked for: the first name of the same file, where that is another. */
  #first: { readonly name: string | undefined } | undefined

  constructor(home: Directory, reading: HomeReading, context: ReadContext, keys?: AsyncIterable<ResourceKey>) {
    this.#home = home
    this.#reading = reading
    this.#context = context
    this.#pace = new Pace(context.clock, context.signal)
    this.#leftOut = new LeftOut(this.#pace)
    this.#linksAreWhole = context.after === undefined
    this.#keys = keys
    this.#linksBefore = keys === undefined ? undefined : new LinksBefore(home, reading.exclusions, this.#pace)
  }

  async *resources(): AsyncGenerator<Resource, void, void> {
    if (this.#home.native === undefined) this.#sayOnce('fidelity')
    for await (const visit of this.#visits()) {
      if (this.#pace.isDue()) await this.#pace.breathe()
      const known = await this.#unchanged(visit)
      const ahead = known ?? this.#giveAway(visit)
      if (ahead !== undefined) {
        if (this.#ahead.isEmpty && !('pending' in ahead)) yield ahead
        else yield* this.#comeIn(ahead)
        continue
      }
      if (visit.finding === 'left-out') await this.#leaveOut(visit)
      else yield* this.#readNext(visit)
    }
    yield* this.#comeIn()
    if (this.#links.isFull) this.#sayOnce('hard-links-not-tracked')
  }

  /** Behind what is still ahead: a file's content is read as it is yielded, so everything before it goes first. */
  async *#readNext(visit: Visit): AsyncGenerator<Resource, void, void> {
    const isFile = visit.finding === 'entry' && visit.stat?.type === 'file'
    if (isFile) yield* this.#comeIn()
    if (this.#ahead.isEmpty) yield* this.#readHere(visit)
    else for await (const resource of this.#readHere(visit)) yield* this.#comeIn(resource)
  }

  /** On this thread. */
  async *#readHere(shown: Visit): AsyncGenerator<Resource, void, void> {
    this.#noted = false
    let visit = shown
    try {
      if (shown.finding === 'entry' && shown.stat?.type === 'file' && shown.file === undefined)
        visit = openVisited(shown, this.#home, { opensFile: isReadable })
      const resource = await this.#resource(visit)
      if (resource !== undefined) yield resource
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
    const pending = reading.take({ ...stat, directory: held.handle, name })
    if (pending === undefined) held.release()
    return pending && { pending, visit, stat, held }
  }

  /** Yields in order what is there; with `next`, only so much that it may be taken up too. */
  async *#comeIn(next?: Resource | FileAhead): AsyncGenerator<Resource, void, void> {
    if (next !== undefined) this.#ahead.add(next)
    for (;;) {
      const first = this.#ahead.first
      if (first === undefined) return
      if ('pending' in first && first.pending.read === undefined) {
        if (next !== undefined && !this.#ahead.isFull) return
        this.#context.reading?.send()
        await first.pending.done
      }
      this.#ahead.shift()
      if ('pending' in first) yield* this.#arrived(first)
      else yield first
    }
  }

  async *#arrived({ pending, visit, stat, held }: FileAhead): AsyncGenerator<Resource, void, void> {
    const { read } = pending
    try {
      stopIfAborted(this.#context.signal)
      if (read === undefined) throw new TorikiError('interrupted')
      const details = read.details as StretchDetails | undefined
      if (details?.exhausted !== undefined) throw new SystemFailure(details.exhausted)
      if (read.stored === undefined) {
        yield* this.#readHere(visit)
        return
      }
      this.#noted = false
      const attributes = this.#attributesFrom(visit, details?.attributes)
      if (read.outcome === 'damaged') this.#damage()
      if (read.outcome !== 'whole') {
        this.#noted = true
        this.#context.note(fileNote(read.outcome === 'damaged' ? 'damaged' : 'changed-while-reading', visit.key))
      }
      const settled = read.readBytes === stat.sizeBytes ? stat : { ...stat, sizeBytes: read.readBytes }
      const state = entryState(settled, { attributes, unreadable: read.outcome === 'damaged' })
      const hint = this.#hintAfter(stat)
      yield { key: visit.key, state, stored: read.stored, hint: () => hint }
    } finally {
      held.release()
    }
  }

  /** Nothing is read afterwards. */
  close(): void {
    for (let first = this.#ahead.shift(); first !== undefined; first = this.#ahead.shift())
      if ('pending' in first) first.held.release()
    this.#linksBefore?.close()
    if (this.#buffer !== undefined) this.#reading.buffers.give(this.#buffer)
    this.#buffer = undefined
  }

  #visits(): Iterable<Visit> | AsyncIterable<Visit> {
    // What may be known already, or is read elsewhere, is opened here only when it is not.
    const { known, reading } = this.#context
    const opensFile = known === undefined && reading === undefined ? isReadable : (): boolean => false
    if (this.#keys !== undefined) return visitKeys(this.#home, this.#keys, { opensFile })
    const { after } = this.#context
    return walk(this.#home, {
      ...(after === undefined ? {} : { after: decodeKey(after).segments.map((segment) => segment.toString('latin1')) }),
      leavesOut: (path, type, target) => this.#reading.exclusions.leavesOut(path, type, target),
      opensFile,
    })
  }

  /** As it is stored, if it looks as it did then. */
  async #unchanged({ finding, key, stat }: Visit): Promise<Resource | undefined> {
    const { known } = this.#context
    this.#noted = false
    this.#first = undefined
    if (known === undefined || finding !== 'entry' || stat === undefined || !isHinted(stat)) return undefined
    if (stat.type === 'file' && stat.links > 1) this.#first = { name: await this.#firstName(stat, key) }
    const hint = this.#hint(stat)
    const answer = known.matches(key, hint)
    return (typeof answer === 'boolean' ? answer : await answer)
      ? { key, state: {}, unchanged: true, hint: () => hint }
      : undefined
  }

  #hint(stat: EntryStat): Buffer {
    const first = stat.type === 'file' && stat.links > 1 ? (this.#first?.name ?? '') : undefined
    return hintOf(stat, { isNative: this.#home.native !== undefined, first })
  }

  /** Of an entry that was read whole, and of which nothing had to be noted. */
  #hintAfter(stat: EntryStat): Buffer | undefined {
    return !this.#noted && isHinted(stat) && isSettled(stat, this.#context.clock.now()) ? this.#hint(stat) : undefined
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
    return {
      key,
      state: entryState(stat, attributes === undefined ? details : { ...details, attributes }),
      ...(details.otherFileSystem === true ? {} : { hint: () => this.#hintAfter(stat) }),
    }
  }

  async #file(visit: Visit, stat: EntryStat): Promise<Resource> {
    const { key, file } = visit
    if (file === undefined) {
      this.#context.note(fileNote('too-large', key))
      return { key, state: entryState({ ...stat, sizeBytes: Number.MAX_SAFE_INTEGER }, { unreadable: true }) }
    }
    const attributes = this.#attributesOf(visit)
    if (stat.links > 1) {
      const { name } = (this.#first ??= { name: await this.#firstName(stat, key) })
      const hint = (): Buffer | undefined => this.#hintAfter(stat)
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
        this.#noted = true
        this.#context.note(fileNote(what === 'damaged' ? 'damaged' : 'changed-while-reading', key))
      },
    })
    return { key, state: entryState(stat, { attributes }), content, hint: () => this.#hintAfter(stat) }
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

  /** Written path of the first name of this file, where that is another one. */
  async #firstName(stat: EntryStat, key: ResourceKey): Promise<string | undefined> {
    if (this.#linksBefore !== undefined) return await this.#linksBefore.first(stat, key)
    await this.#learnLinks()
    const first = this.#links.first(stat)
    this.#links.met(stat, key)
    return first
  }

  /** A continuation has not met the names before it: they are looked at, not read, once, and only when a file has several names. */
  async #learnLinks(): Promise<void> {
    const { after } = this.#context
    if (this.#linksAreWhole || after === undefined) return
    this.#linksAreWhole = true
    for (const visit of walk(this.#home, {
      leavesOut: (path, type, target) => this.#reading.exclusions.leavesOut(path, type, target),
    })) {
      if (this.#pace.isDue()) await this.#pace.breathe()
      if (compareKeys(visit.key, after) > 0) return
      if (visit.finding === 'entry' && visit.stat?.type === 'file') this.#links.met(visit.stat, visit.key)
    }
  }

  /** Says how much was left out, as far as it was counted. Nothing is opened but directories. */
  async #leaveOut(visit: Visit): Promise<void> {
    const { bytes, isAll } = await this.#leftOut.bytesOf(visit)
    if (!isAll) this.#sayOnce('left-out-more')
    this.#context.note(fileNote('left-out', visit.key, bytes))
  }

  #attributesOf(visit: Visit): Readonly<Record<string, Buffer>> {
    if (!this.#attributes) return {}
    try {
      const of = visit.file ?? (visit.directory === undefined ? visit.name : undefined)
      return this.#attributesFrom(visit, readAttributes(visit.directory ?? visit.parent, of))
    } catch (error) {
      if (classOf(error) === 'exhausted') throw error
      return this.#attributesFrom(visit, 'failed')
    }
  }

  #attributesFrom(visit: Visit, found: Attributes | 'failed' | undefined): Readonly<Record<string, Buffer>> {
    if (found === undefined) return {}
    if (found === 'failed') {
      this.#noteAttribute(visit)
      return {}
    }
    if (found.unsupported) this.#attributes = false
    if (found.dropped) this.#noteAttribute(visit)
    if (found.hostLabels) this.#sayOnce('attribute-not-kept')
    return found.kept
  }

  #noteAttribute({ key }: Visit): void {
    this.#noted = true
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

/** A larger file has no exact size. */
function isReadable({ sizeBytes }: EntryStat): boolean {
  return Number.isSafeInteger(sizeBytes)
}
