/** Where the objects of the lower half stand, relative to the deployment's prefix. These texts are also in the additional data of what is sealed. */
import type { ChunkSort } from './chunk-store.ts'

export const DEPLOYMENT_PREFIX = 'deployment/'
export const DEPLOYMENT_KEYS_PREFIX = 'keys/deployment/'

export function deploymentKeysPath(n: number): string {
  return `${DEPLOYMENT_KEYS_PREFIX}${n}`
}

/** `keys/<slice id>/`: its numbered key objects, and `owner`. */
export function sliceKeysPrefix(sliceId: string): string {
  return `keys/${sliceId}/`
}

export function sliceKeysPath(sliceId: string, n: number): string {
  return `${sliceKeysPrefix(sliceId)}${n}`
}

export function ownerPath(sliceId: string): string {
  return `${sliceKeysPrefix(sliceId)}owner`
}

/** `slices/<id>/packs/` for content, `slices/<id>/trees/` for tree nodes. */
export function packPrefix(sliceId: string, sort: ChunkSort): string {
  return `slices/${sliceId}/${sort === 'content' ? 'packs' : 'trees'}/`
}

export function packPath(sliceId: string, sort: ChunkSort, packId: string): string {
  return `${packPrefix(sliceId, sort)}${packId}`
}

export function indexPrefix(sliceId: string): string {
  return `slices/${sliceId}/index/`
}

export function indexPath(sliceId: string, name: string): string {
  return `${indexPrefix(sliceId)}${name}`
}
