/** One deployment with one slice, in memory, with what keeps it in order: for tests of prune, compact and check. */
import { createDeployment, openDeployment } from '../../lib/repository/deployment-repository.ts'
import { MemoryObjectStore } from '../../lib/platform/object-store/memory.ts'
import type { ObjectStore } from '../../lib/platform/object-store/port.ts'
import type { CompactOptions, CompactReport, PruneOptions, PruneReport } from '../../lib/repository/maintenance.ts'
import type { DeploymentRepository, SliceRepository } from '../../lib/repository/repository.ts'
import { FakeClock } from './fake-clock.ts'
import { memoryPlatform } from './memory-platform.ts'
import type { MemoryPlatform } from './memory-platform.ts'
import { backUp, manyFiles, openForReading, readBack } from './slice-source.ts'
import type { Things } from './slice-source.ts'

export const ANN = 'user/ann'
export const HOUR_MS = 60 * 60 * 1000
/** Never aborted. */
export const signal = new AbortController().signal

export interface MaintainedHouse {
  readonly clock: FakeClock
  readonly store: MemoryObjectStore
  readonly platform: MemoryPlatform
  readonly deployment: DeploymentRepository
  backUp(run: string, things: Things): Promise<string>
  forget(...ids: string[]): Promise<void>
  prune(options?: Partial<PruneOptions>): Promise<PruneReport>
  /** Everything that is dead at all, unless told otherwise. */
  compact(options?: Partial<CompactOptions>): Promise<CompactReport>
  /** As `expected` gives it. */
  read(id: string): Promise<unknown[]>
  /** Objects of the slice, by folder. */
  folders(): Record<string, number>
  /** The same deployment over another store. */
  reopen(store: ObjectStore): Promise<DeploymentRepository>
  /** This house as seen through another store, whose objects are `objects`. */
  over(objects: MemoryObjectStore, store?: ObjectStore): Promise<MaintainedHouse>
}

export async function maintainedHouse(): Promise<MaintainedHouse> {
  const clock = new FakeClock()
  const store = new MemoryObjectStore({ clock })
  const platform = memoryPlatform({ clock, store })
  const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
  return houseOf(platform, clock, deployment, store)
}

function houseOf(
  platform: MemoryPlatform,
  clock: FakeClock,
  deployment: DeploymentRepository,
  store: MemoryObjectStore,
): MaintainedHouse {
  const prefix = `slices/${deployment.sliceId(ANN, 1)}/`
  const isRunOpen = (): Promise<boolean> => Promise.resolve(false)
  const reopen = (other: ObjectStore): Promise<DeploymentRepository> =>
    openDeployment({ ...platform, store: other, keyStore: other }, { name: 'campus' })
  const ann = async (access: 'read-trees' | 'read-content'): Promise<SliceRepository> => {
    const opened = await deployment.openSlice(ANN, { access })
    if (opened === undefined) throw new Error('there is no history')
    return opened
  }
  return {
    ...{ clock, store, platform, deployment, reopen },
    async over(objects, other = objects) {
      return houseOf(platform, clock, await reopen(other), objects)
    },
    async backUp(run, things) {
      const writing = await deployment.openSlice(ANN, { access: 'write' })
      return (await backUp(writing, run, { files: things })).snapshot.id
    },
    async forget(...ids) {
      await (await ann('read-trees')).forget(ids)
    },
    async prune(options = {}) {
      return await (await ann('read-trees')).prune({ isRunOpen, apply: true, signal, ...options })
    },
    async compact(options = {}) {
      const limits = { deadShareMax: 0, deadBytesMin: 1 }
      return await (await ann('read-content')).compact({ isRunOpen, apply: true, signal, ...limits, ...options })
    },
    async read(id) {
      const reading = await openForReading(deployment, ANN)
      return await readBack(reading, await reading.snapshot(id), 'files')
    },
    folders() {
      const counts: Record<string, number> = {}
      for (const key of store.keys().filter((one) => one.startsWith(prefix))) {
        const folder = key.slice(prefix.length).split('/')[0] ?? ''
        counts[folder] = (counts[folder] ?? 0) + 1
      }
      return counts
    },
  }
}

/** Two prunes with the grace time between them, and one more after it: what `forget` freed is gone then. */
export async function pruneAway({ clock, prune }: Pick<MaintainedHouse, 'clock' | 'prune'>): Promise<void> {
  await clock.advance(25 * HOUR_MS)
  await prune()
  await clock.advance(25 * HOUR_MS)
  await prune()
  await prune()
}

/** So many files that tree and content leave the snapshot. */
export function big(salt: string): Things {
  return manyFiles(800, (at) => `${salt} ${at}`)
}

/** A store whose writes fail from the `cut`th on, as if the process were gone, until it is mended. */
export function cutAt(
  store: MemoryObjectStore,
  cut: number,
): { readonly store: ObjectStore; readonly writes: () => number; readonly mend: () => void } {
  let [writes, broken] = [0, true]
  const write = async (action: () => Promise<void>): Promise<void> => {
    if (broken && writes >= cut) throw new Error('cut off')
    writes++
    await action()
  }
  return {
    store: {
      create: (key, body) => write(() => store.create(key, body)),
      delete: (key) => write(() => store.delete(key)),
      get: (key, options) => store.get(key, options),
      list: (prefix, options) => store.list(prefix, options),
    },
    writes: () => writes,
    mend: () => void (broken = false),
  }
}
