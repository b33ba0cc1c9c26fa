/**
 * Builds a prolly tree in one streaming pass (docs/format.md, "Tree"): the same map gives the same tree however it came about, one change rewrites
 * one leaf and its ancestors, and no more than one node per level is held. Nodes with content-defined borders are from Noms and Dolt.
 */
import assert from 'node:assert/strict'
import { NodeWriter } from './node-codec.ts'
import { heightOf } from './tree-format.ts'
import type { ChunkId } from './chunk-store.ts'
import type { TreeChild } from './node-codec.ts'
import type { TreeFormat } from './tree-format.ts'

interface Level {
  readonly writer: NodeWriter
  /** Nodes stored on this level so far. */
  nodes: number
  /** Height of the last item's key. A node that its last item closes is stored only when another item comes: there might be none, and no empty node follows. */
  height: number
  /** Instead of the writer's items: a node that is stored already. Then `height` is more than the level. */
  adopted: TreeChild | undefined
}

export interface BuiltTree {
  readonly root: ChunkId
  readonly entries: number
}

export class TreeBuilder {
  readonly #format: TreeFormat
  readonly #store: (node: Buffer) => Promise<ChunkId>
  readonly #levels: Level[] = []
  #entries = 0

  /** `store` keeps a node's bytes and gives the chunk id; children come before their parents. */
  constructor(format: TreeFormat, store: (node: Buffer) => Promise<ChunkId>) {
    this.#format = format
    this.#store = store
  }

  get entries(): number {
    return this.#entries
  }

  /** A copy of the last key added. */
  get lastKey(): Buffer | undefined {
    return this.#entries === 0 ? undefined : this.#level(0).writer.lastKey
  }

  /** Does this key come behind all that were added? */
  isBehind(key: Buffer): boolean {
    return this.#level(0).writer.isBehind(key)
  }

  /**
   * Keys come in strictly ascending order: anything else is a programmer's error. Only where a node is full there is something to wait for. `height`: of the key, where another
   * tree of the same generation was asked already. The value's memory may be used again when this returns, the key's when there is nothing to wait for any more.
   */
  add(key: Buffer, value: Buffer, height = heightOf(this.#format.boundaryKey, key)): Promise<void> | undefined {
    assert(this.isBehind(key), 'tree entries come in ascending order')
    const leaf = this.#level(0)
    if (leaf.height === 0) {
      this.#enter(leaf, key, value, height)
      return undefined
    }
    const own = Buffer.from(value)
    return this.#flush(0, leaf).then(() => this.#enter(leaf, key, own, height))
  }

  /** Would the next entry begin a leaf? */
  get isAtBorder(): boolean {
    const leaf = this.#level(0)
    return leaf.height > 0 || leaf.writer.isEmpty
  }

  /** Takes a whole leaf that is stored, whose last key has this height: where a leaf begins. Its bytes must be those that the builder would have made. */
  adopt(leaf: TreeChild, height: number): Promise<void> | undefined {
    assert(height > 0, 'a leaf that is taken whole is closed')
    const level = this.#level(0)
    if (level.height > 0) return this.#flush(0, level).then(() => this.#take(level, leaf, height))
    this.#take(level, leaf, height)
    return undefined
  }

  #take(level: Level, leaf: TreeChild, height: number): void {
    assert(level.writer.isEmpty && level.adopted === undefined, 'a leaf is taken where one begins')
    level.writer.passOver(leaf.key)
    level.adopted = leaf
    level.height = height
    this.#entries += leaf.entries
  }

  #enter(leaf: Level, key: Buffer, value: Buffer, height: number): void {
    leaf.writer.entry({ key, value })
    leaf.height = height
    this.#entries++
  }

  /**
   * Does the last key added close its nodes on all levels up to this one? Then a stored node of this level, which lies behind it and is closed itself, is the very node that
   * adding its entries one by one would give.
   */
  canAttach(level: number): boolean {
    const lowest = this.#levels.findIndex(hasItems)
    return lowest === -1 || lowest > level || (this.#levels[lowest] as Level).height > level
  }

  /**
   * Takes in a stored node of this level as it stands. Its last key closes it, it does not end the map (another entry follows), and `canAttach` was asked.
   */
  async attach(level: number, { key, id, entries }: TreeChild): Promise<void> {
    assert(
      this.canAttach(level) && heightOf(this.#format.boundaryKey, key) > level,
      'a node is attached between two borders',
    )
    for (let at = 0; at <= level; at++) {
      const below = this.#level(at)
      if (hasItems(below)) await this.#flush(at, below)
      below.nodes++
    }
    const above = await this.#open(level + 1)
    above.writer.child({ key, id, entries })
    above.height = heightOf(this.#format.boundaryKey, key)
    this.#level(0).writer.passOver(key)
    this.#entries += entries
  }

  /** Stores the rest and gives the root: the first level that holds one node; a leaf without entries for the empty map. Once. */
  async finish(): Promise<BuiltTree> {
    for (let at = 0; ; at++) {
      const level = this.#level(at)
      if (level.nodes === 0) {
        return {
          root: level.adopted?.id ?? (await this.#store(level.writer.take(this.#format))),
          entries: this.#entries,
        }
      }
      await this.#flush(at, level)
    }
  }

  /** The level, with room for another item: a node that its last item closed is stored first. */
  async #open(at: number): Promise<Level> {
    const level = this.#level(at)
    if (level.height > at) await this.#flush(at, level)
    return level
  }

  #level(at: number): Level {
    return (this.#levels[at] ??= { writer: new NodeWriter(at), nodes: 0, height: 0, adopted: undefined })
  }

  async #flush(at: number, level: Level): Promise<void> {
    const { height, adopted } = level
    level.height = 0
    level.adopted = undefined
    level.nodes++
    const child = adopted ?? (await this.#storeNode(level.writer))
    const above = await this.#open(at + 1)
    above.writer.child(child)
    above.height = height
  }

  async #storeNode(writer: NodeWriter): Promise<TreeChild> {
    const { lastKey: key, entries } = writer
    return { key, id: await this.#store(writer.take(this.#format)), entries }
  }
}

function hasItems({ writer, adopted }: Level): boolean {
  return !writer.isEmpty || adopted !== undefined
}
