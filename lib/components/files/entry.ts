/** An entry's `state`: what is compared and brought back. No access or change time, no inode, no device of the disk: those are the machine's. */
import type { JsonObject } from '../../resources/json.ts'
import type { EntryStat } from './entry-stat.ts'

export interface EntryDetails {
  /** Of a link. */
  readonly target?: Buffer
  /** Written form of the first path, in key order, of the same file: that one has the content. */
  readonly hardLinkTo?: string
  /** Written name → value. */
  readonly attributes?: Readonly<Record<string, Buffer>>
  /** Its place is known and its content is not. */
  readonly unreadable?: boolean
  readonly otherFileSystem?: boolean
  /** Where it is not what was seen by name. */
  readonly sizeBytes?: number
}

/** Nothing is to be said of it besides. */
export const PLAIN: EntryDetails = {}

export function entryState(stat: EntryStat, details: EntryDetails = PLAIN): JsonObject {
  const { gid, type, uid } = stat
  const mtime = stat.mtimeNs.toString()
  if (details === PLAIN && (type === 'file' || type === 'directory')) {
    // By far the most, and in the order in which they are stored.
    const mode = octal(stat.mode)
    return type === 'file' ? { gid, mode, mtime, size: stat.sizeBytes, type, uid } : { gid, mode, mtime, type, uid }
  }
  return {
    type,
    // A link's own mode means nothing on Linux.
    ...(type === 'link' ? {} : { mode: octal(stat.mode) }),
    uid,
    gid,
    mtime,
    ...(type === 'file' ? { size: details.sizeBytes ?? stat.sizeBytes } : {}),
    ...(stat.type === 'character-device' || stat.type === 'block-device'
      ? { device: { major: stat.node.major, minor: stat.node.minor } }
      : {}),
    ...(details.target === undefined ? {} : linkTarget(details.target)),
    ...(details.hardLinkTo === undefined ? {} : { hardLinkTo: details.hardLinkTo }),
    ...(details.attributes === undefined || Object.keys(details.attributes).length === 0
      ? {}
      : { attributes: encodeAll(details.attributes) }),
    ...(details.unreadable === true ? { unreadable: true } : {}),
    ...(details.otherFileSystem === true ? { otherFileSystem: true } : {}),
  }
}

/** Four digits of a small set of values, which are asked for again and again. */
const octals = new Map<number, string>()
function octal(mode: number): string {
  let text = octals.get(mode)
  if (text === undefined) octals.set(mode, (text = mode.toString(8).padStart(4, '0')))
  return text
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Text when it is UTF-8, else the bytes as base64url under another name, so that neither can pass for the other. */
function linkTarget(target: Buffer): JsonObject {
  try {
    return { target: UTF8.decode(target) }
  } catch {
    return { targetBytes: target.toString('base64url') }
  }
}

function encodeAll(attributes: Readonly<Record<string, Buffer>>): JsonObject {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, value.toString('base64url')]))
}
