/** The value of a tree entry: bodies, contents, secrets, as docs/format.md says. */
import { createHash } from 'node:crypto'
import { ByteCursor } from './byte-cursor.ts'
import { keyedDigest } from './keys.ts'
import type { SliceSecrets } from './keys.ts'
import { readTree } from './tree.ts'

export interface CheckedResource {
  readonly state: unknown
  readonly kept: unknown
  /** Holes read as zeros; `undefined`: no content. */
  readonly contentSha256: string | undefined
  readonly secrets: Readonly<Record<string, string>>
}

export interface Chunks {
  tree(id: string): Buffer
  content(id: string): Buffer
}

export function readEntry(value: Buffer, chunks: Chunks, keys: SliceSecrets): CheckedResource {
  const cursor = new ByteCursor(value)
  const flags = cursor.byte()
  if (flags > 15) throw new Error('an entry with a flag that there is not')
  const body = (): unknown => {
    if ((flags & 1) === 0) return json(cursor.counted())
    const digest = cursor.take(32)
    const bytes = readContent(cursor, chunks, keys)
    if (!keyedDigest(keys.digestKey, 'body', bytes).equals(digest)) throw new Error('a long body with another digest')
    return json(bytes)
  }
  const state = body()
  const kept = (flags & 2) === 0 ? {} : body()
  const content = (flags & 4) === 0 ? undefined : readContent(cursor, chunks, keys)
  const secrets: Record<string, string> = {}
  let before = Buffer.alloc(0)
  for (let left = (flags & 8) === 0 ? 0 : cursor.varint(); left > 0; left--) {
    const name = cursor.counted()
    if (Buffer.compare(before, name) >= 0) throw new Error('secrets that do not ascend')
    before = Buffer.from(name)
    secrets[name.toString('utf8')] = readContent(cursor, chunks, keys).toString('utf8')
  }
  cursor.end()
  return { state, kept, contentSha256: content && createHash('sha256').update(content).digest('hex'), secrets }
}

function readContent(cursor: ByteCursor, chunks: Chunks, keys: SliceSecrets): Buffer {
  const size = cursor.varint()
  const form = cursor.byte()
  const parts: Buffer[] = []
  if (form === 255) {
    let end = 0
    for (const { key, value } of readTree(cursor.take(32).toString('hex'), keys.listTag, keys, (id) =>
      chunks.tree(id),
    )) {
      const extent = new ByteCursor(value)
      parts.push(readExtent(extent, chunks))
      extent.end()
      end += (parts.at(-1) as Buffer).length
      if (key.length !== 8 || key.readBigUInt64BE() !== BigInt(end))
        throw new Error('a list of extents with a wrong offset')
    }
    if (parts.length <= 16) throw new Error('a list for so few extents')
  } else {
    if (form > 16) throw new Error('a content of a form that there is not')
    for (let at = 0; at < form; at++) parts.push(readExtent(cursor, chunks))
  }
  const bytes = Buffer.concat(parts)
  if (bytes.length !== size) throw new Error('a content of another size')
  return bytes
}

function readExtent(cursor: ByteCursor, chunks: Chunks): Buffer {
  const length = cursor.varint()
  const kind = cursor.byte()
  if (kind > 1 || length === 0) throw new Error('an extent that there is not')
  if (kind === 1) return Buffer.alloc(length)
  const chunk = chunks.content(cursor.take(32).toString('hex'))
  if (chunk.length !== length) throw new Error('an extent of another length than its chunk')
  return chunk
}

function json(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString('utf8')) as unknown
}
