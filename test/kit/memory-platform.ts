/**
 * Platforms for tests: everything in memory with handles to look inside, or everything in one temporary folder as on one machine.
 *
 * The memory platform's clock turns by itself (see FakeClock), so nothing in a test waits; a test that drives real file or network work under an
 * event source gives `systemClock` instead, since that clock would not wait for it.
 */
import { join } from 'node:path'
import { silentLog } from '../../lib/log.ts'
import type { Log } from '../../lib/log.ts'
import { systemClock } from '../../lib/platform/clock.ts'
import type { Clock } from '../../lib/platform/clock.ts'
import { createKeyring } from '../../lib/platform/key-service/keyring.ts'
import { openLocalKeyService } from '../../lib/platform/key-service/local.ts'
import { MemoryKeyService } from '../../lib/platform/key-service/memory.ts'
import type { MemoryKey } from '../../lib/platform/key-service/memory.ts'
import type { WrapContext } from '../../lib/platform/key-service/port.ts'
import { LocalObjectStore } from '../../lib/platform/object-store/local.ts'
import { MemoryObjectStore } from '../../lib/platform/object-store/memory.ts'
import type { Platform } from '../../lib/platform/platform.ts'
import { openLocalQueues } from '../../lib/platform/queue/local.ts'
import { MemoryQueues } from '../../lib/platform/queue/memory.ts'
import { systemRandom } from '../../lib/platform/random.ts'
import type { Random } from '../../lib/platform/random.ts'
import { FakeClock } from './fake-clock.ts'
import { seededRandom } from './seeded-random.ts'

export interface MemoryPlatform extends Platform {
  readonly store: MemoryObjectStore
  readonly keyStore: MemoryObjectStore
  readonly keys: MemoryKeyService
  readonly queues: MemoryQueues
}

export interface MemoryPlatformOptions {
  readonly seed?: string | number
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
  /** Share these with another platform: the same deployment seen by another process or role. */
  readonly store?: MemoryObjectStore
  readonly keyStore?: MemoryObjectStore
  readonly queues?: MemoryQueues
  readonly key?: MemoryKey
  /** A role's policy: false gives `key-unusable`. */
  readonly mayUnwrap?: (context: WrapContext) => boolean
  readonly receivesMax?: number
  /** Deliver messages in a seeded disorder. */
  readonly shuffle?: boolean
}

export function memoryPlatform(options: MemoryPlatformOptions = {}): MemoryPlatform {
  const clock = options.clock ?? new FakeClock({ auto: true })
  const random = options.random ?? seededRandom(options.seed ?? 0)
  const store = options.store ?? new MemoryObjectStore({ clock })
  return {
    store,
    keyStore: options.keyStore ?? store,
    keys: new MemoryKeyService({
      random,
      ...(options.key === undefined ? {} : { key: options.key }),
      ...(options.mayUnwrap === undefined ? {} : { mayUnwrap: options.mayUnwrap }),
    }),
    queues:
      options.queues ??
      new MemoryQueues({ clock, random, receivesMax: options.receivesMax ?? 5, shuffle: options.shuffle ?? false }),
    clock,
    random,
    log: options.log ?? silentLog,
    close: async () => undefined,
  }
}

export interface LocalPlatformOptions {
  readonly clock?: Clock
  readonly random?: Random
  readonly log?: Log
  readonly deployment?: string
  readonly receivesMax?: number
}

/** As on one machine, inside `folder`: `store/`, `queue/` and `keyring`, which is made when it is missing. Close it before the folder goes. */
export async function localPlatform(folder: string, options: LocalPlatformOptions = {}): Promise<Platform> {
  const {
    clock = systemClock,
    random = systemRandom,
    log = silentLog,
    deployment = 'campus',
    receivesMax = 5,
  } = options
  await createKeyring(join(folder, 'keyring'), { deployment, clock, random })
  const store = new LocalObjectStore({ folder: join(folder, 'store'), clock, random })
  const keys = await openLocalKeyService({ path: join(folder, 'keyring'), deployment, random })
  const queues = openLocalQueues({ folder: join(folder, 'queue'), clock, random, receivesMax })
  return { store, keyStore: store, keys, queues, clock, random, log, close: () => queues.close() }
}
