/**
 * Looks up ascending keys in one tree, leaf by leaf: an answer from the leaf at hand comes at once, so that walking a whole map beside a source costs no turn of the event
 * loop per entry. Holds one node per level.
 */
import { compareKeys } from '../resources/key.ts'
import { TreeReader } from './tree-reader.ts'
import type { ChunkId, ChunkSource } from './chunk-store.ts'
import type { TreeChild, TreeEntry, TreeNode } from './node-codec.ts'
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

  /** Keys ascend from call to call. @throws TorikiError `object-not-found`, `seal-broken`. */
  find(key: Buffer): TreeEntry | undefined | Promise<TreeEntry | undefined> {
    const leaf = this.#levels?.at(-1)
    if (leaf?.node.leaf !== true) return this.#levels?.length === 0 ? undefined : this.#seek(key)
    const { items } = leaf.node
    for (; leaf.at < items.length; leaf.at++) {
      const entry = items[leaf.at] as TreeEntry
      const order = compareKeys(entry.key, key)
      if (order === 0) return entry
      if (order > 0) return undefined
    }
    return this.#seek(key)
  }

  /** Where the entry stands that `find` gave last. */
  get leaf(): StoredLeaf | undefined {
    return this.#levels?.at(-1)?.leaf
  }

  get at(): number {
    return this.#levels?.at(-1)?.at ?? 0
  }

  async #seek(key: Buffer): Promise<TreeEntry | undefined> {
    const levels = (this.#levels ??= [levelOf(this.#root, await this.#reader.root(this.#root), undefined)])
    for (;;) {
      const level = levels.at(-1)
      if (level === undefined) return undefined
      const { node } = level
      if (node.leaf) {
        const last = node.items.at(-1)
        if (last !== undefined && compareKeys(last.key, key) >= 0) return await this.find(key)
      } else {
        // A child ends with its key: what ends before ours is of no use any more.
        while (level.at < node.items.length && compareKeys((node.items[level.at] as TreeChild).key, key) < 0) level.at++
        const child = node.items[level.at]
        if (child !== undefined) {
          const lower = node.items[level.at - 1]?.key ?? level.lower
          level.at++
          levels.push(levelOf(child.id, await this.#reader.child(node.level, child, lower), lower))
          continue
        }
      }
      levels.pop()
    }
  }
}

function levelOf(id: ChunkId, node: TreeNode, lower: Buffer | undefined): Level {
  const leaf = node.leaf ? { id, items: node.items, byteLength: node.byteLength } : undefined
  return { node, lower, at: 0, leaf }
}
