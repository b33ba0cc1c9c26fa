/** The platform that the settings ask for: chooses a driver per role and puts the retry around each. The only place that names drivers. */
import { realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { TorikiError } from '../errors.ts'
import { FUNCTION_TIMEOUT_MS, VISIBILITY_FACTOR } from '../limits.ts'
import type { Log } from '../log.ts'
import type { KmsSettings, Settings } from '../settings.ts'
import { regionOfEndpoint } from './aws-client-options.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { createKeyring } from './key-service/keyring.ts'
import { openLocalKeyService } from './key-service/local.ts'
import type { KeyService } from './key-service/port.ts'
import { retryKeyService } from './key-service/retry.ts'
import { LocalObjectStore } from './object-store/local.ts'
import { isObjectKey } from './object-store/object-key.ts'
import type { ObjectStore } from './object-store/port.ts'
import { retryObjectStore } from './object-store/retry.ts'
import type { Platform } from './platform.ts'
import { openLocalQueues } from './queue/local.ts'
import { queueNames } from './queue/port.ts'
import type { Queues } from './queue/port.ts'
import { retryQueues } from './queue/retry.ts'
import { systemRandom } from './random.ts'
import type { Random } from './random.ts'

export interface AssembleOptions {
  readonly log: Log
  readonly clock?: Clock
  readonly random?: Random
  /** What passes by itself is tried so often; absent: as the house does. */
  readonly triesMax?: number
}

/** What the settings ask for, part by part: each opened when it is first asked for, so that one that cannot be opened hides no other. */
export interface PlatformParts {
  /** @throws TorikiError `settings-invalid`, `keyring-missing`, `keyring-invalid`, `keyring-foreign`, `region-not-allowed`, `key-unusable` when nobody names a region. */
  keys(): Promise<KeyService>
  /** The store, and the one that holds `keys/` and `erased/`. @throws TorikiError `settings-invalid`, `region-not-allowed`, `store-refused` when nobody names a region. */
  stores(): Promise<Pick<Platform, 'store' | 'keyStore'>>
  /** Not looked at yet. @throws TorikiError `region-not-allowed`, `queue-unavailable`, `queue-refused` when nobody names a region. */
  queues(): Promise<Queues>
  /** Closes what was opened, the last first. */
  close(): Promise<void>
}

/** Makes no keyring, no bucket, no queue and no deployment. A supplier's SDK is loaded only where the settings ask for it. */
export function platformParts(settings: Settings, options: AssembleOptions): PlatformParts {
  const { log, clock = systemClock, random = systemRandom, triesMax } = options
  const retry = {
    clock,
    random,
    ...(triesMax === undefined ? {} : { triesMax }),
    onRetry: (error: unknown, tries: number, pauseMs: number) =>
      log.write('debug', 'platform.retry', {
        code: error instanceof TorikiError ? error.code : 'internal',
        tries,
        pauseMs: Math.round(pauseMs),
      }),
  }
  const opened: Opened = []
  return {
    async keys() {
      await refuseKeyringInStore(settings)
      return retryKeyService(await openKeys(settings, random, opened), retry)
    },
    async stores() {
      const [store, keyStore] = await openStores(settings, { clock, random }, opened)
      const retried = retryObjectStore(store, retry)
      return { store: retried, keyStore: keyStore === store ? retried : retryObjectStore(keyStore, retry) }
    },
    async queues() {
      return retryQueues(await openQueues(settings, { clock, random }, opened), retry)
    },
    async close() {
      for (const one of opened.splice(0).toReversed()) await one()
    },
  }
}

/**
 * Opens store, keys and queues, and looks at the queues; close the platform when done.
 * @throws TorikiError what the parts throw; `queue-refused` for a queue that is missing or not set as the house needs it.
 */
export async function assemblePlatform(settings: Settings, options: AssembleOptions): Promise<Platform> {
  const { log, clock = systemClock, random = systemRandom } = options
  const parts = platformParts(settings, options)
  try {
    const keys = await parts.keys()
    const stores = await parts.stores()
    const queues = await parts.queues()
    await Promise.all(queueNames.map(async (name) => await queues.check?.(name, { tolerant: true })))
    return { ...stores, keys, queues, clock, random, log, close: () => parts.close() }
  } catch (error) {
    await parts.close()
    throw error
  }
}

/**
 * Makes what `assemblePlatform` needs for keys and is never made by itself: the keyring. What is there stays as it is.
 * @throws TorikiError `settings-invalid`, `keyring-invalid`.
 */
export async function createPlatformKeys(
  settings: Settings,
  options: Omit<AssembleOptions, 'log'> = {},
): Promise<'created' | 'exists'> {
  const { clock = systemClock, random = systemRandom } = options
  if (!('keyring' in settings.keys)) return 'exists' // a key of KMS is made by the infrastructure
  await refuseKeyringInStore(settings)
  return createKeyring(settings.keys.keyring, { deployment: settings.deployment, clock, random })
}

interface Sources {
  readonly clock: Clock
  readonly random: Random
}
type Opened = (() => void | Promise<void>)[]

async function openKeys(settings: Settings, random: Random, opened: Opened): Promise<KeyService> {
  const { keys, deployment } = settings
  if ('keyring' in keys) return openLocalKeyService({ path: keys.keyring, deployment, random })
  const { AwsKeyService } = await import('./key-service/aws.ts')
  const service = new AwsKeyService(keys.kms)
  opened.push(() => service.close())
  await refuseForeignRegion(settings, 'keys.kms', keys.kms, () => service.region())
  await refuseKeyElsewhere(keys.kms, () => service.region())
  return service
}

/** The store, and the one that holds `keys/` and `erased/`: the same, unless the settings name a bucket for it. */
async function openStores(
  settings: Settings,
  sources: Sources,
  opened: Opened,
): Promise<readonly [ObjectStore, ObjectStore]> {
  const { store, keys, file } = settings
  const keyBucket = 'kms' in keys ? keys.bucket : undefined
  if ('folder' in store) {
    if (keyBucket !== undefined)
      throw new TorikiError('settings-invalid', {
        message: `${file}: keys.bucket: a bucket for keys needs a store that is a bucket.`,
        remedy: 'Leave `keys.bucket` out, or write `store: { s3: … }`.',
      })
    const local = new LocalObjectStore({ folder: store.folder, ...sources })
    return [local, local]
  }
  const { AwsObjectStore } = await import('./object-store/aws.ts')
  const { bucket, prefix: written, ...place } = store.s3
  const prefix = written.replace(/^\/+|\/+$/g, '')
  if (prefix !== '' && !isObjectKey(prefix))
    throw new TorikiError('settings-invalid', {
      message: `${file}: store.s3.prefix: must be letters, digits, hyphens, dots and slashes, and no part may begin with a dot.`,
    })
  const open = async (name: string): Promise<ObjectStore> => {
    const one = new AwsObjectStore({ bucket: name, prefix, ...place })
    opened.push(() => one.close())
    await refuseForeignRegion(settings, 'store.s3', place, () => one.region())
    return one
  }
  const main = await open(bucket)
  return [main, keyBucket === undefined || keyBucket === bucket ? main : await open(keyBucket)]
}

async function openQueues(settings: Settings, sources: Sources, opened: Opened): Promise<Queues> {
  const { queue, limits } = settings
  if ('sqlite' in queue) {
    const local = openLocalQueues({ folder: queue.sqlite, ...sources, receivesMax: limits.attempts })
    opened.push(() => local.close())
    return local
  }
  const { AwsQueues } = await import('./queue/aws.ts')
  const rules = { visibilityMsMin: FUNCTION_TIMEOUT_MS * VISIBILITY_FACTOR, receivesMin: limits.attempts }
  const queues = new AwsQueues({ ...queue.sqs, rules })
  opened.push(() => queues.close())
  await refuseForeignRegion(settings, 'queue.sqs', queue.sqs, () => queues.region())
  return queues
}

/** A region that the settings name was checked with them; one that the machine or an address of AWS names only shows here. Another server than AWS has none. */
async function refuseForeignRegion(
  settings: Settings,
  what: string,
  place: { readonly region?: string; readonly endpoint?: string },
  ask: () => Promise<string>,
): Promise<void> {
  const ofAddress = place.endpoint === undefined ? undefined : regionOfEndpoint(place.endpoint)
  if (place.endpoint !== undefined && ofAddress === undefined) return
  const region = ofAddress ?? (await ask())
  if (settings.regions === undefined || settings.regions.includes(region)) return
  const source = ofAddress === undefined ? 'which this machine is set to' : 'which its `endpoint` lies in'
  throw new TorikiError('region-not-allowed', {
    message: `${settings.file}: ${what}: region ${region}, ${source}, is not in \`regions\` (${settings.regions.join(', ')}).`,
  })
}

/** AWS says of a key of another region only that its ARN is none. */
async function refuseKeyElsewhere({ key, endpoint }: KmsSettings, ask: () => Promise<string>): Promise<void> {
  const its = /^arn:[a-z-]+:kms:([a-z0-9-]+):/.exec(key)?.[1]
  if (its === undefined || (endpoint !== undefined && regionOfEndpoint(endpoint) === undefined)) return
  const ours = await ask()
  if (its === ours) return
  throw new TorikiError('key-unusable', {
    message: `The KMS key ${key} lies in the region ${its}, and is asked for in ${ours}.`,
    remedy: `Write \`region: ${its}\` under \`keys.kms\`, if that region is allowed to hold the key.`,
  })
}

/** The settings were refused when the paths say so; here links are followed. */
async function refuseKeyringInStore({ file, keys, store }: Settings): Promise<void> {
  if (!('keyring' in keys) || !('folder' in store)) return
  const way = relative(await real(store.folder), await real(keys.keyring))
  if (way === '..' || way.startsWith(`..${sep}`)) return
  throw new TorikiError('settings-invalid', {
    message: `${file}: keys.keyring: the keyring lies inside the store it locks; whoever takes the store has the keys.`,
    remedy: 'Name a place outside of `store.folder`, best on another disk.',
  })
}

/** The path without links, as far as it exists. */
async function real(path: string): Promise<string> {
  try {
    return await realpath(path)
  } catch (error) {
    const parent = dirname(path)
    if (parent === path) throw error
    return join(await real(parent), basename(path))
  }
}
