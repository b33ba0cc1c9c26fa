/**
 * Makes index objects anew where some do not open or are gone: from the tables at the ends of packs that no index object names any more. A pack that nobody needs is named
 * again, too, and prune takes it as any other. Needs no right to open content. Cut off
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

/** Nothing is written where every index object opens and every pack is named. @throws what the store throws. */
export async function rebuildIndex(context: SliceContext): Promise<RebuiltIndex> {
  const { store } = context.platform
  const { sliceId, keys } = context
  const broken: string[] = []
  const superseded = new Set<string>()
  const found: { readonly name: string; readonly packs: readonly string[] }[] = []
  const prefix = indexPrefix(sliceId)
  for await (const { key } of listAll(store, prefix)) {
    const name = key.slice(prefix.length)
    try {
      const index = await readIndex(context, name)
      if (index === undefined) continue
      for (const one of index.supersedes) superseded.add(one)
      found.push({ name, packs: index.tables.map((table) => readPackTableHead(table).packId) })
    } catch (error) {
      if (!isTorikiError(error, 'seal-broken') && !isTorikiError(error, 'format-newer')) throw error
      broken.push(name)
    }
  }
  // One that is superseded names nothing any more: the object that replaced it may be the one that was lost.
  const named = new Set(found.flatMap(({ name, packs }) => (superseded.has(name) ? [] : packs)))
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
        if (!isTorikiError(error, 'seal-broken') && !isTorikiError(error, 'format-newer')) throw error
        lost++
      }
    }
  }
  if (tables.length > 0) await writeIndexes(context, tables, [])
  for (const name of broken) await store.delete(indexPath(sliceId, name))
  return { removed: broken.length, packs: tables.length, lost }
}
