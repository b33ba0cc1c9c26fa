/**
 * The objects under `keys/`: made once by whoever comes first, read by everybody else, never changed. A rewrap writes the next number with the same
 * secrets; one with others is refused. Writers get the tree secret and the content public key, and forget the private key as soon as it is wrapped.
 */
import assert from 'node:assert/strict'
import { createSecretKey } from 'node:crypto'
import { isTorikiError, TorikiError } from '../errors.ts'
import type { KeyService } from '../platform/key-service/port.ts'
import type { ObjectStore } from '../platform/object-store/port.ts'
import { listAll } from '../platform/object-store/port.ts'
import type { Random } from '../platform/random.ts'
import { KEY_BYTES } from './format.ts'
import { deriveSliceKeys, generateSliceSecrets } from './keys.ts'
import {
  DEPLOYMENT_KEYS_PREFIX,
  deploymentKeysPath,
  ownerPath,
  sliceKeysPath,
  sliceKeysPrefix,
} from './object-paths.ts'
import { openObject, sealObject } from './seal.ts'
import { keyCheck, readWrappedKeys, unwrapKey, wrapContext, wrapKeys } from './wrapped-keys.ts'
import type { SliceKeys } from './chunk-store.ts'
import type { DeploymentKeys } from './keys.ts'
import type { Access } from './repository.ts'
import type { WrappedKeys } from './wrapped-keys.ts'

const NUMBER = /^[1-9][0-9]{0,8}$/
const REWRAP_TRIES_MAX = 5

export interface KeyPlace {
  /** Where `keys/` lives. */
  readonly store: ObjectStore
  readonly service: KeyService
  /** The deployment's random id. */
  readonly deploymentId: string
}

export interface SliceKeyPlace extends KeyPlace {
  readonly sliceId: string
}

export interface LoadedSliceKeys {
  readonly keys: SliceKeys
  /** Is there an `owner` object? From the one listing, so that reading it costs no look in vain. */
  readonly hasOwner: boolean
  /** Is there a `next` object: does another generation follow? */
  readonly hasNext: boolean
}

/** Makes the deployment's keys, or gives those that another made first. */
export async function createDeploymentKeys(place: KeyPlace & { readonly random: Random }): Promise<DeploymentKeys> {
  const { store, service, deploymentId, random } = place
  const secrets = random.bytes(2 * KEY_BYTES)
  const context = wrapContext(deploymentId, 'deployment')
  const body = await wrapKeys([service], keyCheck(secrets), [{ plaintext: secrets, purpose: 'deployment', context }])
  if (await created(store, deploymentKeysPath(1), body)) return deploymentKeysOf(secrets)
  const winner = await loadDeploymentKeys(place)
  assert(winner !== undefined, 'who lost to somebody finds what he made')
  return winner
}

/** One listing, one key-service call. `undefined` when there are none. @throws TorikiError as `loadSliceKeys`. */
export async function loadDeploymentKeys({
  store,
  service,
  deploymentId,
}: KeyPlace): Promise<DeploymentKeys | undefined> {
  const { newest } = await readNumbered(store, DEPLOYMENT_KEYS_PREFIX)
  if (newest === undefined) return undefined
  const secrets = await unwrapKey(service, newest, 'deployment', wrapContext(deploymentId, 'deployment'), 2 * KEY_BYTES)
  requireCheck(newest, secrets)
  return deploymentKeysOf(secrets)
}

/** Makes a slice's keys, or gives those that another made first; without the private key either way. */
export async function createSliceKeys(place: SliceKeyPlace & { readonly random: Random }): Promise<SliceKeys> {
  const { store, service, sliceId, random } = place
  const { treeSecret, contentPublicKey, contentPrivateKey } = generateSliceSecrets(random)
  const body = await wrapSliceSecrets(
    [service],
    place,
    Buffer.concat([treeSecret, contentPublicKey]),
    contentPrivateKey,
  )
  contentPrivateKey.fill(0)
  if (await created(store, sliceKeysPath(sliceId, 1), body)) return deriveSliceKeys(treeSecret, contentPublicKey)
  const winner = await loadSliceKeys({ ...place, access: 'write' })
  assert(winner !== undefined, 'who lost to somebody finds what he made')
  return winner.keys
}

/**
 * A slice's keys: the highest number wins. One listing; one key-service call for `write` and `read-trees`, two for `read-content`. `undefined` when
 * there are none.
 * @throws TorikiError `key-context-mismatch` when a rewrap holds other secrets than the first, `seal-broken`, `format-newer`, and what key service
 * and store throw.
 */
export async function loadSliceKeys(
  place: SliceKeyPlace & { readonly access: Access },
): Promise<LoadedSliceKeys | undefined> {
  const { newest, names } = await readNumbered(place.store, sliceKeysPrefix(place.sliceId))
  if (newest === undefined) return undefined
  const [tree, contentPrivateKey] = await Promise.all([
    unwrapTree(place, newest),
    place.access === 'read-content' ? unwrapContent(place, newest) : undefined,
  ])
  const keys = deriveSliceKeys(tree.subarray(0, KEY_BYTES), tree.subarray(KEY_BYTES), contentPrivateKey)
  return { keys, hasOwner: names.has('owner'), hasNext: names.has('next') }
}

/**
 * Wraps the same secrets by `services`, under the next number: another key, a second region, a recovery key. Nothing happens when the newest object
 * has exactly these services already. Needs the right to unwrap both purposes by `place.service`.
 */
export async function rewrapSliceKeys(place: SliceKeyPlace, services: readonly KeyService[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const { newest, number } = await readNumbered(place.store, sliceKeysPrefix(place.sliceId))
    if (newest === undefined)
      throw new TorikiError('object-not-found', { ids: { object: sliceKeysPath(place.sliceId, 1) } })
    const wrappedBy = (newest.wrappings.tree ?? []).map(({ service }) => service)
    if (wrappedBy.length === services.length && services.every(({ description }) => wrappedBy.includes(description)))
      return
    const [tree, content] = [await unwrapTree(place, newest), await unwrapContent(place, newest)]
    deriveSliceKeys(tree.subarray(0, KEY_BYTES), tree.subarray(KEY_BYTES), content)
    const body = await wrapSliceSecrets(services, place, tree, content)
    if (await created(place.store, sliceKeysPath(place.sliceId, number + 1), body)) return
    if (attempt === REWRAP_TRIES_MAX) throw new TorikiError('object-exists', { retry: 'later' })
  }
}

/** Records whose history this is, unless somebody did. Gives the digest that stands there now: his or ours. */
export async function bindOwner(
  place: { readonly store: ObjectStore; readonly sliceId: string; readonly keys: SliceKeys; readonly random: Random },
  digest: Buffer,
): Promise<Buffer> {
  const { store, sliceId, keys, random } = place
  const path = ownerPath(sliceId)
  const body = sealObject({ parentKey: keys.treeKey, kind: 'owner', path, records: [digest], random })
  return (await created(store, path, body)) ? digest : await readOwner(place)
}

/** The digest of the owner's id (`ownerDigest`). @throws TorikiError `object-not-found`, `seal-broken`. */
export async function readOwner(place: {
  readonly store: ObjectStore
  readonly sliceId: string
  readonly keys: SliceKeys
}): Promise<Buffer> {
  const path = ownerPath(place.sliceId)
  const bytes = await place.store.get(path, { bytesMax: 4096 })
  const [digest, ...more] = openObject({ parentKey: place.keys.treeKey, kind: 'owner', path, bytes })
  if (digest?.length !== KEY_BYTES || more.length > 0) throw new TorikiError('seal-broken', { ids: { object: path } })
  return digest
}

function deploymentKeysOf(secrets: Buffer): DeploymentKeys {
  return { namingKey: secrets.subarray(0, KEY_BYTES), runKey: createSecretKey(secrets.subarray(KEY_BYTES)) }
}

async function wrapSliceSecrets(
  services: readonly KeyService[],
  { deploymentId, sliceId }: SliceKeyPlace,
  tree: Buffer,
  content: Buffer,
): Promise<Buffer> {
  return await wrapKeys(services, keyCheck(tree), [
    { plaintext: tree, purpose: 'tree', context: wrapContext(deploymentId, 'tree', sliceId) },
    { plaintext: content, purpose: 'content', context: wrapContext(deploymentId, 'content', sliceId) },
  ])
}

/** Tree secret ‖ content public key. */
async function unwrapTree({ service, deploymentId, sliceId }: SliceKeyPlace, object: WrappedKeys): Promise<Buffer> {
  const tree = await unwrapKey(service, object, 'tree', wrapContext(deploymentId, 'tree', sliceId), 2 * KEY_BYTES)
  requireCheck(object, tree)
  return tree
}

async function unwrapContent({ service, deploymentId, sliceId }: SliceKeyPlace, object: WrappedKeys): Promise<Buffer> {
  return await unwrapKey(service, object, 'content', wrapContext(deploymentId, 'content', sliceId), KEY_BYTES)
}

/**
 * The highest number under a prefix, held against the lowest: whoever may only create can add a number, but not change what the first one says of the
 * secrets.
 */
async function readNumbered(
  store: ObjectStore,
  prefix: string,
): Promise<{ readonly newest: WrappedKeys | undefined; readonly number: number; readonly names: ReadonlySet<string> }> {
  const names = new Set<string>()
  let [lowest, number] = [Infinity, 0]
  for await (const { key } of listAll(store, prefix)) {
    const name = key.slice(prefix.length)
    names.add(name)
    if (!NUMBER.test(name)) continue
    lowest = Math.min(lowest, Number(name))
    number = Math.max(number, Number(name))
  }
  if (number === 0) return { newest: undefined, number, names }
  const newest = await readWrappedKeys(store, `${prefix}${number}`)
  if (lowest < number && (await readWrappedKeys(store, `${prefix}${lowest}`)).check !== newest.check)
    throw otherSecrets()
  return { newest, number, names }
}

function requireCheck(object: WrappedKeys, secrets: Buffer): void {
  if (keyCheck(secrets) !== object.check) throw otherSecrets()
}

function otherSecrets(): TorikiError {
  return new TorikiError('key-context-mismatch', {
    message: 'A key object holds other secrets than the first of its kind.',
    remedy: 'Do not back up: find out who wrote it, and remove it.',
  })
}

/** False when something is there: another's, or our own after a lost answer; either way what is there counts. */
async function created(store: ObjectStore, path: string, body: Buffer): Promise<boolean> {
  try {
    await store.create(path, body)
    return true
  } catch (error) {
    if (isTorikiError(error, 'object-exists')) return false
    throw error
  }
}
