/** The maps of a component's ranges → the map of all of it: the same tree, notes and sums as in one pass; only nodes at the seams are read and written. */
import { TorikiError } from '../errors.ts'
import { Notes } from './notes.ts'
import { SnapshotChunks } from './snapshot-chunks.ts'
import { joinTrees } from './tree-join.ts'
import type { ChunkSource } from './chunk-store.ts'
import type { ComponentChunks } from './component-chunks.ts'
import type { SliceContext } from './slice-context.ts'
import type { SnapshotCache } from './snapshot-chunks.ts'
import type { InlineChunk, PartialComponent } from './snapshot-document.ts'
import type { ComponentRecord } from './snapshot.ts'
import type { TreeFormat } from './tree-format.ts'

export interface JoinedRanges {
  readonly record: ComponentRecord
  readonly hints: { readonly root: string; readonly chunks: ComponentChunks } | undefined
}

/**
 * `parts` ascend. The chunks that they name are there and not condemned (the capture's start looked); everything goes to packs.
 * @throws TorikiError `seal-broken` when the parts do not make one map, `object-not-found`.
 */
export async function joinRanges(
  context: SliceContext,
  parts: readonly PartialComponent[],
  options: {
    readonly cache: SnapshotCache
    readonly openPacks: () => Promise<Pick<ChunkSource, 'get'>>
    readonly chunks: ComponentChunks
    readonly hintChunks: ComponentChunks
  },
): Promise<JoinedRanges> {
  const { chunks, hintChunks } = options
  const { map, hints: hintFormat } = context.formats
  const hints = parts.flatMap((part) => part.hints ?? [])
  const tree = await join(
    map,
    parts.map(({ record, chunks: inline }) => ({ root: record.root, chunks: inline })),
    chunks,
  )
  const hintRoot = hints.length === 0 ? undefined : (await join(hintFormat, hints, hintChunks)).root.toString('hex')
  const sum = (of: (record: ComponentRecord) => number): number =>
    parts.reduce((all, { record }) => all + of(record), 0)
  if (tree.entries !== sum(({ resources }) => resources))
    throw new TorikiError('seal-broken', { message: 'The parts of a map do not hold what they say.' })
  const notes = new Notes()
  for (const { record } of parts) notes.merge(record.notes)
  const source = parts.at(-1)?.record.source
  return {
    record: {
      root: tree.root.toString('hex'),
      resources: tree.entries,
      containers: sum(({ containers }) => containers),
      bytes: sum(({ bytes }) => bytes),
      notes: notes.summaries(),
      ...(source && { source }),
      // The last of them was still read at some time before this.
      readAt: context.platform.clock.now().toISOString(),
    },
    hints: hintRoot === undefined ? undefined : { root: hintRoot, chunks: hintChunks },
  }

  async function join(
    format: TreeFormat,
    trees: readonly { readonly root: string; readonly chunks: ReadonlyMap<string, InlineChunk> }[],
    into: ComponentChunks,
  ): ReturnType<typeof joinTrees> {
    const inline = new Map(trees.flatMap((one) => [...one.chunks]))
    into.hold(inline)
    await into.spill()
    const source = new SnapshotChunks(context, inline, options.cache, options.openPacks)
    const roots = trees.map(({ root }) => Buffer.from(root, 'hex'))
    return await joinTrees(format, roots, source, (node) => into.put('tree', node))
  }
}
