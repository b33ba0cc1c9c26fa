/**
 * What `doctor` asks of keys, store and queues: each opened and tried alone. Writes nothing new: what is created is there already, of the very same bytes, and what is
 * wrapped for trial is thrown away.
 */
import type { Check } from '../components/component.ts'
import { isTorikiError, TorikiError } from '../errors.ts'
import type { Log } from '../log.ts'
import { platformParts } from '../platform/assemble.ts'
import type { PlatformParts } from '../platform/assemble.ts'
import { systemClock } from '../platform/clock.ts'
import type { KeyService } from '../platform/key-service/port.ts'
import { queueNames } from '../platform/queue/port.ts'
import { systemRandom } from '../platform/random.ts'
import { requireCreateOnly } from '../repository/create-only.ts'
import { openDeployment } from '../repository/deployment-repository.ts'
import { KEY_BYTES } from '../repository/format.ts'
import { DEPLOYMENT_KEYS_PREFIX, DEPLOYMENT_PREFIX, deploymentKeysPath } from '../repository/object-paths.ts'
import { wrapContext } from '../repository/wrapped-keys.ts'
import type { Settings } from '../settings.ts'
import { failing, opening, startNow } from './check.ts'

/** AWS refuses what was signed longer ago, and a run would say wrong times. */
const CLOCK_SKEW_MS_MAX = 300_000
/** A person waits, and a function has two minutes: who does not take a connection in so many tries is not there. */
const TRIES_MAX = 3
/** Stands for a slice in what is wrapped for trial, and for the deployment's id while there is none. */
const NOBODY = 'doctor'

export interface CheckPlatformOptions {
  readonly log: Log
  /** With the role of a function that backs up, which must not open content. */
  readonly asFunction: boolean
}

export async function* checkPlatform(
  settings: Settings,
  { log, asFunction }: CheckPlatformOptions,
): AsyncGenerator<Check, void, void> {
  const parts = platformParts(settings, { log, triesMax: TRIES_MAX })
  try {
    const [key, store, queues] = [
      startNow(checkKey(settings, parts)),
      startNow(checkStores(settings, parts)),
      startNow(checkQueues(settings, parts)),
    ]
    const keys = yield* key()
    const stores = yield* store()
    yield* queues()
    let deployment = NOBODY
    if (keys !== undefined && stores !== undefined) {
      const platform = { ...stores, keys, clock: systemClock, random: systemRandom, log }
      const repository = yield* opening('store: holds this deployment, and the keys open it', () =>
        openDeployment(platform, { name: settings.deployment }),
      )
      if (repository !== undefined) {
        deployment = repository.id
        yield* checkCreating(stores)
      }
    }
    if (keys !== undefined) yield* checkWrapping(keys, { deployment, locked: asFunction && 'kms' in settings.keys })
  } finally {
    await parts.close()
  }
}

async function* checkKey(
  { keys }: Settings,
  parts: PlatformParts,
): AsyncGenerator<Check, KeyService | undefined, void> {
  return yield* opening('kms' in keys ? `keys: KMS key ${keys.kms.key}` : 'keys: keyring opens', async () => {
    const service = await parts.keys()
    await service.check?.()
    return service
  })
}

type Stores = Awaited<ReturnType<PlatformParts['stores']>>

async function* checkStores(settings: Settings, parts: PlatformParts): AsyncGenerator<Check, Stores | undefined, void> {
  const { store: where, keys } = settings
  const name = 's3' in where ? `store: bucket ${where.s3.bucket} can be listed` : 'store: can be listed'
  const keyBucket = 'kms' in keys ? keys.bucket : undefined
  let stores: Stores
  try {
    stores = await parts.stores()
  } catch (error) {
    yield failing(name, error)
    return undefined
  }
  const { store, keyStore } = stores
  const listing = startNow(opening(name, () => store.list(DEPLOYMENT_PREFIX)))
  const listingKeys =
    keyStore === store
      ? undefined
      : startNow(opening(`store: bucket ${keyBucket} can be listed`, () => keyStore.list(DEPLOYMENT_KEYS_PREFIX)))
  const main = yield* listing()
  const ofKeys = listingKeys === undefined ? main : yield* listingKeys()
  if ('s3' in where && main !== undefined)
    yield* opening('clock: agrees with the store’s', () => refuseSkew(main.at.getTime() - systemClock.now().getTime()))
  return main === undefined || ofKeys === undefined ? undefined : stores
}

async function* checkQueues(settings: Settings, parts: PlatformParts): AsyncGenerator<Check, void, void> {
  let queues: Awaited<ReturnType<PlatformParts['queues']>>
  try {
    queues = await parts.queues()
  } catch (error) {
    yield failing('queue: opens', error)
    return
  }
  const each = queueNames.map((name) =>
    startNow(
      opening('sqs' in settings.queue ? `queue: ${settings.queue.sqs.prefix}-${name}` : `queue: ${name}`, async () => {
        if (queues.check !== undefined) return await queues.check(name, { tolerant: false })
        await queues.queue(name).depth()
        await queues.deadLetter(name).depth()
      }),
    ),
  )
  for (const one of each) yield* one()
}

/** The first object of the deployment and of its keys are tried on: they are there, small, and never deleted. */
async function* checkCreating({ store, keyStore }: Stores): AsyncGenerator<Check, void, void> {
  yield* opening('store: takes new objects, and writes over none', () =>
    requireCreateOnly(store, `${DEPLOYMENT_PREFIX}1`),
  )
  if (keyStore !== store)
    yield* opening('store: the bucket of keys takes new objects, and writes over none', () =>
      requireCreateOnly(keyStore, deploymentKeysPath(1)),
    )
}

async function* checkWrapping(
  keys: KeyService,
  { deployment, locked }: { readonly deployment: string; readonly locked: boolean },
): AsyncGenerator<Check, void, void> {
  const secret = systemRandom.bytes(KEY_BYTES)
  const [tree, content] = [wrapContext(deployment, 'tree', NOBODY), wrapContext(deployment, 'content', NOBODY)]
  yield* opening('keys: wrap a slice’s tree and open it', async () => {
    await keys.unwrap(await keys.wrap(secret, tree), tree)
  })
  const wrapped = yield* opening('keys: wrap a slice’s content', () => keys.wrap(secret, content))
  if (wrapped === undefined || !locked) return
  const check = 'keys: content stays locked to what backs up'
  try {
    await keys.unwrap(wrapped, content)
  } catch (error) {
    yield isTorikiError(error, 'key-unusable') ? { check, ok: true } : failing(check, error)
    return
  }
  yield {
    check,
    ok: true,
    remedy:
      'Take from this role the right to decrypt with the purpose `content`: only restore and check need it, and whoever takes over a function could read everything.',
  }
}

function refuseSkew(skewMs: number): void {
  if (Math.abs(skewMs) <= CLOCK_SKEW_MS_MAX) return
  const minutes = Math.round(Math.abs(skewMs) / 60_000)
  throw new TorikiError('store-unavailable', {
    message: `The clock of this machine is ${minutes} minutes ${skewMs > 0 ? 'behind' : 'ahead of'} that of the store.`,
    remedy: 'Set the clock of this machine.',
  })
}
