/** The platform that the settings ask for: chooses a driver per role and puts the retry around each. The only place that names drivers. */
import { realpath } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { TorikiError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Settings } from '../settings.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { createKeyring } from './key-service/keyring.ts'
import { openLocalKeyService } from './key-service/local.ts'
import { retryKeyService } from './key-service/retry.ts'
import { LocalObjectStore } from './object-store/local.ts'
import { retryObjectStore } from './object-store/retry.ts'
import type { Platform } from './platform.ts'
import { openLocalQueues } from './queue/local.ts'
import { retryQueues } from './queue/retry.ts'
import { systemRandom } from './random.ts'
import type { Random } from './random.ts'

export interface AssembleOptions {
  readonly log: Log
  readonly clock?: Clock
  readonly random?: Random
}

/**
 * Opens store, keys and queues; close the platform when done. Makes no keyring and no deployment.
 * @throws TorikiError `settings-invalid` (no such driver here; the keyring lies inside the store), `keyring-missing`, `keyring-invalid`,
 * `keyring-foreign`, `queue-refused`, `queue-unavailable`.
 */
export async function assemblePlatform(settings: Settings, options: AssembleOptions): Promise<Platform> {
  const { log, clock = systemClock, random = systemRandom } = options
  const { folder, keyring, sqlite } = localSettings(settings)
  await refuseKeyringInStore(settings.file, keyring, folder)
  const retry = {
    clock,
    random,
    onRetry: (error: unknown, tries: number, pauseMs: number) =>
      log.write('debug', 'platform.retry', {
        code: error instanceof TorikiError ? error.code : 'internal',
        tries,
        pauseMs: Math.round(pauseMs),
      }),
  }
  const keys = retryKeyService(
    await openLocalKeyService({ path: keyring, deployment: settings.deployment, random }),
    retry,
  )
  const store = retryObjectStore(new LocalObjectStore({ folder, clock, random }), retry)
  const queues = retryQueues(
    openLocalQueues({ folder: sqlite, clock, random, receivesMax: settings.limits.attempts }),
    retry,
  )
  return { store, keyStore: store, keys, queues, clock, random, log, close: () => queues.close() }
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
  const { folder, keyring } = localSettings(settings)
  await refuseKeyringInStore(settings.file, keyring, folder)
  return createKeyring(keyring, { deployment: settings.deployment, clock, random })
}

function localSettings({ file, store, keys, queue }: Settings): {
  readonly folder: string
  readonly keyring: string
  readonly sqlite: string
} {
  if (!('folder' in store)) throw notHere(file, 'store.s3', 'store: { folder: … }')
  if (!('keyring' in keys)) throw notHere(file, 'keys.kms', 'keys: { keyring: … }')
  if (!('sqlite' in queue)) throw notHere(file, 'queue.sqs', 'queue: { sqlite: … }')
  return { folder: store.folder, keyring: keys.keyring, sqlite: queue.sqlite }
}

function notHere(file: string, what: string, instead: string): TorikiError {
  return new TorikiError('settings-invalid', {
    message: `${file}: ${what}: this build has no driver for it yet.`,
    remedy: `Write \`${instead}\`.`,
  })
}

/** The settings were refused when the paths say so; here links are followed. */
async function refuseKeyringInStore(file: string, keyring: string, folder: string): Promise<void> {
  const way = relative(await real(folder), await real(keyring))
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
