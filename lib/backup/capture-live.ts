/** The live state of one slice, as the snapshot it would be: captured over an overlay, so that nothing is written and everything can be compared. */
import { overlayStore } from '../platform/object-store/overlay.ts'
import { Notes } from '../repository/notes.ts'
import { openDeployment } from '../repository/deployment-repository.ts'
import type { SliceRepository } from '../repository/repository.ts'
import type { MissingComponent, Snapshot } from '../repository/snapshot.ts'
import { toTorikiError } from '../errors.ts'
import type { Slice } from '../resources/slice.ts'
import type { Service } from './service.ts'

/** What may be kept of a live slice for reading; more is compared by digest alone. */
const LIVE_BYTES_MAX = 64 * 1024 * 1024

export interface LiveSlice {
  /** Sees what is stored and the live snapshot beside it. */
  readonly repository: SliceRepository
  readonly snapshot: Snapshot
}

/** Components that cannot be read are in the snapshot's `missing`. @throws TorikiError for a store or key service that fails. */
export async function captureLive(service: Service, slice: Slice, signal: AbortSignal): Promise<LiveSlice> {
  const { platform } = service
  const store = overlayStore(platform.store, platform.clock, LIVE_BYTES_MAX)
  const keyStore =
    platform.keyStore === platform.store ? store : overlayStore(platform.keyStore, platform.clock, LIVE_BYTES_MAX)
  const deployment = await openDeployment({ ...platform, store, keyStore }, { name: service.repository.name })
  const writing = await deployment.openSlice(slice.name, { access: 'write' })
  const capture = await writing.capture({ run: 'live', signal })
  const missing: MissingComponent[] = []
  for (const component of service.components) {
    if (!component.covers(slice)) continue
    const notes = new Notes()
    const context = { clock: platform.clock, signal, note: (note: Parameters<Notes['add']>[0]) => notes.add(note) }
    try {
      await capture.store(component.name, component.read(slice, context), { notes })
    } catch (error) {
      signal.throwIfAborted()
      missing.push({ component: component.name, code: toTorikiError(error).code })
    }
  }
  const { snapshot } = await capture.commit(missing)
  const repository =
    (await deployment.openSlice(slice.name, { access: 'read-content', generation: writing.generation })) ?? writing
  return { repository, snapshot }
}
