/** Search trees, as docs/format.md, "Tree", says: read down from the root, then built anew from their entries, which must give the same root. */
import { createHash } from 'node:crypto'
import { ByteCursor, varint } from './byte-cursor.ts'
import { chunkIdOf } from './keys.ts'
import type { SliceSecrets } from './keys.ts'

export interface Entry {
  readonly key: Buffer
  readonly value: Buffer
}

type Item = { readonly key: Buffer; readonly payload: Buffer; readonly entries: number }

/** All entries of a tree in order. @throws Error in words: anything that the one right way of building it does not give. */
export function readTree(root: string, tag: Buffer, secrets: SliceSecrets, chunk: (id: string) => Buffer): Entry[] {
  const entries: Entry[] = []
  const visit = (
    id: string,
    level: number | undefined,
  ): { readonly last: Buffer | undefined; readonly entries: number } => {
    const cursor = new ByteCursor(chunk(id))
    if (!cursor.take(8).equals(tag)) throw new Error('a node without its tag')
    const own = cursor.byte()
    if (level !== undefined && own !== level) throw new Error('a node on the wrong level')
    let last: Buffer | undefined
    let below = 0
    for (let left = cursor.varint(); left > 0; left--) {
      const shared = cursor.varint()
      const key: Buffer = Buffer.concat([(last ?? Buffer.alloc(0)).subarray(0, shared), cursor.counted()])
      if (last !== undefined && Buffer.compare(last, key) >= 0) throw new Error('keys that do not ascend')
      last = key
      if (own === 0) {
        entries.push({ key, value: cursor.counted() })
        below++
      } else {
        const child = visit(cursor.take(32).toString('hex'), own - 1)
        if (child.last?.equals(key) !== true || child.entries !== cursor.varint())
          throw new Error('a node that says wrong things of its child')
        below += child.entries
      }
    }
    cursor.end()
    return { last, entries: below }
  }
  visit(root, undefined)
  for (let at = 1; at < entries.length; at++) {
    if (Buffer.compare((entries[at - 1] as Entry).key, (entries[at] as Entry).key) >= 0)
      throw new Error('keys that do not ascend')
  }
  if (rootOf(entries, tag, secrets) !== root) throw new Error('a tree that is not the one its entries make')
  return entries
}

/** The root that these entries must have. */
function rootOf(entries: readonly Entry[], tag: Buffer, secrets: SliceSecrets): string {
  let items: Item[] = entries.map(({ key, value }) => ({
    key,
    payload: Buffer.concat([varint(value.length), value]),
    entries: 1,
  }))
  for (let level = 0; ; level++) {
    const nodes = cut(items, level, secrets)
    const ids = nodes.map((node) => chunkIdOf(secrets, encode(node, level, tag)))
    if (nodes.length === 1) return ids[0] as string
    items = nodes.map((node, at) => {
      const below = node.reduce((sum, item) => sum + item.entries, 0)
      return {
        key: (node.at(-1) as Item).key,
        payload: Buffer.concat([Buffer.from(ids[at] as string, 'hex'), varint(below)]),
        entries: below,
      }
    })
  }
}

/** An entry closes its node on every level below its height; no empty node follows. */
function cut(items: readonly Item[], level: number, { boundaryKey }: SliceSecrets): Item[][] {
  const nodes: Item[][] = [[]]
  let closed = false
  for (const item of items) {
    if (closed) nodes.push([])
    nodes.at(-1)?.push(item)
    closed = heightOf(boundaryKey, item.key) > level
  }
  return nodes
}

function heightOf(boundaryKey: Buffer, key: Buffer): number {
  const digest = createHash('sha256').update(boundaryKey).update(key).digest()
  let bits = ''
  for (const byte of digest) bits += byte.toString(2).padStart(8, '0')
  return Math.floor(bits.indexOf('1') / 7)
}

function encode(items: readonly Item[], level: number, tag: Buffer): Buffer {
  const parts = [tag, Buffer.of(level), varint(items.length)]
  let before = Buffer.alloc(0)
  for (const { key, payload } of items) {
    let shared = 0
    while (shared < before.length && shared < key.length && before[shared] === key[shared]) shared++
    parts.push(varint(shared), varint(key.length - shared), key.subarray(shared), payload)
    before = Buffer.from(key)
  }
  return Buffer.concat(parts)
}
