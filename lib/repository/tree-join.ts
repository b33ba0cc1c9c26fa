/**
 * Joins trees over ascending ranges of keys to the tree over all of them, the very one that a single pass would build. Nodes have content-defined borders, so all but those
 * at the seams are the same: they are named, and neither read nor written.
 */
import { TorikiError } from '../errors.ts'
import { compareKeys } from '../resources/key.ts'
import type { ChunkId, ChunkSource } from './chunk-store.ts'
import type { TreeChild, TreeNode } from './node-codec.ts'
import { TreeBuilder } from './tree-builder.ts'
import type { BuiltTree } from './tree-builder.ts'
import { heightOf } from './tree-format.ts'
import type { TreeFormat } from './tree-format.ts'
import { TreeReader } from './tree-reader.ts'

/**
 * `roots` in the order of their keys; an empty map counts for nothing. `store` keeps a new node.
 * @throws TorikiError `seal-broken` when the ranges meet, or a node is not what its parent says; `object-not-found`.
 */
export async function joinTrees(
  format: TreeFormat,
  roots: readonly ChunkId[],
  source: Pick<ChunkSource, 'get'>,
  store: (node: Buffer) => Promise<ChunkId>,
): Promise<BuiltTree> {
  const reader = new TreeReader(format, source)
  const builder = new TreeBuilder(format, store)
  const trees: TreeNode[] = []
  for (const root of roots) {
    const node = await reader.root(root)
    if (node.items.length > 0) trees.push(node)
  }
  for (const [at, node] of trees.entries()) await append(node, undefined, at === trees.length - 1)

  return await builder.finish()

  /** `isEdge`: it ends the whole map, so nothing that ends with it may be attached. */
  async function append(node: TreeNode, before: Buffer | undefined, isEdge: boolean): Promise<void> {
    if (node.leaf) {
      for (const { key, value } of node.items) {
        refuseMeeting(key)
        await builder.add(key, value)
      }
      return
    }
    let lower = before
    for (const [at, child] of node.items.entries()) {
      const isLast = isEdge && at === node.items.length - 1
      if (!isLast && canStay(child, node.level - 1)) {
        refuseMeeting(child.key)
        await builder.attach(node.level - 1, child)
      } else await append(await reader.child(node.level, child, lower), lower, isLast)
      lower = child.key
    }
  }

  function canStay({ key }: TreeChild, level: number): boolean {
    return heightOf(format.boundaryKey, key) > level && builder.canAttach(level)
  }

  function refuseMeeting(key: Buffer): void {
    if (builder.lastKey !== undefined && compareKeys(builder.lastKey, key) >= 0)
      throw new TorikiError('seal-broken', { message: 'Two parts of a map hold the same keys.' })
  }
}
