/** The bundle of everything the house asks of the world. Chosen by settings in `assemble.ts`, by a test in test/kit, by a seed in simulation. */
import type { Log } from '../log.ts'
import type { Clock } from './clock.ts'
import type { KeyService } from './key-service/port.ts'
import type { ObjectStore } from './object-store/port.ts'
import type { Queues } from './queue/port.ts'
import type { Random } from './random.ts'
import type { Threads } from './threads.ts'

export interface Platform {
  /** The deployment's prefix of the store: keys begin with `deployment/`, `slices/`, `runs/`, … */
  readonly store: ObjectStore
  /** Where `keys/` and `erased/` live: the same as `store`, or a bucket of their own. */
  readonly keyStore: ObjectStore
  readonly keys: KeyService
  readonly queues: Queues
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** For contents of files; without them everything is read on the thread that walks. */
  readonly threads?: Threads
  close(): Promise<void>
}

/** What looking at a repository asks of the world: no queue. */
export type StorePlatform = Omit<Platform, 'queues' | 'close'>
