/** The packs of a slice for a writer: the index, without what is condemned or gone. */
import { listPacks } from './pack-listing.ts'
import { PackStore } from './pack-store.ts'
import type { Condemned } from './condemned.ts'
import type { SliceContext } from './slice-context.ts'

/** @throws TorikiError `seal-broken` for an index object that does not open. */
export async function openPacks(
  context: SliceContext,
  condemned: Condemned,
  beforeFullPack: (() => Promise<void>) | undefined,
): Promise<PackStore> {
  const { store, random } = context.platform
  const { sliceId, keys } = context
  const packs = new PackStore({ store, random, sliceId, keys, beforeFullPack })
  packs.condemn(condemned.packs)
  const index = await packs.index()
  // A pack that an index object names and that is not there was pruned: whoever wrote the object was late.
  const present = await listPacks(context)
  packs.condemn(index.packIds().filter((id) => !present.has(id)))
  return packs
}
