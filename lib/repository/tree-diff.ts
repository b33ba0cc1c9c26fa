/**
 * Compares two trees in key order and skips what is equal: a subtree with the same id holds the same entries. The work grows with the number of
 * differences, not with the size of the maps.
 */
import { compareKeys } from '../resources/key.ts'
import { lostRange, orLost } from './tree-reader.ts'
import type { ChunkId } from './chunk-store.ts'
import type { OnLost } from './repository.ts'
import type { TreeChild, TreeEntry, TreeNode } from './node-codec.ts'
import type { TreeReader } from './tree-reader.ts'

export interface TreeDifference {
  readonly key: Buffer
  readonly before: TreeEntry | undefined
  readonly after: TreeEntry | undefined
}

/** Given out together: each by itself would be waited for. */
const TOGETHER_MIN = 256

/** A root is `undefined` for a side that is not there: it counts as the empty map. Differences in key order, some at a time, never none. */
export async function* diffTrees(
  before: { readonly reader: TreeReader; readonly root: ChunkId | undefined },
  after: { readonly reader: TreeReader; readonly root: ChunkId | undefined },
  onLost?: OnLost,
): AsyncGenerator<readonly TreeDifference[]> {
  if (before.root !== undefined && after.root !== undefined && before.root.equals(after.root)) return
  const left = await Side.open(before.reader, before.root, onLost)
  const right = await Side.open(after.reader, after.root, onLost)
  let found: TreeDifference[] = []
  for (;;) {
    const [a, b] = [left.next, right.next]
    if (a === undefined && b === undefined) break
    if (a === undefined || (b !== undefined && endsBefore(b, a))) {
      if (b?.entry === undefined) await right.enter()
      else {
        found.push({ key: b.key, before: undefined, after: b.entry })
        right.skip()
      }
    } else if (b === undefined || endsBefore(a, b)) {
      if (a.entry === undefined) await left.enter()
      else {
        found.push({ key: a.key, before: a.entry, after: undefined })
        left.skip()
      }
    } else if (a.entry !== undefined && b.entry !== undefined) {
      // Neither lies before the other: the same key.
      if (!a.entry.value.equals(b.entry.value)) found.push({ key: a.key, before: a.entry, after: b.entry })
      left.skip()
      right.skip()
    } else if (a.child !== undefined && b.child !== undefined && a.child.id.equals(b.child.id)) {
      left.skip()
      right.skip()
    } else {
      // They overlap: go down on the higher one, on both where they are level.
      if (a.level >= b.level) await left.enter()
      if (b.level >= a.level) await right.enter()
    }
    if (found.length >= TOGETHER_MIN) {
      yield found
      found = []
    }
  }
  if (found.length > 0) yield found
}

/** The next entry of one side, or the whole subtree that begins there. */
interface Item {
  /** −1 for an entry, else the level of the node the child hangs on. */
  readonly level: number
  /** Its key, or the last key of the subtree. */
  readonly key: Buffer
  /** Every key in it is greater than this one. */
  readonly lower: Buffer | undefined
  readonly entry?: TreeEntry
  readonly child?: TreeChild
}

/** Does all of `a` lie before all of `b`? */
function endsBefore(a: Item, b: Item): boolean {
  if (b.entry !== undefined) return compareKeys(a.key, b.key) < 0
  return b.lower !== undefined && compareKeys(a.key, b.lower) <= 0
}

class Side {
  readonly #reader: TreeReader
  readonly #onLost: OnLost | undefined
  /** Per open node, what is left of it, last first. */
  readonly #stack: Item[][] = []

  static async open(reader: TreeReader, root: ChunkId | undefined, onLost?: OnLost): Promise<Side> {
    const side = new Side(reader, onLost)
    const node = root === undefined ? undefined : await orLost(reader.root(root), {}, onLost)
    if (node !== undefined) side.#push(node, undefined)
    return side
  }

  private constructor(reader: TreeReader, onLost: OnLost | undefined) {
    this.#reader = reader
    this.#onLost = onLost
  }

  get next(): Item | undefined {
    return this.#stack.at(-1)?.at(-1)
  }

  /** Goes down into the subtree that is next. */
  async enter(): Promise<void> {
    const item = this.next
    this.skip()
    if (item?.child === undefined) return
    const { level, child, lower } = item
    const node = await orLost(this.#reader.child(level, child, lower), lostRange(child, lower), this.#onLost)
    if (node !== undefined) this.#push(node, lower)
  }

  /** Passes an entry or a whole subtree. */
  skip(): void {
    this.#stack.at(-1)?.pop()
    while (this.#stack.at(-1)?.length === 0) this.#stack.pop()
  }

  #push(node: TreeNode, lower: Buffer | undefined): void {
    const items: Item[] = node.leaf
      ? node.items.map((entry, at) => ({ level: -1, key: entry.key, lower: node.items[at - 1]?.key ?? lower, entry }))
      : node.items.map((child, at) => ({
          level: node.level,
          key: child.key,
          lower: node.items[at - 1]?.key ?? lower,
          child,
        }))
    if (items.length > 0) this.#stack.push(items.reverse())
  }
}
