/**
 * Reads one stretch of one file by the name it was seen under in an open directory, on a thread of its own. The same care as `HandleDirectory.openFile`: only single names, never
 * through a link, and nothing of a file counts that is not the very one that was seen. A file with holes, and one that must be waited for, is left to the walking thread.
 */
import { closeSync, readSync } from 'node:fs'
import type { ByteSink, FileStretch, StretchRead } from '../../resources/file-reading.ts'
import { attributesOf } from './attributes.ts'
import type { Attributes } from './attributes.ts'
import { PART_BYTES_MAX } from './content.ts'
import { openForReading } from './handle-directory.ts'
import type { EntryStat } from './entry-stat.ts'
import type { Native } from './native.ts'
import { call, classOf, failureOf } from './system-failure.ts'

/** What is told besides: attributes, where there are any or something is to be said of them. */
export interface StretchDetails {
  readonly attributes?: Attributes | 'failed'
  /** The errno when this machine is at its end, not the file: the whole read ends. */
  readonly exhausted?: string
}

export const NOT_READ: StretchRead = { outcome: 'not-read', readBytes: 0 }

export function readStretch(
  native: Native,
  buffer: Buffer,
  stretch: FileStretch,
  sink: ByteSink,
  opened: () => void = () => undefined,
): StretchRead {
  let handle: number | undefined
  try {
    handle = openForReading(native, stretch.directory, stretch.name)
    opened()
    return readOpened(native, buffer, handle, stretch, sink)
  } catch (error) {
    const failure = failureOf(error)
    // Whatever else keeps it from being opened, the walking thread meets it too, and knows what to say.
    if (failure === undefined) throw error
    if (classOf(failure) !== 'exhausted') return NOT_READ
    return { ...NOT_READ, details: { exhausted: failure.code } satisfies StretchDetails }
  } finally {
    if (handle !== undefined) closeSync(handle)
  }
}

function readOpened(native: Native, buffer: Buffer, handle: number, stretch: FileStretch, sink: ByteSink): StretchRead {
  const { fromBytes, toBytes } = stretch
  const isShort = isReadAtOnce(stretch)
  // A short one is looked at once, after it was read and before a byte of it is taken.
  if (!isShort) {
    const stat = native.statx(handle, '')
    if (!isSeen(stat, stretch) || hasHoles(native, handle, stat)) return NOT_READ
  }
  let at = fromBytes
  let failed = false
  try {
    while (at < toBytes) {
      const got = readSync(handle, buffer, 0, Math.min(toBytes - at, PART_BYTES_MAX), at)
      if (got === 0) break
      at += got
      if (!isShort) sink.take(buffer.subarray(0, got))
      else if (at < toBytes) return NOT_READ
    }
  } catch (error) {
    // By the first read: the walking thread tries it again and says it.
    if (isShort || classOf(error) === 'exhausted') throw error
    failed = true
  }
  if (isShort) return judgeShort(native, handle, stretch, buffer.subarray(0, at), sink)
  const stat = native.statx(handle, '')
  const still = at === toBytes && isAsSeen(stat, stretch)
  return {
    outcome: failed ? 'damaged' : still ? 'whole' : 'changed',
    readBytes: at,
    ...(fromBytes === 0 ? detailsOf(native, handle) : {}),
  }
}

/** Is it read by one call, before it is looked at and a byte of it is taken? */
export function isReadAtOnce({ sizeBytes }: FileStretch): boolean {
  return sizeBytes <= PART_BYTES_MAX
}

/** A short file whose bytes were read: it counts only when it is the very one that was seen. `hasAttributes`: it is not known to have none. */
export function judgeShort(
  native: Native,
  handle: number,
  stretch: FileStretch,
  bytes: Buffer,
  sink: ByteSink,
  hasAttributes = true,
): StretchRead {
  const stat = native.statx(handle, '')
  if (!isSeen(stat, stretch) || bytes.length !== stretch.sizeBytes || hasHoles(native, handle, stat)) return NOT_READ
  const details = hasAttributes ? detailsOf(native, handle) : {}
  if (bytes.length > 0) sink.take(bytes)
  return { outcome: isAsSeen(stat, stretch) ? 'whole' : 'changed', readBytes: bytes.length, ...details }
}

function detailsOf(native: Native, handle: number): { readonly details?: StretchDetails } {
  try {
    const attributes = call(() => attributesOf(native, handle))
    const says =
      Object.keys(attributes.kept).length > 0 || attributes.dropped || attributes.hostLabels || attributes.unsupported
    return says ? { details: { attributes } } : {}
  } catch (error) {
    if (classOf(error) === 'exhausted') throw error
    return { details: { attributes: 'failed' } }
  }
}

function isSeen(stat: EntryStat, seen: FileStretch): boolean {
  return stat.type === 'file' && !stat.mountPoint && stat.inode === seen.inode && stat.device === seen.device
}

function isAsSeen(stat: EntryStat, seen: FileStretch): boolean {
  return stat.sizeBytes === seen.sizeBytes && stat.mtimeNs === seen.mtimeNs && stat.ctimeNs === seen.ctimeNs
}

/** A file that takes less room than it is long is sparse, or lies on a file system that compresses. */
function hasHoles(native: Native, handle: number, stat: EntryStat): boolean {
  return stat.storedBytes < stat.sizeBytes && native.seekHole(handle, 0) < stat.sizeBytes
}
