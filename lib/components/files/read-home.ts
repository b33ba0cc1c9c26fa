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
import { classOf, failureOf, readFailed } from './system-failure.ts'
import { hintOf, isSettled } from './hint.ts'
import { LinksBefore } from './links-before.ts'
import { visitKeys } from './visit-keys.ts'
import { openVisited, walk } from './walk.ts'
import type { Visit } from './walk.ts'

/** So many entries may be damaged before the file system, not a file, is taken to be. */
const DAMAGED_MAX = 100
/** Entries looked at, in one read, to say how many bytes were left out. */
const COUNTED_MAX = 200_000

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
  #linksAreWhole: boolean
  #buffer: Buffer | undefined
  #damaged = 0
  #counted = 0
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
    this.#linksAreWhole = context.after === undefined
    this.#keys = keys
    this.#linksBefore = keys === undefined ? undefined : new LinksBefore(home, reading.exclusions, this.#pace)
  }

  async *resources(): AsyncGenerator<Resource, void, void> {
    if (this.#home.native === undefined) this.#sayOnce('fidelity')
    for await (const shown of this.#visits()) {
      let visit = shown
      try {
        if (this.#pace.isDue()) await this.#pace.breathe()
        const known = await this.#unchanged(visit)
        if (known !== undefined) {
          yield known
          continue
        }
        if (this.#context.known !== undefined && visit.finding === 'entry' && visit.stat?.type === 'file')
          visit = openVisited(visit, this.#home, { opensFile: isReadable })
        const resource = visit.finding === 'left-out' ? await this.#leaveOut(visit) : await this.#resource(visit)
        if (resource !== undefined) yield resource
      } finally {
        visit.file?.close()
      }
    }
    if (this.#links.isFull) this.#sayOnce('hard-links-not-tracked')
  }

  /** Nothing is read afterwards. */
  close(): void {
    this.#linksBefore?.close()
    if (this.#buffer !== undefined) this.#reading.buffers.give(this.#buffer)
    this.#buffer = undefined
  }

  #visits(): Iterable<Visit> | AsyncIterable<Visit> {
    // What may be known already is opened only when it is not.
    const opensFile = this.#context.known === undefined ? isReadable : (): boolean => false
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
  async #leaveOut(visit: Visit): Promise<undefined> {
    let bytes = visit.stat?.type === 'file' ? visit.stat.sizeBytes : 0
    if (visit.stat?.type === 'directory') bytes = await this.#bytesBeneath(visit, visit.stat)
    this.#context.note(fileNote('left-out', visit.key, bytes))
  }

  async #bytesBeneath(visit: Visit, stat: EntryStat): Promise<number> {
    let bytes = 0
    let directory: Directory | undefined
    try {
      directory = visit.parent.enter(visit.name, stat)
      for (const inside of walk(directory)) {
        if (this.#pace.isDue()) await this.#pace.breathe()
        if (++this.#counted > COUNTED_MAX) {
          this.#sayOnce('left-out-more')
          break
        }
        if (inside.finding === 'entry' && inside.stat?.type === 'file') bytes += inside.stat.sizeBytes
      }
    } catch (error) {
      // It is left out anyway: a failure only ends the counting.
      if (classOf(error) === 'exhausted') throw error
      this.#sayOnce('left-out-more')
    } finally {
      directory?.close()
    }
    return bytes
  }

  #attributesOf(visit: Visit): Readonly<Record<string, Buffer>> {
    if (!this.#attributes) return {}
    let attributes: Attributes
    try {
      attributes = readAttributes(
        visit.directory ?? visit.parent,
        visit.file ?? (visit.directory === undefined ? visit.name : undefined),
      )
    } catch (error) {
      if (classOf(error) === 'exhausted') throw error
      this.#noteAttribute(visit)
      return {}
    }
    if (attributes.unsupported) this.#attributes = false
    if (attributes.dropped) this.#noteAttribute(visit)
    if (attributes.hostLabels) this.#sayOnce('attribute-not-kept')
    return attributes.kept
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

/** Kinds of entries of which nothing has to be noted each time. */
function isHinted({ type, sizeBytes }: EntryStat): boolean {
  return type === 'directory' || type === 'link' || (type === 'file' && Number.isSafeInteger(sizeBytes))
}
