/**
 * Resource keys (docs/format.md, "Tree"): `kind NUL segment NUL segment …`, compared as bytes.
 *
 * Inside a segment the bytes 0 and 1 are escaped (00 → 01 01, 01 → 01 02), so NUL only ever separates, and a depth-first walk of a file
 * system whose siblings are sorted by name bytes yields keys in ascending order. For people a key is written `kind/segment/segment`, each
 * segment percent-encoded where it holds `/`, `%`, control bytes or bytes that are not UTF-8; for the kind `entry` the kind is left out.
 */
import assert from 'node:assert/strict'

/** An encoded key. Compare with `compareKeys`, show with `formatKey`. */
export type ResourceKey = Buffer

export interface KeyParts {
  readonly kind: string
  readonly segments: readonly Buffer[]
}

const KIND = /^[a-z][a-z0-9-]*$/
/** The kind that is implied in the written form: a file system entry. */
export const ENTRY_KIND = 'entry'

/** Builds a key; a string segment stands for its UTF-8 bytes. */
export function encodeKey(kind: string, segments: readonly (string | Uint8Array)[] = []): ResourceKey {
  assert(KIND.test(kind), 'a kind is lower-case letters, digits and hyphens')
  const parts: Buffer[] = [Buffer.from(kind, 'latin1')]
  for (const segment of segments) {
    parts.push(
      SEPARATOR,
      Buffer.from(escapeSegment(typeof segment === 'string' ? Buffer.from(segment, 'utf8') : segment)),
    )
  }
  return Buffer.concat(parts)
}

/** The key of what is called `name` (a byte string, one character per byte) beneath another one of the same kind. */
export function keyBelow(above: ResourceKey, name: string): ResourceKey {
  let special = 0
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) <= 1) special++
  const start = above.length + SEPARATOR.length
  const key = Buffer.allocUnsafe(start + name.length + special)
  key.set(above)
  key.set(SEPARATOR, above.length)
  if (special === 0) key.write(name, start, 'latin1')
  else key.set(escapeSegment(Buffer.from(name, 'latin1')), start)
  return key
}

/** The inverse: the name of what lies right in `above`, which `key` begins with; `undefined`: it lies deeper. @throws RangeError for bytes that no key has. */
export function nameBelow(above: ResourceKey, key: ResourceKey): string | undefined {
  const start = above.length + SEPARATOR.length
  let isPlain = true
  for (let at = start; at < key.length; at++) {
    const byte = key[at] as number
    if (byte === 0) return undefined
    if (byte === 1) isPlain = false
  }
  return isPlain ? key.toString('latin1', start) : unescapeSegment(key.subarray(start)).toString('latin1')
}

/** The inverse of `encodeKey`. @throws RangeError for bytes that no key has (hostile input). */
export function decodeKey(key: Uint8Array): KeyParts {
  const segments: Buffer[] = []
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  let start = 0
  for (;;) {
    const end = bytes.indexOf(0, start)
    segments.push(bytes.subarray(start, end === -1 ? bytes.length : end))
    if (end === -1) break
    start = end + 1
  }
  const kind = (segments.shift() as Buffer).toString('latin1')
  if (!KIND.test(kind)) throw new RangeError('not a resource key')
  return { kind, segments: segments.map(unescapeSegment) }
}

/** Could `encodeKey` have made it? By looking alone: nothing is made of it. */
export function isResourceKey(key: Uint8Array): boolean {
  let at = 0
  for (; at < key.length && key[at] !== 0; at++) if (!isOfKind(key[at] as number, at === 0)) return false
  if (at === 0) return false
  for (; at < key.length; at++) {
    if (key[at] !== 1) continue
    const code = key[++at]
    if (code !== 1 && code !== 2) return false
  }
  return true
}

/** As `KIND` has it. */
function isOfKind(byte: number, isFirst: boolean): boolean {
  return (byte >= 0x61 && byte <= 0x7a) || (!isFirst && ((byte >= 0x30 && byte <= 0x39) || byte === 0x2d))
}

export function compareKeys(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b)
}

/** The written form for people; `parseKey` reads it back. The entry with no segments is `.`. */
export function formatKey(key: Uint8Array): string {
  const { kind, segments } = decodeKey(key)
  const written = segments.map(formatSegment)
  if (kind !== ENTRY_KIND) return [kind, ...written].join('/')
  return written.length === 0 ? '.' : written.join('/')
}

/** Reads the written form of a key of a component whose kinds are `kinds`; without a known kind in front it is a file system entry. */
export function parseKey(text: string, kinds: readonly string[]): ResourceKey {
  const [first = '', ...rest] = text.split('/')
  if (kinds.includes(first) && first !== ENTRY_KIND) return encodeKey(first, rest.map(parseSegment))
  return encodeKey(ENTRY_KIND, text === '.' || text === '' ? [] : text.split('/').map(parseSegment))
}

/** One segment as people see it: UTF-8 text with `/`, `%`, control characters and stray bytes percent-encoded. */
export function formatSegment(segment: Uint8Array): string {
  const bytes = Buffer.from(segment.buffer, segment.byteOffset, segment.byteLength)
  let text: string
  try {
    text = UTF8.decode(bytes)
  } catch {
    // Not UTF-8 as a whole: every byte outside printable ASCII is written as %XX, which reads back to the same bytes.
    return Array.from(bytes, (byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x25 || byte === 0x2f ? percent(byte) : String.fromCharCode(byte),
    ).join('')
  }
  // oxlint-disable-next-line no-control-regex -- control characters are exactly what must not reach a terminal
  return text.replace(/[/%\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, (character) =>
    Array.from(Buffer.from(character, 'utf8'), percent).join(''),
  )
}

/** The inverse of `formatSegment`; a `%` that no two hex digits follow stands for itself. */
export function parseSegment(text: string): Buffer {
  const parts: Buffer[] = []
  for (const piece of text.split(/(%[0-9A-Fa-f]{2})/)) {
    if (/^%[0-9A-Fa-f]{2}$/.test(piece)) parts.push(Buffer.from(piece.slice(1), 'hex'))
    else if (piece !== '') parts.push(Buffer.from(piece, 'utf8'))
  }
  return Buffer.concat(parts)
}

const SEPARATOR = Buffer.of(0)
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function percent(byte: number): string {
  return `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

function escapeSegment(segment: Uint8Array): Uint8Array {
  let special = 0
  for (const byte of segment) if (byte <= 1) special++
  if (special === 0) return segment
  const escaped = Buffer.alloc(segment.length + special)
  let at = 0
  for (const byte of segment) {
    if (byte <= 1) {
      escaped[at++] = 1
      escaped[at++] = byte + 1
    } else escaped[at++] = byte
  }
  return escaped
}

function unescapeSegment(segment: Buffer): Buffer {
  if (!segment.includes(1)) return segment
  const plain: number[] = []
  for (let at = 0; at < segment.length; at++) {
    const byte = segment[at] as number
    if (byte !== 1) {
      plain.push(byte)
      continue
    }
    const code = segment[++at]
    if (code !== 1 && code !== 2) throw new RangeError('not a resource key')
    plain.push(code - 1)
  }
  return Buffer.from(plain)
}
