/** What of a slice is restored from where, and whether in place or beside. */
import { TorikiError } from '../errors.ts'
import type { Component } from '../components/component.ts'
import { AS_IT_WAS } from '../components/naming.ts'
import type { Naming } from '../components/naming.ts'
import type { ComponentWriter } from '../components/writer.ts'
import type { SliceRepository } from '../repository/repository.ts'
import { isTrusted } from '../repository/snapshot.ts'
import type { Snapshot } from '../repository/snapshot.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { RestoreService } from './service.ts'
import type { SlicePlanRequest } from './slice-plan-request.ts'

/** One component, and the snapshot it is restored from. */
export interface Source {
  readonly writer: ComponentWriter
  readonly component: Component
  readonly snapshot: Snapshot
  /** How things are called where they go: a folder beside what is there, perhaps. */
  readonly naming: Naming
}

/** At least one. @throws TorikiError `snapshot-not-found`, `resource-not-found` for a component that is named and not stored. */
export async function chooseSources(
  service: RestoreService,
  stored: SliceRepository,
  request: SlicePlanRequest,
  signal: AbortSignal,
): Promise<readonly Source[]> {
  const named = request.snapshot === undefined ? undefined : await stored.snapshot(request.snapshot)
  const sources: Source[] = []
  for (const writer of service.writers) {
    if (request.components !== undefined && !request.components.includes(writer.name)) continue
    const component = service.components.find(({ name }) => name === writer.name)
    if (component?.covers(request.to ?? request.slice) !== true) continue
    const snapshot = named ?? (await newestUntil(stored, writer.name, request.at))
    if (snapshot?.components[writer.name] !== undefined) {
      const { naming = AS_IT_WAS } = request
      const isBeside =
        writer.beside === true && !request.inPlace && (await isOccupied(service, component, request, signal))
      sources.push({
        ...{ writer, component, snapshot },
        naming: isBeside ? { ...naming, folder: folderOf(request.restore) } : naming,
      })
    } else if (request.components !== undefined)
      throw new TorikiError('resource-not-found', { message: 'The snapshot does not hold that component.' })
  }
  if (sources.length === 0) throw nothingStored()
  return sources
}

/** The restore's time: `restored-20261121T020000000Z`. */
function folderOf(restore: string): string {
  return `restored-${restore.slice(0, restore.indexOf('-'))}`
}

/** Is there anything live but mere containers? Only names are read, and no further than the first. */
export async function isOccupied(
  { platform }: RestoreService,
  component: Component,
  { slice, to = slice }: SlicePlanRequest,
  signal: AbortSignal,
): Promise<boolean> {
  for await (const { key } of component.read(to, { clock: platform.clock, signal, note: () => undefined }))
    if (component.isContainer?.(key) !== true) return true
  return false
}

/** The newest that is to be believed, of those that were made until then. */
export async function newestUntil(
  stored: SliceRepository,
  component: ComponentName,
  at: Date | undefined,
): Promise<Snapshot | undefined> {
  if (at === undefined) return await stored.latest(component)
  for await (const snapshot of stored.snapshots())
    if (isTrusted(snapshot, component) && Date.parse(snapshot.time) <= at.getTime()) return snapshot
  return undefined
}

export function nothingStored(): TorikiError {
  return new TorikiError('snapshot-not-found', {
    message: 'Nothing that can be restored is stored of this slice.',
    remedy: 'See `toriki snapshots` for what there is.',
  })
}
