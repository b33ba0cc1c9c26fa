/** A stored `state`, read as what is to be made. What was stored is outside input: it is checked here. */
import { ENTRY_KIND, decodeKey, parseKey, parseSegment } from '../../../resources/key.ts'
import type { JsonObject, JsonValue } from '../../../resources/json.ts'
import { isKept } from '../attributes.ts'
import { isEntryName } from '../entry-name.ts'

type MadeType = 'directory' | 'file' | 'link' | 'fifo'

export interface Wish {
  readonly type: MadeType
  /** 0 for a link. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeNs: bigint
  readonly sizeBytes: number
  readonly target: Buffer | undefined
  /** Names beneath the home. */
  readonly hardLinkTo: readonly string[] | undefined
  /** Name, as the system wants it, and value. */
  readonly attributes: ReadonlyMap<string, Buffer>
}

/** `undefined`: no entry that can be made is described so. */
export function readWish(state: JsonObject): Wish | undefined {
  const { type, uid, gid, mtime, size } = state
  const mode = type === 'link' ? 0 : octal(state['mode'])
  if (!isMade(type) || mode === undefined || !isId(uid) || !isId(gid)) return undefined
  if (typeof mtime !== 'string' || !/^-?\d{1,19}$/.test(mtime)) return undefined
  if (type === 'file' && !(typeof size === 'number' && Number.isSafeInteger(size) && size >= 0)) return undefined
  const target = type === 'link' ? targetOf(state) : undefined
  if (type === 'link' && (target === undefined || target.length === 0 || target.includes(0))) return undefined
  const hardLinkTo = state['hardLinkTo'] === undefined ? undefined : namesOfPath(state['hardLinkTo'])
  if (hardLinkTo === undefined && state['hardLinkTo'] !== undefined) return undefined
  const attributes = attributesOf(state['attributes'])
  const sizeBytes = typeof size === 'number' ? size : 0
  return { type, mode, uid, gid, mtimeNs: BigInt(mtime), sizeBytes, target, hardLinkTo, attributes }
}

/** Names beneath the home, as byte strings; none for the home itself. `undefined`: no entry has such a key. */
export function namesOf(key: Uint8Array): readonly string[] | undefined {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength)
  const { kind, names } = bytes.includes(1) ? escapedNames(bytes) : plainNames(bytes)
  return kind === ENTRY_KIND && names.every(isEntryName) ? names : undefined
}

/** Nothing in it stands for something else: so are nearly all. */
function plainNames(key: Buffer): { readonly kind: string; readonly names: string[] } {
  const names = key.toString('latin1').split('\0')
  return { kind: names.shift() as string, names }
}

function escapedNames(key: Buffer): { readonly kind: string; readonly names: readonly string[] } {
  const { kind, segments } = decodeKey(key)
  return { kind, names: segments.map((segment) => segment.toString('latin1')) }
}

function isMade(type: JsonValue | undefined): type is MadeType {
  return type === 'file' || type === 'directory' || type === 'link' || type === 'fifo'
}

function namesOfPath(path: JsonValue): readonly string[] | undefined {
  if (typeof path !== 'string') return undefined
  const names = namesOf(parseKey(path, []))
  return names === undefined || names.length === 0 ? undefined : names
}

function octal(mode: JsonValue | undefined): number | undefined {
  return typeof mode === 'string' && /^[0-7]{4}$/.test(mode) ? Number.parseInt(mode, 8) : undefined
}

function isId(value: JsonValue | undefined): value is number {
  // All ones stand for "leave it" in the call.
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 32 - 1
}

function targetOf({ target, targetBytes }: JsonObject): Buffer | undefined {
  if (typeof target === 'string') return Buffer.from(target, 'utf8')
  return typeof targetBytes === 'string' ? Buffer.from(targetBytes, 'base64url') : undefined
}

const NONE: ReadonlyMap<string, Buffer> = new Map()

/** Only those that are kept: nothing stored may set a capability or a label. */
function attributesOf(attributes: JsonValue | undefined): ReadonlyMap<string, Buffer> {
  if (attributes === undefined) return NONE
  const read = new Map<string, Buffer>()
  if (typeof attributes !== 'object' || attributes === null) return read
  for (const [written, value] of Object.entries(attributes)) {
    const name = parseSegment(written).toString('latin1')
    if (isKept(name) && !name.includes('\0') && typeof value === 'string')
      read.set(name, Buffer.from(value, 'base64url'))
  }
  return read
}
