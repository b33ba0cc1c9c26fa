/** What of a slice is restored from where, and whether in place or beside. */
import { TorikiError } from '../errors.ts'
import type { Component } from '../components/component.ts'
import { AS_IT_WAS } from '../components/naming.ts'
import type { Naming } from '../components/naming.ts'
import type { ComponentWriter } from '../components/writer.ts'
import type { SliceRepository } from '../repository/repository.ts'
import { isSafetySnapshot } from '../repository/safety-snapshot.ts'
import { isTrusted } from '../repository/snapshot.ts'
import type { Snapshot, SnapshotId } from '../repository/snapshot.ts'
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
  /** Newer ones that do not open. */
  readonly passedOver: readonly SnapshotId[]
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
    const passedOver: SnapshotId[] = []
    const snapshot = named ?? (await newestUntil(stored, writer.name, request.at, (id) => void passedOver.push(id)))
    if (snapshot === undefined && passedOver.length > 0) throw new TorikiError('restore-damaged')
    if (snapshot?.components[writer.name] !== undefined) {
      const { naming = AS_IT_WAS } = request
      const isBeside =
        writer.beside === true && !request.inPlace && (await isOccupied(service, component, request, signal))
      sources.push({
        ...{ writer, component, snapshot, passedOver },
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

/** The newest that is to be believed, of those that were made until then; `onBroken` is told newer ones that do not open, else they are thrown. */
export async function newestUntil(
  stored: SliceRepository,
  component: ComponentName,
  at: Date | undefined,
  onBroken?: (id: SnapshotId) => void,
): Promise<Snapshot | undefined> {
  const isMeant = (id: SnapshotId): boolean => !isSafetySnapshot(id) && (at === undefined || timeOf(id) <= at.getTime())
  const broken = onBroken && ((id: SnapshotId): void => (isMeant(id) ? onBroken(id) : undefined))
  for await (const snapshot of stored.snapshots(broken === undefined ? {} : { onBroken: broken }))
    if (isTrusted(snapshot, component) && (at === undefined || Date.parse(snapshot.time) <= at.getTime()))
      return snapshot
  return undefined
}

/** When its run was meant for; 0 where its name does not say. */
function timeOf(id: SnapshotId): number {
  const [, day, time] = /^(\d{8})T(\d{9})Z-/.exec(id) ?? []
  if (day === undefined || time === undefined) return 0
  const iso = `${day.slice(0, 4)}-${day.slice(4, 6)}-${day.slice(6)}T${time.slice(0, 2)}:${time.slice(2, 4)}:${time.slice(4, 6)}.${time.slice(6)}Z`
  return Date.parse(iso) || 0
}

export function nothingStored(): TorikiError {
  return new TorikiError('snapshot-not-found', {
    message: 'Nothing that can be restored is stored of this slice.',
    remedy: 'See `toriki snapshots` for what there is.',
  })
}
