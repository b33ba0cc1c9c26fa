/**
 * Tree nodes as bytes (docs/format.md, "Tree"). A node is one chunk; keys are written without what they share with the key before them.
 *
 * ```
 * node   tag 8 ‖ level 1 ‖ count varint ‖ count × item
 * item   shared varint ‖ rest counted                      the key: so many bytes of the key before, then the rest
 *        level 0:  value counted
 *        above:    child's id 32 ‖ entries varint          the key is the child's last; entries are those of all its leaves
 * ```
 */
import assert from 'node:assert/strict'
import { ByteReader, ByteWriter } from './byte-codec.ts'
import {
  CHUNK_ID_BYTES,
  NODE_ITEMS_MAX,
  NODE_KEYS_BYTES_MAX,
  RESOURCE_KEY_BYTES_MAX,
  TREE_LEVEL_MAX,
} from './format.ts'
import type { ChunkId } from './chunk-store.ts'
import type { TreeFormat } from './tree-format.ts'

export interface TreeEntry {
  readonly key: Buffer
  readonly value: Buffer
}

export interface TreeChild {
  /** The last key below. */
  readonly key: Buffer
  readonly id: ChunkId
  /** Entries of all leaves below. */
  readonly entries: number
}

export type TreeNode =
  | {
      readonly leaf: true
      readonly level: 0
      readonly items: readonly TreeEntry[]
      /** Of the node as it is stored. */
      readonly byteLength: number
    }
  | { readonly leaf: false; readonly level: number; readonly items: readonly TreeChild[] }

/** Collects the items of one node. */
export class NodeWriter {
  readonly #level: number
  readonly #items = new ByteWriter()
  #count = 0
  #entries = 0
  /** The last key, in memory that is used again. */
  #key = Buffer.allocUnsafe(256)
  #keyBytes = 0
  #hasKey = false

  constructor(level: number) {
    this.#level = level
  }

  /** Does this key come behind the last one, in this node or the one before? */
  isBehind(key: Buffer): boolean {
    const shared = sharedLength(this.#key, this.#keyBytes, key)
    if (shared === this.#keyBytes) return key.length > shared || !this.#hasKey
    return shared < key.length && (this.#key[shared] as number) < (key[shared] as number)
  }

  /** A copy. */
  get lastKey(): Buffer {
    return Buffer.from(this.#key.subarray(0, this.#keyBytes))
  }

  /** Entries of all leaves below, its own if it is a leaf. */
  get entries(): number {
    return this.#entries
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** What comes next comes behind this key, which stands in another node. */
  passOver(key: Buffer): void {
    assert(this.#count === 0 && this.isBehind(key), 'tree entries come in ascending order')
    this.#keep(key)
  }

  entry({ key, value }: TreeEntry): void {
    this.#addKey(key)
    this.#items.counted(value)
    this.#entries++
  }

  child({ key, id, entries }: TreeChild): void {
    this.#addKey(key)
    this.#items.raw(id).varint(entries)
    this.#entries += entries
  }

  /** The node's bytes; the writer is empty afterwards. */
  take(format: TreeFormat): Buffer {
    const head = new ByteWriter().raw(format.tag).byte(this.#level).varint(this.#count).bytes()
    const bytes = Buffer.concat([head, this.#items.bytes()])
    this.#items.clear()
    this.#count = 0
    this.#entries = 0
    return bytes
  }

  #keep(key: Buffer): void {
    if (key.length > this.#key.length) this.#key = Buffer.allocUnsafe(key.length * 2)
    key.copy(this.#key)
    this.#keyBytes = key.length
    this.#hasKey = true
  }

  #addKey(key: Buffer): void {
    const shared = this.#count === 0 ? 0 : sharedLength(this.#key, this.#keyBytes, key)
    const rest = key.length - shared
    this.#items.varint(shared).varint(rest).part(key, shared, rest)
    this.#keep(key)
    this.#count++
  }
}

/** @throws TorikiError `seal-broken` for anything that `NodeWriter` does not write: keys that do not ascend, another tag, bytes left over. */
export function decodeNode(format: TreeFormat, bytes: Buffer): TreeNode {
  const reader = new ByteReader(bytes, 'tree node')
  if (!reader.raw(format.tag.length).equals(format.tag)) throw reader.malformed()
  const level = reader.byte()
  const count = reader.varint()
  if (level > TREE_LEVEL_MAX || count > NODE_ITEMS_MAX || (level > 0 && count === 0)) throw reader.malformed()
  let last: Buffer | undefined
  let keyBytes = 0
  const readKey = (): Buffer => {
    const shared = reader.varint()
    const rest = reader.varint()
    const restAt = reader.at
    reader.skip(rest)
    const length = shared + rest
    keyBytes += length
    // Before memory is taken: keys are stored without what they share.
    if (shared > (last?.length ?? 0) || length > RESOURCE_KEY_BYTES_MAX || keyBytes > NODE_KEYS_BYTES_MAX)
      throw reader.malformed()
    const key =
      last === undefined || shared === 0
        ? bytes.subarray(restAt, restAt + rest)
        : joined(last, shared, bytes, restAt, rest)
    if (last !== undefined && !isBehind(key, last, shared)) throw reader.malformed()
    last = key
    return key
  }
  if (level === 0) {
    const items: TreeEntry[] = []
    for (let at = 0; at < count; at++) items.push({ key: readKey(), value: reader.counted() })
    reader.end()
    return { leaf: true, level, items, byteLength: bytes.length }
  }
  const items: TreeChild[] = []
  for (let at = 0; at < count; at++) {
    const key = readKey()
    if (format.isKey?.(key) === false) throw reader.malformed()
    items.push({ key, id: reader.raw(CHUNK_ID_BYTES), entries: reader.varint() })
  }
  reader.end()
  return { leaf: false, level, items }
}

/** What it shares with the one before, and `rest` bytes at `restAt`: `Buffer.concat` of the two without its price, and without a view of the rest. */
function joined(before: Buffer, shared: number, bytes: Buffer, restAt: number, rest: number): Buffer {
  const key = Buffer.allocUnsafe(shared + rest)
  before.copy(key, 0, 0, shared)
  bytes.copy(key, shared, restAt, restAt + rest)
  return key
}

/** They share so many bytes, and nearly always the next one tells. */
function isBehind(key: Buffer, last: Buffer, shared: number): boolean {
  const [one, before] = [key[shared], last[shared]]
  if (one !== undefined && (before === undefined || one > before)) return true
  return Buffer.compare(last, key) < 0
}

function sharedLength(a: Buffer, aBytes: number, b: Buffer): number {
  const end = Math.min(aBytes, b.length)
  let at = 0
  while (at < end && a[at] === b[at]) at++
  return at
}
