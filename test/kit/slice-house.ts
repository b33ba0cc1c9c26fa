/** One deployment with one slice, in memory, for tests of captures. */
import { createDeployment } from '../../lib/repository/deployment-repository.ts'
import { FakeClock } from './fake-clock.ts'
import { memoryPlatform } from './memory-platform.ts'
import { openForReading, readBack } from './slice-source.ts'
import type { DeploymentRepository, SliceRepository } from '../../lib/repository/repository.ts'
import type { MemoryPlatform } from './memory-platform.ts'
import type { Things } from './slice-source.ts'

/** Never aborted. */
export const signal = new AbortController().signal
export const home: Things = { '.': { state: 'dir' }, 'a.txt': { content: 'hello' }, 'b.txt': { content: 'world' } }
export const account: Things = { 'user/ann': { state: 'enabled', kept: 'id-1', secret: 'hash' } }

export interface SliceHouse {
  readonly platform: MemoryPlatform
  readonly clock: FakeClock
  readonly deployment: DeploymentRepository
  /** Opened for writing. */
  readonly ann: SliceRepository
}

export async function sliceHouse(): Promise<SliceHouse> {
  const clock = new FakeClock()
  const platform = memoryPlatform({ clock })
  const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
  return { platform, clock, deployment, ann: await deployment.openSlice('user/ann', { access: 'write' }) }
}

/** Everything in a snapshot, as a reader sees it. */
export async function contentsOf({ deployment }: SliceHouse, id: string): Promise<Record<string, unknown[]>> {
  const reading = await openForReading(deployment, 'user/ann')
  const snapshot = await reading.snapshot(id)
  const found: Record<string, unknown[]> = {}
  for (const component of Object.keys(snapshot.components)) {
    found[component] = await readBack(reading, snapshot, component)
  }
  return found
}
