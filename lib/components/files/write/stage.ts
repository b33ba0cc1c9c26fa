/** Makes a wanted entry, whole, under a temporary name that nobody else may read: content, holes, attributes, owner, mode and time, and proves the content. */
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { TorikiError } from '../../../errors.ts'
import type { Wanted } from '../../../resources/change.ts'
import type { Directory } from '../directory.ts'
import { fromNodeStats } from '../entry-stat.ts'
import type { EntryStat } from '../entry-stat.ts'
import type { Pace } from '../pace.ts'
import { SystemFailure, call } from '../system-failure.ts'
import type { Flushing } from './flushing.ts'
import { handleOf } from './spot.ts'
import type { Wish } from './wish.ts'
import type { WritingCalls } from './writing-calls.ts'

const O_PATH = 0o10000000
const READ_BYTES = 1024 * 1024
const NOTHING = new Uint8Array()
/** For what is read and compared before anything else can run. */
const readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
/** POSIX lists that a new entry may inherit from its directory. */
const INHERITED = ['system.posix_acl_access', 'system.posix_acl_default']

/**
 * Nothing may stand under `name` yet. What was begun stays there when this fails.
 * @throws SystemFailure; TorikiError `restore-not-verified` when the content is not what was stored.
 */
export async function stage(
  calls: WritingCalls,
  parent: Directory,
  name: string,
  wish: Wish,
  content: Wanted['content'],
  { pace, flushing }: { readonly pace: Pace; readonly flushing: Flushing },
): Promise<void> {
  const directory = handleOf(parent)
  if (wish.type === 'file') {
    const file = calls.makeFile(directory, name)
    try {
      await writeContent(calls, file, wish.sizeBytes, content, pace)
      dress(calls, file, wish, namesOn(parent, file))
      calls.setTime(file, wish.mtimeNs)
      await flushing.before(file)
    } finally {
      closeSync(file)
    }
    return
  }
  if (wish.type === 'directory') {
    calls.makeDirectory(directory, name)
    const made = parent.enter(name, undefined)
    try {
      refuseForeign(made.stat)
      if (made.names().length > 0) throw new SystemFailure('REPLACED')
      dress(calls, handleOf(made), wish, namesOn(made, handleOf(made)))
      calls.setTime(handleOf(made), wish.mtimeNs)
      flushing.after(handleOf(made))
    } finally {
      made.close()
    }
    return
  }
  if (wish.type === 'link') calls.makeLink(directory, name, wish.target ?? Buffer.of())
  else calls.makeFifo(directory, name)
  // Held as itself, never opened: what its owner puts in its place meanwhile is not given to anybody.
  const made = call(() =>
    openSync(Buffer.from(`/proc/self/fd/${directory}/${name}`, 'latin1'), O_PATH | constants.O_NOFOLLOW),
  )
  try {
    const stat = statOf(made)
    if (stat.type !== wish.type || stat.links !== 1) throw new SystemFailure('REPLACED')
    refuseForeign(stat)
    if (wish.type === 'link') calls.setOwner(made, wish.uid, wish.gid)
    else dress(calls, made, wish, INHERITED)
    calls.setTime(made, wish.mtimeNs)
  } finally {
    closeSync(made)
  }
}

/**
 * Owner, attributes, mode, in the order in which none spoils another: a new owner loses set-id bits, and a list moves the mode. `present`: attributes that may be there
 * and are taken away when they are not wanted.
 */
export function dress(calls: WritingCalls, handle: number, wish: Wish, present: readonly string[]): void {
  const { uid, gid } = statOf(handle)
  // Not even its owner may say again whose it is, where that is another.
  if (uid !== wish.uid || gid !== wish.gid) calls.setOwner(handle, wish.uid, wish.gid)
  for (const name of present) if (!wish.attributes.has(name)) calls.removeAttribute(handle, name)
  for (const [name, value] of wish.attributes) calls.setAttribute(handle, name, value)
  if (statOf(handle).mode !== wish.mode) calls.setMode(handle, wish.mode)
}

function statOf(handle: number): EntryStat {
  return fromNodeStats(call(() => fstatSync(handle, { bigint: true })))
}

/** Names of attributes that a person's files may have, of what is open. */
export function namesOn({ native }: Directory, handle: number): readonly string[] {
  const names = native?.listAttributes(handle) ?? []
  return names.filter((name) => name.startsWith('user.') || INHERITED.includes(name))
}

/** What we made is ours: else somebody put another in its place, or the file server takes root for nobody. */
function refuseForeign({ uid }: EntryStat): void {
  if (uid !== process.geteuid?.())
    throw new TorikiError('target-refused', {
      message: 'What was made does not belong to who made it.',
      remedy: 'Mount the volume so that root stays root there (`no_root_squash`), or restore as the owner.',
    })
}

async function writeContent(
  calls: WritingCalls,
  file: number,
  sizeBytes: number,
  content: Wanted['content'],
  pace: Pace,
): Promise<void> {
  const { signal } = pace
  if (content?.sizeBytes === sizeBytes && (await content.elsewhere?.fill(file, { signal })) === true) {
    calls.setLength(file, sizeBytes)
    if (statOf(file).sizeBytes !== sizeBytes) throw notAsStored()
    return
  }
  const written = new WrittenBytes()
  const ranges: { from: number; to: number }[] = []
  let at = 0
  for await (const part of content?.parts() ?? []) {
    if (pace.isDue()) await pace.breathe()
    const bytes = part instanceof Uint8Array ? part.length : part.holeBytes
    if (at + bytes > sizeBytes) throw notAsStored()
    if (part instanceof Uint8Array) {
      calls.write(file, part, at)
      written.add(part)
      const last = ranges.at(-1)
      if (last?.to === at) last.to += bytes
      else ranges.push({ from: at, to: at + bytes })
    }
    at += bytes
  }
  if (at !== sizeBytes || (content?.sizeBytes ?? 0) !== sizeBytes) throw notAsStored()
  calls.setLength(file, sizeBytes)
  if (statOf(file).sizeBytes !== sizeBytes) throw notAsStored()
  const { only } = written
  if (only !== undefined) {
    if (!isWrittenSo(file, only, ranges[0]?.from ?? 0)) throw notAsStored()
    return
  }
  const read = createHash('sha256')
  for (const range of ranges) await readRange(file, range, read, pace)
  if (!written.digest().equals(read.digest())) throw notAsStored()
}

/** What was written, for comparing: the bytes themselves while they are one part, as of most files; else their digest. */
class WrittenBytes {
  #first: Uint8Array | undefined
  #hash: Hash | undefined

  add(part: Uint8Array): void {
    if (this.#hash === undefined && this.#first === undefined && part.length <= READ_BYTES) {
      this.#first = part
      return
    }
    if (this.#hash === undefined) {
      this.#hash = createHash('sha256')
      if (this.#first !== undefined) this.#hash.update(this.#first)
      this.#first = undefined
    }
    this.#hash.update(part)
  }

  /** Nothing, or the one part that there was; `undefined`: there were more, or it was large. */
  get only(): Uint8Array | undefined {
    return this.#hash === undefined ? (this.#first ?? NOTHING) : undefined
  }

  digest(): Buffer {
    return (this.#hash ?? createHash('sha256')).digest()
  }
}

/** Does what lies there read back as what was written? */
export function isWrittenSo(file: number, bytes: Uint8Array, from: number): boolean {
  for (let at = 0; at < bytes.length;) {
    const got = call(() => readSync(file, readBuffer, 0, Math.min(READ_BYTES, bytes.length - at), from + at))
    if (got === 0 || readBuffer.compare(bytes, at, at + got, 0, got) !== 0) return false
    at += got
  }
  return true
}

async function readRange(
  file: number,
  { from, to }: { readonly from: number; readonly to: number },
  hash: Hash,
  pace: Pace,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(READ_BYTES, to - from))
  for (let at = from; at < to;) {
    if (pace.isDue()) await pace.breathe()
    const got = call(() => readSync(file, buffer, 0, Math.min(buffer.length, to - at), at))
    if (got === 0) return
    hash.update(buffer.subarray(0, got))
    at += got
  }
}

function notAsStored(): TorikiError {
  return new TorikiError('restore-not-verified', { message: 'The content of a file does not read back as stored.' })
}
