/**
 * Creates and opens a deployment's repository (docs/format.md, "Deployment"). `deployment/1` fixes the id under which every key is wrapped, so racing
 * creators end with one deployment; `deployment/2`, written when there are keys, adds the sealed settings. The highest n speaks.
 */
import * as z from 'zod'
import { isTorikiError, TorikiError } from '../errors.ts'
import { listAll } from '../platform/object-store/port.ts'
import { canonicalJson } from '../resources/json.ts'
import { base32 } from './base32.ts'
import { requireCreateOnly } from './create-only.ts'
import { FORMAT_VERSION, KEY_BYTES, MANDATORY_FEATURES } from './format.ts'
import { requireKnownVersion } from './format-version.ts'
import { openGeneration } from './generations.ts'
import { createDeploymentKeys, loadDeploymentKeys } from './key-objects.ts'
import { sliceId } from './keys.ts'
import { DEPLOYMENT_KEYS_PREFIX, DEPLOYMENT_PREFIX, deploymentKeysPath } from './object-paths.ts'
import { openJson, parseDocument, sealJson } from './sealed-json.ts'
import { sealedRecords } from './sealed-records.ts'
import { OpenSliceRepository } from './slice-repository.ts'
import { wrapContext } from './wrapped-keys.ts'
import type { StorePlatform } from '../platform/platform.ts'
import type { JsonObject } from '../resources/json.ts'
import type { SliceName } from '../resources/slice.ts'
import type { KeyPlace } from './key-objects.ts'
import type { DeploymentKeys } from './keys.ts'
import type { DeploymentRepository, OpenSliceOptions, SealedRecords, SliceRepository } from './repository.ts'
import type { SealPlace } from './seal.ts'

const FORMAT = 'toriki deployment'
const DEPLOYMENT_BYTES_MAX = 4 * 1024 * 1024
const ID_BYTES = 16

const versionSchema = z.object({ format: z.literal(FORMAT), version: z.int().min(0) })
const deploymentSchema = z.object({
  optional: z.array(z.string()),
  id: z.string().regex(/^[a-z2-7]{26}$/),
  name: z.string().min(1).max(200),
  /** What wraps the keys; for people. */
  keyService: z.string().max(2048),
  sealed: z.base64().optional(),
})
const settingsSchema = z.object({
  id: z.string(),
  name: z.string(),
  settings: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
})

type Deployment = z.infer<typeof deploymentSchema> & { readonly n: number }

/**
 * Creates the deployment, or goes on where an earlier attempt stopped, or opens the one that is there: its settings then stay as they are.
 * `settings` hold references only, never a secret.
 * @throws TorikiError as `openDeployment`, but for `deployment-missing`.
 */
export async function createDeployment(
  platform: StorePlatform,
  { name, settings }: { readonly name: string; readonly settings: JsonObject },
): Promise<DeploymentRepository> {
  if ((await readNewest(platform)) === undefined) {
    const id = base32(platform.random.bytes(ID_BYTES))
    await requireKeys(platform, id)
    await createObject(platform, 1, { id, name, keyService: platform.keys.description })
  }
  const deployment = await requireNewest(platform, name)
  const place = keyPlaceOf(platform, deployment.id)
  const loaded = await loadDeploymentKeys(place)
  if (loaded === undefined && deployment.sealed !== undefined) throw keysMissing()
  if (deployment.sealed === undefined) await requireCreateOnly(platform.store, `${DEPLOYMENT_PREFIX}${deployment.n}`)
  const keys = loaded ?? (await createDeploymentKeys({ ...place, random: platform.random }))
  if (deployment.sealed === undefined) {
    // Before the settings are sealed, so that whoever comes again finds an unfinished deployment and is refused again.
    if (platform.keyStore !== platform.store) await requireCreateOnly(platform.keyStore, deploymentKeysPath(1))
    const n = deployment.n + 1
    const { id: itsId, keyService } = deployment
    const bytes = sealJson({ ...settingsPlace(keys, n), random: platform.random }, { id: itsId, name, settings })
    await createObject(platform, n, { id: itsId, name, keyService, sealed: bytes.toString('base64') })
  }
  return await openDeployment(platform, { name })
}

/**
 * @throws TorikiError `deployment-missing` (nothing there, or its creation did not end), `deployment-mismatch` (another name, or not its keys),
 * `format-newer`, `seal-broken`, and what key service and store throw.
 */
export async function openDeployment(
  platform: StorePlatform,
  { name }: { readonly name: string },
): Promise<DeploymentRepository> {
  const { deployment, keys } = await open(platform, name)
  return new OpenDeployment(platform, deployment.id, name, keys)
}

/** The settings it was created with, for `init --from-store`. @throws TorikiError as `openDeployment`. */
export async function readDeploymentSettings(
  platform: StorePlatform,
  { name }: { readonly name: string },
): Promise<JsonObject> {
  return (await open(platform, name)).settings
}

/** What is wrong with the objects of the deployment itself, the older ones included. @throws what key service and store throw. */
export async function* checkDeployment(
  platform: StorePlatform,
): AsyncGenerator<{ readonly object: string; readonly what?: string }> {
  for await (const { key } of listAll(platform.store, DEPLOYMENT_PREFIX)) {
    const n = Number(key.slice(DEPLOYMENT_PREFIX.length))
    try {
      const document = await readNumbered(platform, n)
      const keys = await loadDeploymentKeys(keyPlaceOf(platform, document.id))
      if (keys !== undefined) openSettings(document, keys)
      yield { object: key }
    } catch (error) {
      if (!isTorikiError(error) || error.retry !== 'never') throw error
      yield { object: key, what: error.message }
    }
  }
}

class OpenDeployment implements DeploymentRepository {
  readonly name: string
  readonly id: string
  readonly records: SealedRecords
  readonly #platform: StorePlatform
  readonly #keys: DeploymentKeys

  constructor(platform: StorePlatform, id: string, name: string, keys: DeploymentKeys) {
    this.name = name
    this.id = id
    this.records = sealedRecords(platform, keys.runKey)
    this.#platform = platform
    this.#keys = keys
  }

  sliceId(slice: SliceName, generation: number): string {
    return sliceId(this.#keys.namingKey, slice, generation)
  }

  openSlice(slice: SliceName, options: OpenSliceOptions & { readonly access: 'write' }): Promise<SliceRepository>
  openSlice(slice: SliceName, options: OpenSliceOptions): Promise<SliceRepository | undefined>
  async openSlice(slice: SliceName, options: OpenSliceOptions): Promise<SliceRepository | undefined> {
    const place = { platform: this.#platform, deploymentId: this.id, deploymentKeys: this.#keys, slice }
    const opened = await openGeneration(place, options)
    return opened && new OpenSliceRepository(opened)
  }
}

async function open(
  platform: StorePlatform,
  name: string,
): Promise<{
  readonly deployment: Deployment
  readonly keys: DeploymentKeys
  readonly settings: JsonObject
}> {
  const deployment = await requireNewest(platform, name)
  if (deployment.sealed === undefined) throw new TorikiError('deployment-missing')
  const keys = await loadDeploymentKeys(keyPlaceOf(platform, deployment.id))
  if (keys === undefined) throw keysMissing()
  return { deployment, keys, settings: openSettings(deployment, keys) }
}

function openSettings({ n, id, name, sealed = '' }: Deployment, keys: DeploymentKeys): JsonObject {
  if (sealed === '') return {}
  const place = settingsPlace(keys, n)
  const document = openJson({ ...place, bytes: Buffer.from(sealed, 'base64') }, settingsSchema)
  if (document.id !== id || document.name !== name) {
    throw new TorikiError('seal-broken', { ids: { object: place.path } })
  }
  return document.settings
}

async function requireNewest(platform: StorePlatform, name: string): Promise<Deployment> {
  const deployment = await readNewest(platform)
  if (deployment === undefined) throw new TorikiError('deployment-missing')
  if (deployment.name !== name) throw new TorikiError('deployment-mismatch')
  return deployment
}

async function readNewest(platform: StorePlatform): Promise<Deployment | undefined> {
  let n = 0
  for await (const { key } of listAll(platform.store, DEPLOYMENT_PREFIX)) {
    const number = key.slice(DEPLOYMENT_PREFIX.length)
    if (/^[1-9]\d{0,8}$/.test(number)) n = Math.max(n, Number(number))
  }
  return n === 0 ? undefined : await readNumbered(platform, n)
}

async function readNumbered({ store }: StorePlatform, n: number): Promise<Deployment> {
  const path = `${DEPLOYMENT_PREFIX}${n}`
  const bytes = await store.get(path, { bytesMax: DEPLOYMENT_BYTES_MAX })
  const { version } = parseDocument(bytes, path, versionSchema)
  requireKnownVersion(version, path)
  return { ...parseDocument(bytes, path, deploymentSchema), n }
}

/** What the deployment will need of its keys and of the store for keys, tried before anything is written. */
async function requireKeys({ keys, keyStore, random }: StorePlatform, id: string): Promise<void> {
  await keyStore.list(DEPLOYMENT_KEYS_PREFIX)
  const context = wrapContext(id, 'deployment')
  await keys.unwrap(await keys.wrap(random.bytes(KEY_BYTES), context), context)
}

/** Whoever comes second leaves what is there. */
async function createObject(
  { store }: StorePlatform,
  n: number,
  document: { readonly id: string; readonly name: string; readonly keyService: string; readonly sealed?: string },
): Promise<void> {
  const head = { format: FORMAT, version: FORMAT_VERSION, mandatory: MANDATORY_FEATURES, optional: [] }
  try {
    await store.create(`${DEPLOYMENT_PREFIX}${n}`, Buffer.from(canonicalJson({ ...head, ...document }), 'utf8'))
  } catch (error) {
    if (!isTorikiError(error, 'object-exists')) throw error
  }
}

function keyPlaceOf(platform: StorePlatform, deploymentId: string): KeyPlace {
  return { store: platform.keyStore, service: platform.keys, deploymentId }
}

function settingsPlace({ runKey }: DeploymentKeys, n: number): SealPlace {
  return { parentKey: runKey, kind: 'deployment', path: `${DEPLOYMENT_PREFIX}${n}` }
}

function keysMissing(): TorikiError {
  return new TorikiError('deployment-mismatch', {
    message: 'The keys of this deployment are not where the settings say.',
    remedy: 'Check `keys` in the settings; bring the keys back from a copy if they were deleted.',
  })
}
