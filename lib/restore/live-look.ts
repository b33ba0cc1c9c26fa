/**
 * Live resources, as a snapshot: what a plan compares with, what the safety snapshot keeps, what verification reads again. In the generation of what is restored, so
 * that digests compare. Over an overlay nothing is written.
 */
import { overlayStore } from '../platform/object-store/overlay.ts'
import { openDeployment } from '../repository/deployment-repository.ts'
import { Notes } from '../repository/notes.ts'
import type { DeploymentRepository, SliceRepository } from '../repository/repository.ts'
import type { Snapshot } from '../repository/snapshot.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { FileReading } from '../resources/file-reading.ts'
import type { Resource } from '../resources/resource.ts'
import type { Slice } from '../resources/slice.ts'
import type { RestoreService } from './service.ts'

/** Contents of a look that can be read; more is compared by digest alone. */
const CONTENT_BYTES_MAX = 32 * 1024 * 1024
/** All of a look: the map of some million files, which is read while it is compared. */
const LOOK_BYTES_MAX = 320 * 1024 * 1024

export interface Look {
  /** Sees what is stored and this look beside it; opens content. */
  readonly repository: SliceRepository
  readonly snapshot: Snapshot
}

export interface LookRequest {
  readonly slice: Slice
  readonly generation: number
  readonly components: readonly ComponentName[]
  /** The resources of one component, ascending, one by one or in batches. `reading`: threads that may read contents for it, where there are any. */
  readonly read: (
    component: ComponentName,
    reading: FileReading | undefined,
  ) => AsyncIterable<Resource | readonly Resource[]>
  readonly signal: AbortSignal
}

/** Nothing is written. */
export async function lookAt(service: RestoreService, request: LookRequest): Promise<Look> {
  const { platform } = service
  const store = overlayStore(platform.store, platform.clock, LOOK_BYTES_MAX)
  const keyStore =
    platform.keyStore === platform.store ? store : overlayStore(platform.keyStore, platform.clock, LOOK_BYTES_MAX)
  const deployment = await openDeployment({ ...platform, store, keyStore }, { name: service.repository.name })
  return await capture(deployment, 'live', request, CONTENT_BYTES_MAX)
}

/** Written, as the snapshot of the restore. Done twice it is one snapshot: the first. */
export async function keepLook(service: RestoreService, restore: string, request: LookRequest): Promise<Look> {
  return await capture(service.repository, restore, request)
}

async function capture(
  deployment: DeploymentRepository,
  run: string,
  request: LookRequest,
  contentBytesMax?: number,
): Promise<Look> {
  const { slice, generation, components, signal } = request
  const writing = await deployment.openSlice(slice.name, { access: 'write', generation })
  const capturing = await writing.capture({ run, signal, contentBytesMax })
  for (const name of components) {
    if (capturing.finished[name] !== undefined) continue
    const reading = capturing.reading()
    await capturing.store(name, request.read(name, reading), { notes: new Notes() })
  }
  const { snapshot } = await capturing.commit([])
  const repository = await deployment.openSlice(slice.name, { access: 'read-content', generation })
  return { repository: repository ?? writing, snapshot }
}
