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
}

export function entryState(stat: EntryStat, details: EntryDetails = {}): JsonObject {
  return {
    type: stat.type,
    // A link's own mode means nothing on Linux.
    ...(stat.type === 'link' ? {} : { mode: stat.mode.toString(8).padStart(4, '0') }),
    uid: stat.uid,
    gid: stat.gid,
    mtime: stat.mtimeNs.toString(),
    ...(stat.type === 'file' ? { size: stat.sizeBytes } : {}),
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
