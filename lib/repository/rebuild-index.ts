/**
 * Makes index objects anew where some do not open: from the tables at the ends of packs that no index object names any more. Needs no right to open content. Cut off
 * anywhere and done again it ends the same.
 */
import { isTorikiError } from '../errors.ts'
import { listAll } from '../platform/object-store/port.ts'
import { readIndex, writeIndexes } from './index-rewrite.ts'
import type { RebuiltIndex } from './maintenance.ts'
import { indexPath, indexPrefix, packPrefix } from './object-paths.ts'
import { PackReader } from './pack-reader.ts'
import { readPackTableHead } from './pack-table.ts'
import type { ChunkSort } from './chunk-store.ts'
import type { SliceContext } from './slice-context.ts'

/** Nothing is written where every index object opens. @throws what the store throws. */
export async function rebuildIndex(context: SliceContext): Promise<RebuiltIndex> {
  const { store } = context.platform
  const { sliceId, keys } = context
  const broken: string[] = []
  const named = new Set<string>()
  const prefix = indexPrefix(sliceId)
  for await (const { key } of listAll(store, prefix)) {
    const name = key.slice(prefix.length)
    try {
      for (const table of (await readIndex(context, name))?.tables ?? []) named.add(readPackTableHead(table).packId)
    } catch (error) {
      if (!isTorikiError(error, 'seal-broken')) throw error
      broken.push(name)
    }
  }
  if (broken.length === 0) return { removed: 0, packs: 0, lost: 0 }
  const reader = new PackReader({ store, sliceId, keys })
  const tables: Buffer[] = []
  let lost = 0
  for (const sort of ['tree', 'content'] as const satisfies readonly ChunkSort[]) {
    const folder = packPrefix(sliceId, sort)
    for await (const { key, sizeBytes } of listAll(store, folder)) {
      const packId = key.slice(folder.length)
      if (named.has(packId)) continue
      try {
        tables.push(await reader.table(sort, packId, sizeBytes))
      } catch (error) {
        if (isTorikiError(error, 'object-not-found')) continue // pruned since it was listed
        if (!isTorikiError(error, 'seal-broken')) throw error
        lost++
      }
    }
  }
  await writeIndexes(context, tables, [])
  for (const name of broken) await store.delete(indexPath(sliceId, name))
  return { removed: broken.length, packs: tables.length, lost }
}
