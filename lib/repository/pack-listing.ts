/** The packs of a slice that are in the store, whatever names them. */
import { listAll } from '../platform/object-store/port.ts'
import { packPrefix } from './object-paths.ts'
import type { ChunkSort } from './chunk-store.ts'
import type { SliceContext } from './slice-context.ts'

export interface StoredPack {
  readonly sort: ChunkSort
  readonly sizeBytes: number
  readonly modifiedAt: Date
}

/** By id. */
export async function listPacks(context: SliceContext): Promise<ReadonlyMap<string, StoredPack>> {
  const packs = new Map<string, StoredPack>()
  for (const sort of ['tree', 'content'] as const) {
    const prefix = packPrefix(context.sliceId, sort)
    for await (const { key, sizeBytes, modifiedAt } of listAll(context.platform.store, prefix))
      packs.set(key.slice(prefix.length), { sort, sizeBytes, modifiedAt })
  }
  return packs
}
