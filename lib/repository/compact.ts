/**
 * Compact of one slice (docs/format.md, "Compact"): chunks that are needed, of packs in which much is dead, stand in new packs afterwards, and in the index. It deletes
 * nothing and takes nothing out of the index: what it freed nothing names any more, and prune takes it in its two phases. So who reads, writes, prunes or compacts
 * beside it needs not know of it; cut off anywhere it leaves whole copies, or packs without an index that prune takes.
 *
 * Memory: the index of the slice, one pack being read, and one being written of each sort.
 */
import { isTorikiError } from '../errors.ts'
import { decodeBlock } from './compression.ts'
import { deadOf, packsToRepack } from './compact-choice.ts'
import type { PackUse } from './compact-choice.ts'
import { chunkId } from './keys.ts'
import type { CompactCounts, CompactOptions, CompactReport, SliceDamage } from './maintenance.ts'
import { packPath } from './object-paths.ts'
import { openPack } from './pack-seal.ts'
import { surveySlice } from './survey.ts'
import type { ChunkPlace } from './chunk-index.ts'
import type { Opener } from './seal.ts'
import type { SliceContext } from './slice-context.ts'
import type { Survey } from './survey.ts'

/**
 * Goes on behind damage, and stops between two packs when the signal says so, with what it did until then kept.
 * @throws TorikiError `object-not-found`, `seal-broken` when trees of what is kept cannot be read; `content-locked`; what the store throws. What was written is garbage or whole.
 */
export async function compactSlice(context: SliceContext, options: CompactOptions): Promise<CompactReport> {
  const { apply, signal } = options
  const found = await surveySlice(context, options)
  const chosen = packsToRepack(packUses(found), options)
  const living = livingPlaces(found, new Set(chosen.map(({ packId }) => packId)))
  const { packStore, packs } = found
  // Each copy is to be in a new pack, also of what an old one has too: the newest is the one that prune keeps.
  packStore.condemn(packs.keys())
  const damage: SliceDamage[] = []
  const done: PackUse[] = []
  let at = 0
  if (apply) {
    for (; at < chosen.length && !signal.aborted; at++) {
      const pack = chosen[at] as PackUse
      const damaged = await copyChunks(context, found, pack.packId, living.get(pack.packId) ?? [])
      if (damaged === 0) done.push(pack)
      else if (damaged !== undefined) damage.push(damageOf(found, pack.packId, damaged))
    }
    await packStore.flush()
  }
  return {
    repacked: countsOf(found, apply ? done : chosen),
    left: countsOf(found, apply ? chosen.slice(at) : []),
    written: { packs: packStore.packs.length, bytes: packStore.stored.bytes },
    damage,
  }
}

/** How much of each pack is needed; eligible are those that are old, not condemned, and that no checkpoint names. */
export function packUses({ index, reach, packs, isOld, mature, waiting }: Survey): readonly PackUse[] {
  const held = new Map<string, number>()
  for (const { packId, lengthBytes } of index.places()) held.set(packId, (held.get(packId) ?? 0) + lengthBytes)
  return [...held].flatMap(([packId, heldBytes]) => {
    const pack = packs.get(packId)
    if (pack === undefined) return []
    const isCondemned = mature.packs.has(packId) || waiting.packs.has(packId)
    // Of a young one somebody may be about to name what nothing names yet.
    const isEligible = isOld(pack) && !isCondemned && !reach.named.has(packId)
    return [{ packId, heldBytes, neededBytes: reach.packs.get(packId) ?? 0, isEligible }]
  })
}

/** Numbers of places, in the order in which chunks stand in their pack. */
function livingPlaces({ index, reach }: Survey, chosen: ReadonlySet<string>): ReadonlyMap<string, readonly number[]> {
  const living = new Map<string, number[]>([...chosen].map((packId) => [packId, []]))
  for (const { entry, packId } of index.places()) if (reach.isNeeded(entry)) living.get(packId)?.push(entry)
  return living
}

/**
 * How many of these chunks of one pack do not open, or are not what their ids say: those are not copied. `undefined`: the pack is gone, so somebody else copied them.
 */
async function copyChunks(
  context: SliceContext,
  { index, packStore, packs }: Survey,
  packId: string,
  entries: readonly number[],
): Promise<number | undefined> {
  const { sort = 'content' } = packs.get(packId) ?? {}
  const places = entries.map((entry) => ({ id: index.idAt(entry), place: index.at(entry) }))
  const [first, last] = [places[0], places.at(-1)]
  if (first === undefined || last === undefined) return 0
  const from = first.place.block.offset
  const until = last.place.block.offset + last.place.block.sealedBytes
  let bytes: Buffer
  try {
    const range = { offset: from, length: until - from }
    bytes = await context.platform.store.get(packPath(context.sliceId, sort, packId), { range, bytesMax: until - from })
  } catch (error) {
    if (isTorikiError(error, 'object-not-found')) return undefined
    throw error
  }
  const opener = openerOf(context, first.place)
  let damaged = 0
  let open: { readonly number: number; readonly plain: Buffer | undefined } | undefined
  for (const { id, place } of places) {
    const { block, offset, length } = place
    if (open?.number !== block.number)
      open = { number: block.number, plain: opener && openBlock(opener, place, bytes, from) }
    const chunk = open.plain?.subarray(offset, offset + length)
    if (chunk === undefined || !chunkId(context.keys.chunkIdKey, chunk).equals(id)) damaged++
    else await packStore.put(sort, chunk)
  }
  return damaged
}

/** `undefined` when the header that the index has of the pack is not one of this pack. */
function openerOf({ keys, sliceId }: SliceContext, { pack }: ChunkPlace): Opener | undefined {
  return orDamaged(() => openPack(keys, sliceId, pack))
}

function openBlock(opener: Opener, { block }: ChunkPlace, bytes: Buffer, from: number): Buffer | undefined {
  const { number, offset, sealedBytes, plainBytes } = block
  const sealed = bytes.subarray(offset - from, offset - from + sealedBytes)
  return orDamaged(() => decodeBlock(opener.open(number, sealed), plainBytes))
}

function orDamaged<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch (error) {
    if (isTorikiError(error, 'seal-broken') || isTorikiError(error, 'format-newer')) return undefined
    throw error
  }
}

function damageOf({ packs }: Survey, packId: string, chunks: number): SliceDamage {
  const folder = packs.get(packId)?.sort === 'tree' ? 'trees' : 'packs'
  const what = chunks === 1 ? 'One chunk that is needed does' : `${chunks} chunks that are needed do`
  return { what: `${what} not open in a pack (${folder}/${packId}): it was damaged, cut or swapped, and stays.` }
}

function countsOf({ packs }: Survey, uses: readonly PackUse[]): CompactCounts {
  return {
    packs: uses.length,
    storedBytes: uses.reduce((sum, { packId }) => sum + (packs.get(packId)?.sizeBytes ?? 0), 0),
    deadBytes: uses.reduce((sum, one) => sum + deadOf(one), 0),
  }
}
