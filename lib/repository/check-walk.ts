/**
 * One component's trees as `check` walks them: once to find chunks that are nowhere and nodes that do not open, and, where something is damaged, once more to say which
 * keys that hits.
 */
import { isTorikiError } from '../errors.ts'
import { formatKey } from '../resources/key.ts'
import type { ResourceKey } from '../resources/key.ts'
import { checkEntry, StoredEntry } from './body.ts'
import { decodeExtent } from './content-codec.ts'
import { decodeNode } from './node-codec.ts'
import { isChild } from './tree-reader.ts'
import type { SlicePacks } from './check-packs.ts'
import type { ChunkId, ChunkSource } from './chunk-store.ts'
import type { ContentShape } from './content-codec.ts'
import type { StoredContent } from './content-reader.ts'
import type { TreeChild, TreeEntry, TreeNode } from './node-codec.ts'
import type { InlineChunks, StoredComponent } from './snapshot-document.ts'
import type { TreeFormat, TreeFormats } from './tree-format.ts'

/** Chunks that cannot be had, by id in hex. */
export type Damaged = Set<string>

interface Walking {
  readonly packs: SlicePacks
  readonly formats: TreeFormats
  /** Reads this component's nodes. */
  readonly source: Pick<ChunkSource, 'get'>
  readonly inline: InlineChunks
  readonly damaged: Damaged
  readonly signal: AbortSignal
}

/** Adds to `damaged`. Places (by their number) and inlined nodes (by id) in `seen` are not looked at again. */
export async function findDamage(
  walking: Walking,
  { record }: StoredComponent,
  seen: { readonly places: Uint8Array; readonly inline: Set<string> },
): Promise<void> {
  const { packs, inline, damaged } = walking
  const isNew = (sort: 'tree' | 'content', id: ChunkId): boolean => {
    const hex = inline.size === 0 ? undefined : id.toString('hex')
    if (hex !== undefined && inline.has(hex)) {
      if (seen.inline.has(hex)) return false
      seen.inline.add(hex)
      return true
    }
    const place = packs.placeOf(sort, id)
    if (place === undefined) {
      damaged.add(id.toString('hex'))
      return false
    }
    if (seen.places[place] === 1) return false
    seen.places[place] = 1
    return true
  }
  const tree = async (
    format: TreeFormat,
    id: ChunkId,
    visit: (entry: TreeEntry) => Promise<void> | undefined,
    place?: NodePlace,
  ): Promise<void> => {
    walking.signal.throwIfAborted()
    if (!isNew('tree', id)) return
    const node = await readNode(walking, format, id, place)
    if (node === undefined) damaged.add(id.toString('hex'))
    else if (node.leaf)
      for (const entry of node.items) {
        const visiting = visit(entry)
        // Nearly always there is nothing to wait for.
        if (visiting !== undefined) await visiting
      }
    else for (const one of placesIn(node, place?.lower)) await tree(format, one.child.id, visit, one)
  }
  /** Those that are lists of extents wait. */
  const content = ({ extents }: ContentShape): Promise<void> | undefined => {
    if (Buffer.isBuffer(extents))
      return tree(walking.formats.list, extents, ({ value }) => {
        const { id } = decodeExtent(value)
        if (id !== undefined) isNew('content', id)
        return undefined
      })
    for (const { id } of extents) if (id !== undefined) isNew('content', id)
    return undefined
  }
  await tree(walking.formats.map, Buffer.from(record.root, 'hex'), (entry) => {
    let waiting: Promise<void> | undefined
    for (const shape of checkEntry(entry)) {
      const before = waiting
      waiting = before === undefined ? content(shape) : before.then(() => content(shape))
    }
    return waiting
  })
}

/** Tells which keys are hit by what is in `damaged`: of a node that does not open the last key beneath it, `undefined` for the root. */
export async function tellDamage(
  walking: Walking,
  { record }: StoredComponent,
  /** Nodes below which nothing is damaged, by id in hex: those of one walk are passed over in the next. */
  clean: Set<string>,
  tell: (key: ResourceKey | undefined, what: string) => void,
): Promise<void> {
  const { damaged } = walking
  const isLost = (id: ChunkId): boolean => damaged.has(id.toString('hex'))
  /** Is everything below well? */
  const tree = async (
    format: TreeFormat,
    id: ChunkId,
    visit: (entry: TreeEntry) => Promise<boolean>,
    lost: () => void,
    place?: NodePlace,
  ): Promise<boolean> => {
    walking.signal.throwIfAborted()
    const hex = id.toString('hex')
    if (clean.has(hex)) return true
    const node = isLost(id) ? undefined : await readNode(walking, format, id, place)
    if (node === undefined) {
      lost()
      return false
    }
    let well = true
    if (node.leaf) for (const entry of node.items) well = (await visit(entry)) && well
    else
      for (const one of placesIn(node, place?.lower)) {
        const lose = (): void => {
          if (format === walking.formats.map) tell(one.child.key, rangeSentence(one))
        }
        well = (await tree(format, one.child.id, visit, lose, one)) && well
      }
    if (well) clean.add(hex)
    return well
  }
  const content = async ({ shape }: StoredContent): Promise<boolean> => {
    if (!Buffer.isBuffer(shape.extents)) return !shape.extents.some(({ id }) => id !== undefined && isLost(id))
    const extent = ({ value }: TreeEntry): Promise<boolean> => {
      const { id } = decodeExtent(value)
      return Promise.resolve(id === undefined || !isLost(id))
    }
    return await tree(walking.formats.list, shape.extents, extent, () => undefined)
  }
  await tree(
    walking.formats.map,
    Buffer.from(record.root, 'hex'),
    async (entry) => {
      const stored = new StoredEntry(entry, walking.formats, walking.source)
      let well = true
      for (const one of stored.contents()) {
        if (await content(one)) continue
        well = false
        tell(
          stored.key,
          one === stored.content
            ? 'Its content cannot be read whole.'
            : 'Its description or a secret of it cannot be read.',
        )
      }
      return well
    },
    () => tell(undefined, 'Nothing of this component can be read.'),
  )
}

/** Where a node hangs, beside the root: what its parent says of it. */
interface NodePlace {
  /** That of the parent. */
  readonly level: number
  readonly child: TreeChild
  /** Everything in it lies behind this key. */
  readonly lower: Buffer | undefined
}

function* placesIn(node: TreeNode & { readonly leaf: false }, before: Buffer | undefined): Generator<NodePlace> {
  let lower = before
  for (const child of node.items) {
    yield { level: node.level, child, lower }
    lower = child.key
  }
}

function rangeSentence({ child: { entries }, lower }: NodePlace): string {
  const what = entries === 1 ? 'One entry cannot be read' : `${entries} entries cannot be read`
  return `${what}: ${lower === undefined ? 'everything' : `what comes behind ${formatKey(lower)},`} up to this key.`
}

/** `undefined` for one that is not there, does not open or is not what its parent says. @throws what the store throws else. */
async function readNode(
  { source }: Walking,
  format: TreeFormat,
  id: ChunkId,
  place: NodePlace | undefined,
): Promise<TreeNode | undefined> {
  try {
    const node = decodeNode(format, await source.get('tree', id))
    return place === undefined || isChild(node, place.level, place.child, place.lower) ? node : undefined
  } catch (error) {
    if (isTorikiError(error, 'object-not-found') || isTorikiError(error, 'seal-broken')) return undefined
    throw error
  }
}
