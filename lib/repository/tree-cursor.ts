/**
 * Looks up keys in one tree, each from where the last one stood: an answer from the leaf at hand comes at once, so that walking a whole map beside a source, forwards or backwards, costs no
 * turn of the event loop per entry; where keys are far apart, nothing of what lies between is read. Holds one node per level.
 */
import { compareKeys } from '../resources/key.ts'
import { firstFrom, TreeReader } from './tree-reader.ts'
import type { ChunkId, ChunkSource } from './chunk-store.ts'
import type { TreeEntry, TreeNode } from './node-codec.ts'
import type { StoredLeaf } from './reusing-builder.ts'
import type { TreeFormat } from './tree-format.ts'

interface Level {
  readonly node: TreeNode
  /** Everything in it lies behind this key. */
  readonly lower: Buffer | undefined
  at: number
  /** The same as `node`, where that is a leaf. */
  readonly leaf: StoredLeaf | undefined
}

export class TreeCursor {
  readonly #reader: TreeReader
  readonly #root: ChunkId
  /** From the root down; `undefined` before the first look. */
  #levels: Level[] | undefined

  constructor(format: TreeFormat, source: Pick<ChunkSource, 'get'>, root: ChunkId) {
    this.#reader = new TreeReader(format, source)
    this.#root = root
  }

  /** Not for use by two at once. What is damaged says nothing of the next key. @throws TorikiError `object-not-found`, `seal-broken`. */
  find(key: Buffer): TreeEntry | undefined | Promise<TreeEntry | undefined> {
    const leaf = this.#levels?.at(-1)
    if (leaf?.node.leaf !== true) return this.#elsewhere(key)
    const { items } = leaf.node
    for (; leaf.at < items.length; leaf.at++) {
      const entry = items[leaf.at] as TreeEntry
      const order = compareKeys(entry.key, key)
      if (order === 0) return entry
      if (order > 0) return this.#before(leaf, items, key)
    }
    return this.#elsewhere(key)
  }

  /** Where the entry stands that `find` gave last. */
  get leaf(): StoredLeaf | undefined {
    return this.#levels?.at(-1)?.leaf
  }

  get at(): number {
    return this.#levels?.at(-1)?.at ?? 0
  }

  /** One that does not lie behind where the leaf stands. */
  #before(
    leaf: Level,
    items: readonly TreeEntry[],
    key: Buffer,
  ): TreeEntry | undefined | Promise<TreeEntry | undefined> {
    const last = items[leaf.at - 1]
    if (last !== undefined && compareKeys(last.key, key) < 0) return undefined
    if (!isIn(leaf, key)) return this.#elsewhere(key)
    leaf.at = firstFrom(items, key)
    const entry = items[leaf.at] as TreeEntry
    return compareKeys(entry.key, key) === 0 ? entry : undefined
  }

  /** Behind everything there is nothing to wait for either. */
  #elsewhere(key: Buffer): undefined | Promise<TreeEntry | undefined> {
    const [root] = this.#levels ?? []
    if (root === undefined) return this.#seek(key)
    const last = root.node.items.at(-1)
    return last === undefined || compareKeys(last.key, key) < 0 ? undefined : this.#seek(key)
  }

  async #seek(key: Buffer): Promise<TreeEntry | undefined> {
    const levels = (this.#levels ??= [levelOf(this.#root, await this.#reader.root(this.#root), undefined)])
    for (;;) {
      const level = levels.at(-1) as Level
      const { node } = level
      if (isIn(level, key)) {
        level.at = firstFrom(node.items, key)
        if (node.leaf) {
          const entry = node.items[level.at]
          if (entry !== undefined) return compareKeys(entry.key, key) === 0 ? entry : undefined
        } else {
          const child = node.items[level.at]
          if (child !== undefined) {
            const lower = node.items[level.at - 1]?.key ?? level.lower
            levels.push(levelOf(child.id, await this.#reader.child(node.level, child, lower), lower))
            continue
          }
        }
      }
      if (levels.length === 1) return undefined
      levels.pop()
    }
  }
}

function isIn({ lower }: Level, key: Buffer): boolean {
  return lower === undefined || compareKeys(lower, key) < 0
}

function levelOf(id: ChunkId, node: TreeNode, lower: Buffer | undefined): Level {
  const leaf = node.leaf ? { id, items: node.items, byteLength: node.byteLength } : undefined
  return { node, lower, at: 0, leaf }
}
