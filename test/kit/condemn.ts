/** Prune's first phase as a test plays it: condemns packs and snapshots of a slice. */
import { base32 } from '../../lib/repository/base32.ts'
import { loadSliceKeys } from '../../lib/repository/key-objects.ts'
import { sealJson } from '../../lib/repository/sealed-json.ts'
import type { Platform } from '../../lib/platform/platform.ts'
import type { DeploymentRepository } from '../../lib/repository/repository.ts'
import type { SliceKeys } from '../../lib/repository/chunk-store.ts'
import type { SliceName } from '../../lib/resources/slice.ts'

export async function keysOf(
  platform: Platform,
  deployment: DeploymentRepository,
  slice: SliceName,
): Promise<SliceKeys> {
  const place = {
    store: platform.keyStore,
    service: platform.keys,
    deploymentId: deployment.id,
    sliceId: deployment.sliceId(slice, 1),
  }
  const loaded = await loadSliceKeys({ ...place, access: 'read-content' })
  if (loaded === undefined) throw new Error('the slice has no keys')
  return loaded.keys
}

export async function condemn(
  platform: Platform,
  deployment: DeploymentRepository,
  slice: SliceName,
  what: { readonly packs?: readonly string[]; readonly snapshots?: readonly string[] },
): Promise<void> {
  const { treeKey } = await keysOf(platform, deployment, slice)
  const path = `slices/${deployment.sliceId(slice, 1)}/condemned/${base32(platform.random.bytes(16))}`
  const document = {
    since: platform.clock.now().toISOString(),
    packs: what.packs ?? [],
    snapshots: what.snapshots ?? [],
  }
  await platform.store.create(
    path,
    sealJson({ parentKey: treeKey, kind: 'condemned', path, random: platform.random }, document),
  )
}

/** The ids of all packs of a slice. */
export async function packsOf(
  platform: Platform,
  deployment: DeploymentRepository,
  slice: SliceName,
): Promise<string[]> {
  const ids: string[] = []
  for (const folder of ['packs', 'trees']) {
    const prefix = `slices/${deployment.sliceId(slice, 1)}/${folder}/`
    for (const { key } of (await platform.store.list(prefix)).objects) ids.push(key.slice(prefix.length))
  }
  return ids
}
