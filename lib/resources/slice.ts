/**
 * A slice: the unit of work. `shared`, `group/<leaf>` or `user/<username>`, as exact text.
 * A name that is not UTF-8 or holds `/`, `%` or control characters stands percent-encoded, as a key segment does (`formatSegment`).
 */
import { TorikiError } from '../errors.ts'
import { formatSegment, parseSegment } from './key.ts'

export type SliceName = 'shared' | `user/${string}` | `group/${string}`

export type Slice =
  | { readonly kind: 'shared'; readonly name: 'shared' }
  | {
      readonly kind: 'user' | 'group'
      readonly name: SliceName
      /** exact bytes of the local name */ readonly local: Buffer
      /** the same for people */ readonly label: string
    }

export const SHARED: Slice = { kind: 'shared', name: 'shared' }
/** Longest local name: 255 bytes, as a file name. */
export const SLICE_NAME_BYTES_MAX = 255

export function userSlice(local: string | Uint8Array): Slice {
  return memberSlice('user', local)
}

export function groupSlice(local: string | Uint8Array): Slice {
  return memberSlice('group', local)
}

/** @throws TorikiError `message-invalid` for a text that names no slice: hostile input reaches this. */
export function parseSlice(text: string): Slice {
  if (text === 'shared') return SHARED
  const slash = text.indexOf('/')
  const kind = text.slice(0, slash)
  const label = text.slice(slash + 1)
  if ((kind === 'user' || kind === 'group') && label !== '' && label.isWellFormed()) {
    const local = parseSegment(label)
    if (isLocalName(local) && formatSegment(local) === label) return memberSlice(kind, local)
  }
  throw new TorikiError('message-invalid', { message: 'A slice is `shared`, `user/NAME` or `group/NAME`.' })
}

/** May this be a person's or group's local name: 1 to 255 bytes, not `.` or `..`, without `/` and NUL (it becomes a path segment). */
export function isLocalName(local: Uint8Array): boolean {
  if (local.length === 0 || local.length > SLICE_NAME_BYTES_MAX) return false
  const text = Buffer.from(local).toString('latin1')
  return text !== '.' && text !== '..' && !text.includes('/') && !text.includes('\0')
}

function memberSlice(kind: 'user' | 'group', local: string | Uint8Array): Slice {
  const bytes = typeof local === 'string' ? Buffer.from(local, 'utf8') : Buffer.from(local)
  if (!isLocalName(bytes))
    throw new TorikiError('message-invalid', {
      message: 'A name of a user or group is 1 to 255 bytes without `/` and NUL, and not `.` or `..`.',
    })
  const label = formatSegment(bytes)
  return { kind, name: `${kind}/${label}`, local: bytes, label }
}
