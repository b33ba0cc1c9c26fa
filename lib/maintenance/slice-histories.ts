/** Every history that may be stored: each slice that any run ever had, each generation of it, newest first. */
import { knownSlices } from '../backup/known-slices.ts'
import { isTorikiError } from '../errors.ts'
import type { Access, SliceRepository } from '../repository/repository.ts'
import type { SliceName } from '../resources/slice.ts'
import type { MaintenanceService } from './service.ts'

/** Of `slices`, or of all. What was erased, and slices of which nothing was ever stored, are passed over. @throws what store and key service throw. */
export async function* sliceHistories(
  { repository, platform }: MaintenanceService,
  access: Exclude<Access, 'write'>,
  slices?: readonly SliceName[],
): AsyncGenerator<SliceRepository> {
  for await (const slice of slices ?? knownSlices(repository.records, platform.clock.now())) {
    const newest = await openHistory(repository, slice, access)
    if (newest === undefined) continue
    yield newest
    for (let generation = newest.generation - 1; generation >= 1; generation--) {
      const older = await openHistory(repository, slice, access, generation)
      if (older !== undefined) yield older
    }
  }
}

async function openHistory(
  repository: MaintenanceService['repository'],
  slice: SliceName,
  access: Access,
  generation?: number,
): Promise<SliceRepository | undefined> {
  try {
    return await repository.openSlice(slice, { access, generation })
  } catch (error) {
    if (isTorikiError(error, 'slice-erased')) return undefined
    throw error
  }
}
