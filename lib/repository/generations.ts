/**
 * Which generation of a slice is meant: one person's history under one name (docs/format.md, "Names and generations").
 *
 * Generations count from 1. One ends by erasure, which the ledger says, or when a `next` object stands beside its keys: written when a known identity
 * was not the recorded owner's. So an undisturbed history costs one list and one read of the ledger.
 */
import * as z from 'zod'
import { isTorikiError, TorikiError } from '../errors.ts'
import { listSnapshotIds } from './capture-start.ts'
import { bindOwner, createSliceKeys, loadSliceKeys, readOwner } from './key-objects.ts'
import { ownerDigest, sliceId } from './keys.ts'
import { sliceKeysPrefix } from './object-paths.ts'
import { openJson, sealJson } from './sealed-json.ts'
import { loadSnapshot } from './snapshot-object.ts'
import { treeFormats } from './tree-format.ts'
import type { StorePlatform } from '../platform/platform.ts'
import type { SliceName } from '../resources/slice.ts'
import type { SliceKeys } from './chunk-store.ts'
import type { LoadedSliceKeys, SliceKeyPlace } from './key-objects.ts'
import type { DeploymentKeys } from './keys.ts'
import type { OpenedSlice } from './slice-repository.ts'
import type { OpenSliceOptions } from './repository.ts'
import type { SliceContext } from './slice-context.ts'

const nextSchema = z.object({ generation: z.int().min(2) })
/** So many people under one name cannot be. */
const GENERATIONS_MAX = 10_000

export interface GenerationPlace {
  readonly platform: StorePlatform
  readonly deploymentId: string
  readonly deploymentKeys: DeploymentKeys
  readonly slice: SliceName
}

/**
 * The newest generation, or the one asked for. For writing it is made when there is none; for reading `undefined` then.
 * @throws TorikiError `slice-erased` when what is asked for, or the newest, was erased; what key service and store throw.
 */
export async function openGeneration(
  place: GenerationPlace,
  options: OpenSliceOptions,
): Promise<OpenedSlice | undefined> {
  if (options.generation !== undefined) return await openExactly(place, options, options.generation)
  let newest: OpenedSlice | 'erased' | undefined
  /** Did the one before end because the name is another person's now? */
  let handedOn = false
  for (let generation = 1; generation <= GENERATIONS_MAX; generation++) {
    const keyPlace = keyPlaceOf(place, generation)
    if (await isErased(place.platform, keyPlace.sliceId)) {
      newest = 'erased'
      handedOn = false
      continue
    }
    const loaded = await loadSliceKeys({ ...keyPlace, access: options.access })
    const keys =
      loaded?.keys ??
      (options.access === 'write' ? await createSliceKeys({ ...keyPlace, random: place.platform.random }) : undefined)
    if (keys === undefined) {
      if (newest === 'erased') throw new TorikiError('slice-erased')
      return newest
    }
    newest = opened(place, options, generation, keys, {
      sliceId: keyPlace.sliceId,
      isOwned: loaded?.hasOwner === true,
      generationOpened: loaded === undefined && handedOn,
    })
    const follows = loaded?.hasNext === true || (await isAnothers(place, options, loaded, newest.context))
    if (!follows) {
      // For reading there may be nothing behind it, so what stands is the newest.
      const isOwned = newest.context.isOwned || (options.access === 'write' && options.identity !== undefined)
      return { ...newest, context: { ...newest.context, isOwned } }
    }
    if (loaded?.hasNext !== true) await markNext(place, keyPlace.sliceId, generation + 1)
    handedOn = true
  }
  throw new TorikiError('internal', { message: 'There are more generations of one slice than can be.' })
}

async function openExactly(
  place: GenerationPlace,
  options: OpenSliceOptions,
  generation: number,
): Promise<OpenedSlice | undefined> {
  const keyPlace = keyPlaceOf(place, generation)
  if (await isErased(place.platform, keyPlace.sliceId)) throw new TorikiError('slice-erased')
  const loaded = await loadSliceKeys({ ...keyPlace, access: options.access })
  if (loaded === undefined && options.access === 'write') throw new TorikiError('slice-unknown')
  const { sliceId: id } = keyPlace
  const found = loaded && { sliceId: id, isOwned: loaded.hasOwner, generationOpened: false }
  return found && opened(place, options, generation, loaded.keys, found)
}

/** Is the history another person's than the identity in the options? Records him as the owner where nobody is and he may be. */
async function isAnothers(
  { platform, deploymentKeys }: GenerationPlace,
  { access, identity }: OpenSliceOptions,
  loaded: LoadedSliceKeys | undefined,
  context: SliceContext,
): Promise<boolean> {
  if (access !== 'write' || identity === undefined) return false
  const place = { store: platform.keyStore, random: platform.random, sliceId: context.sliceId, keys: context.keys }
  const digest = ownerDigest(deploymentKeys.namingKey, identity.id)
  if (loaded?.hasOwner === true) return !(await readOwner(place)).equals(digest)
  if (loaded !== undefined && !(await mayBind(context, identity))) return true
  return !(await bindOwner(place, digest)).equals(digest)
}

/** A history without an owner may be a namesake's, unless the account is older than it. */
async function mayBind(context: SliceContext, identity: NonNullable<OpenSliceOptions['identity']>): Promise<boolean> {
  const [newest] = await listSnapshotIds(context)
  if (newest === undefined) return true
  const { document } = await loadSnapshot(context, newest)
  return identity.createdAt !== undefined && identity.createdAt.getTime() < Date.parse(document.since)
}

/** Its being there is what counts; sealed, so that it says no more than that. */
async function markNext({ platform, deploymentKeys }: GenerationPlace, id: string, generation: number): Promise<void> {
  const path = `${sliceKeysPrefix(id)}next`
  const bytes = sealJson(
    { parentKey: deploymentKeys.runKey, kind: 'next-generation', path, random: platform.random },
    { generation },
  )
  try {
    await platform.keyStore.create(path, bytes)
  } catch (error) {
    if (!isTorikiError(error, 'object-exists')) throw error
  }
}

async function readNext(
  { platform, deploymentKeys }: Pick<GenerationPlace, 'platform' | 'deploymentKeys'>,
  id: string,
): Promise<void> {
  const path = `${sliceKeysPrefix(id)}next`
  const bytes = await platform.keyStore.get(path, { bytesMax: 4096 })
  openJson({ parentKey: deploymentKeys.runKey, kind: 'next-generation', path, bytes }, nextSchema)
}

async function isErased(platform: StorePlatform, id: string): Promise<boolean> {
  try {
    await platform.keyStore.get(`erased/${id}`)
    return true
  } catch (error) {
    if (isTorikiError(error, 'object-not-found')) return false
    throw error
  }
}

function keyPlaceOf(
  { platform, deploymentId, deploymentKeys, slice }: GenerationPlace,
  generation: number,
): SliceKeyPlace {
  return {
    store: platform.keyStore,
    service: platform.keys,
    deploymentId,
    sliceId: sliceId(deploymentKeys.namingKey, slice, generation),
  }
}

function opened(
  { platform, deploymentKeys, slice }: GenerationPlace,
  { access }: OpenSliceOptions,
  generation: number,
  keys: SliceKeys,
  found: { readonly sliceId: string; readonly isOwned: boolean; readonly generationOpened: boolean },
): OpenedSlice {
  const { sliceId: id, isOwned, generationOpened } = found
  return {
    slice,
    generation,
    generationOpened,
    access,
    context: {
      ...{ platform, sliceId: id, keys, formats: treeFormats(keys), isOwned },
      readOwner: () => readOwner({ store: platform.keyStore, sliceId: id, keys }),
      readNext: () => readNext({ platform, deploymentKeys }, id),
    },
  }
}
