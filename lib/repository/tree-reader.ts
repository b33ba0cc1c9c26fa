/** Reads trees: in order, from any key on, or one entry by one node per level. Holds one node per level. */
import { isTorikiError, TorikiError } from '../errors.ts'
import { compareKeys } from '../resources/key.ts'
import { decodeNode } from './node-codec.ts'
import type { ChunkId, ChunkSource } from './chunk-store.ts'
import type { TreeChild, TreeEntry, TreeNode } from './node-codec.ts'
import type { LostRange, OnLost } from './repository.ts'
import type { TreeFormat } from './tree-format.ts'

export interface KeyRange {
  /** The first key, itself included. */
  readonly from?: Buffer | undefined
  /** The end, itself excluded. */
  readonly until?: Buffer | undefined
}

export class TreeReader {
  readonly #format: TreeFormat
  readonly #source: Pick<ChunkSource, 'get'>

  constructor(format: TreeFormat, source: Pick<ChunkSource, 'get'>) {
    this.#format = format
    this.#source = source
  }

  /** @throws TorikiError `seal-broken`, `object-not-found`. */
  async root(id: ChunkId): Promise<TreeNode> {
    return decodeNode(this.#format, await this.#source.get('tree', id))
  }

  /** A node named by its parent, which stands on `level`; `lower` is the key before everything in it. @throws as `root`. */
  async child(level: number, child: TreeChild, lower: Buffer | undefined): Promise<TreeNode> {
    const node = await this.root(child.id)
    if (!isChild(node, level, child, lower)) {
      throw new TorikiError('seal-broken', { message: 'A stored tree node is not where its parent says.' })
    }
    return node
  }

  /** The entries of the range in ascending order. With `onLost` a node that cannot be read is told and passed over. */
  async *entries(root: ChunkId, range: KeyRange = {}, onLost?: OnLost): AsyncGenerator<TreeEntry> {
    for await (const some of this.leaves(root, range, onLost)) yield* some
  }

  /** The same, as many at a time as lie in one leaf: each by itself would be waited for. */
  async *leaves(root: ChunkId, range: KeyRange = {}, onLost?: OnLost): AsyncGenerator<readonly TreeEntry[]> {
    const node = await orLost(this.root(root), {}, onLost)
    if (node !== undefined) yield* this.#walk(node, undefined, range, onLost)
  }

  /** One entry, by reading one node per level. */
  async find(root: ChunkId, key: Buffer): Promise<TreeEntry | undefined> {
    let node = await this.root(root)
    let lower: Buffer | undefined
    while (!node.leaf) {
      const at = firstFrom(node.items, key)
      const child = node.items[at]
      if (child === undefined) return undefined
      lower = node.items[at - 1]?.key ?? lower
      node = await this.child(node.level, child, lower)
    }
    const entry = node.items[firstFrom(node.items, key)]
    return entry !== undefined && compareKeys(entry.key, key) === 0 ? entry : undefined
  }

  async *#walk(
    node: TreeNode,
    before: Buffer | undefined,
    range: KeyRange,
    onLost: OnLost | undefined,
  ): AsyncGenerator<readonly TreeEntry[]> {
    const { from, until } = range
    const first = from === undefined ? 0 : firstFrom(node.items, from)
    if (node.leaf) {
      const some = node.items.slice(first, until === undefined ? undefined : firstFrom(node.items, until))
      if (some.length > 0) yield some
      return
    }
    let lower = node.items[first - 1]?.key ?? before
    for (const child of node.items.slice(first)) {
      // Everything below lies after the sibling before.
      if (until !== undefined && lower !== undefined && compareKeys(lower, until) >= 0) return
      const below = await orLost(this.child(node.level, child, lower), lostRange(child, lower), onLost)
      if (below !== undefined) yield* this.#walk(below, lower, range, onLost)
      lower = child.key
    }
  }
}

/**
 * Is the node what its parent on `level` says: one level lower, with so many entries, from behind `lower` to the child's key? Without the last two a few nodes could name
 * each other for ever more entries.
 */
export function isChild(node: TreeNode, level: number, child: TreeChild, lower: Buffer | undefined): boolean {
  const [first, last] = [node.items[0], node.items.at(-1)]
  if (node.level !== level - 1 || first === undefined || last === undefined) return false
  if (compareKeys(last.key, child.key) !== 0 || (lower !== undefined && compareKeys(first.key, lower) <= 0))
    return false
  return child.entries === (node.leaf ? node.items.length : node.items.reduce((sum, { entries }) => sum + entries, 0))
}

export function lostRange({ key, entries }: TreeChild, lower: Buffer | undefined): LostRange {
  return { ...(lower === undefined ? {} : { after: lower }), until: key, entries }
}

/** `undefined` when it was told. */
export async function orLost(
  reading: Promise<TreeNode>,
  range: LostRange,
  onLost: OnLost | undefined,
): Promise<TreeNode | undefined> {
  try {
    return await reading
  } catch (error) {
    const isLost =
      isTorikiError(error, 'seal-broken') ||
      isTorikiError(error, 'object-not-found') ||
      isTorikiError(error, 'format-newer')
    if (onLost === undefined || !isLost) throw error
    onLost(range)
    return undefined
  }
}

/** Index of the first item whose key is not before `key`; the length when all are. */
export function firstFrom(items: readonly { readonly key: Buffer }[], key: Buffer): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (compareKeys((items[middle] as { readonly key: Buffer }).key, key) < 0) low = middle + 1
    else high = middle
  }
  return low
}
