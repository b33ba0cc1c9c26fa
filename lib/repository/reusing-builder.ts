/**
 * Builds a tree beside an earlier one of the same generation: a leaf whose entries all come again, and nothing between them, is named as it is stored, and neither encoded nor
 * hashed. The tree is the same as if it had been built entry by entry. Holds one leaf of the earlier tree besides what `TreeBuilder` holds.
 */
import { compareKeys } from '../resources/key.ts'
import { TreeBuilder } from './tree-builder.ts'
import { heightOf } from './tree-format.ts'
import type { ChunkId } from './chunk-store.ts'
import type { TreeEntry } from './node-codec.ts'
import type { BuiltTree } from './tree-builder.ts'
import type { TreeFormat } from './tree-format.ts'

/** A leaf of the earlier tree. */
export interface StoredLeaf {
  readonly id: ChunkId
  readonly items: readonly TreeEntry[]
  readonly byteLength: number
}

/** Where the nodes go. */
export interface NodeStore {
  put(node: Buffer): Promise<ChunkId>
  /** Is this leaf there, and may it be named without its bytes? */
  canName(leaf: StoredLeaf): boolean
  name(leaf: StoredLeaf): Promise<void> | undefined
}

export class ReusingBuilder {
  readonly #format: TreeFormat
  readonly #nodes: NodeStore
  readonly #builder: TreeBuilder
  /** So many entries of a leaf came again by now, and are not in the builder yet. */
  #leaf: StoredLeaf | undefined
  #count = 0

  constructor(format: TreeFormat, nodes: NodeStore) {
    this.#format = format
    this.#nodes = nodes
    this.#builder = new TreeBuilder(format, (node) => nodes.put(node))
  }

  get entries(): number {
    return this.#builder.entries + this.#count
  }

  /** A copy of the last key added. */
  get lastKey(): Buffer | undefined {
    return this.#last?.key ?? this.#builder.lastKey
  }

  /** Does this key come behind all that were added? */
  isBehind(key: Buffer): boolean {
    const last = this.#last
    return last === undefined ? this.#builder.isBehind(key) : compareKeys(last.key, key) < 0
  }

  /** As `TreeBuilder.add`. */
  add(key: Buffer, value: Buffer, height?: number): Promise<void> | undefined {
    if (this.#leaf === undefined) return this.#builder.add(key, value, height)
    const own = Buffer.from(value)
    return this.#unfold().then(() => this.add(key, own, height))
  }

  /** Adds the entry that stands there in the earlier tree. */
  again(leaf: StoredLeaf, at: number): Promise<void> | undefined {
    if (this.#leaf !== undefined) {
      if (leaf === this.#leaf && at === this.#count) return this.#goOn(leaf)
      return this.#unfold().then(() => this.again(leaf, at))
    }
    if (at === 0 && this.#builder.isAtBorder && this.#nodes.canName(leaf)) {
      this.#leaf = leaf
      return this.#goOn(leaf)
    }
    return this.#addStored(leaf, at)
  }

  /** As `TreeBuilder.finish`. */
  async finish(): Promise<BuiltTree> {
    if (this.#leaf !== undefined) await this.#unfold()
    return await this.#builder.finish()
  }

  get #last(): TreeEntry | undefined {
    return this.#leaf?.items[this.#count - 1]
  }

  #goOn(leaf: StoredLeaf): Promise<void> | undefined {
    this.#count++
    if (this.#count < leaf.items.length) return undefined
    const { key } = leaf.items.at(-1) as TreeEntry
    const height = heightOf(this.#format.boundaryKey, key)
    // The last leaf of a tree may be open at its end: what follows now would have gone into it.
    if (height === 0) return this.#unfold()
    this.#leaf = undefined
    this.#count = 0
    const naming = this.#nodes.name(leaf)
    const adopt = (): Promise<void> | undefined =>
      this.#builder.adopt({ key, id: leaf.id, entries: leaf.items.length }, height)
    return naming === undefined ? adopt() : naming.then(adopt)
  }

  /** What was held back goes in entry by entry. */
  async #unfold(): Promise<void> {
    const [leaf, count] = [this.#leaf, this.#count]
    this.#leaf = undefined
    this.#count = 0
    for (let at = 0; leaf !== undefined && at < count; at++) {
      await this.#addStored(leaf, at)
    }
  }

  #addStored(leaf: StoredLeaf, at: number): Promise<void> | undefined {
    const { key, value } = leaf.items[at] as TreeEntry
    // A leaf ends with the first key that has a height: all before it have none.
    const isInner = at < leaf.items.length - 1
    return this.#builder.add(key, value, isInner ? 0 : heightOf(this.#format.boundaryKey, key))
  }
}
