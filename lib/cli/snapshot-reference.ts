/**
 * How people name a snapshot: `user/ann@RUN.N`, `latest` (with a slice, or as `user/ann@latest`), or `RUN.N` with a slice.
 * `latest` resolves per component, to the newest snapshot in which that component is to be believed.
 */
import { TorikiError } from '../errors.ts'
import { componentNames } from '../resources/component-name.ts'
import { parseSlice } from '../resources/slice.ts'
import type { Slice } from '../resources/slice.ts'
import type { Access, DeploymentRepository, SliceRepository } from '../repository/repository.ts'
import type { Snapshot } from '../repository/snapshot.ts'

/** A snapshot, or the newest of each component, ready to be read. */
export interface SnapshotView {
  readonly slice: Slice
  readonly repository: SliceRepository
  /** As people write it. */
  readonly label: string
  /** In the components' order. */
  readonly components: ReadonlyMap<string, Snapshot>
}

export function snapshotLabel(slice: Slice | { readonly name: string }, snapshot: Snapshot): string {
  return `${slice.name}@${snapshot.id}`
}

/** @throws TorikiError `usage` (no slice named), `snapshot-not-found`. */
export async function viewSnapshot(
  deployment: DeploymentRepository,
  text: string,
  selected: Slice | undefined,
  access: Access,
): Promise<SnapshotView> {
  const at = text.lastIndexOf('@')
  const slice = at === -1 ? selected : parseSlice(text.slice(0, at))
  const id = at === -1 ? text : text.slice(at + 1)
  if (slice === undefined)
    throw new TorikiError('usage', {
      message: `Whose snapshot is ${text}? Write user/NAME@${text}, or name --user, --group or --shared.`,
    })
  if (selected !== undefined && selected.name !== slice.name)
    throw new TorikiError('usage', { message: 'The snapshot and the option name different slices.' })

  const newest = await deployment.openSlice(slice.name, { access })
  if (newest === undefined)
    throw new TorikiError('snapshot-not-found', { message: 'That user or group has no snapshot.' })
  if (id === 'latest') {
    const components = new Map<string, Snapshot>()
    for (const component of componentNames) {
      const snapshot = await newest.latest(component)
      if (snapshot !== undefined) components.set(component, snapshot)
    }
    if (components.size === 0)
      throw new TorikiError('snapshot-not-found', {
        message: 'That user or group has no snapshot that is to be believed.',
      })
    return { slice, repository: newest, label: `${slice.name}@latest`, components }
  }
  // An id of an earlier person of that name lies in an earlier generation.
  for (let generation = newest.generation; generation >= 1; generation--) {
    const repository =
      generation === newest.generation ? newest : await deployment.openSlice(slice.name, { access, generation })
    const snapshot = repository === undefined ? undefined : await findSnapshot(repository, id)
    if (repository === undefined || snapshot === undefined) continue
    const components = new Map(
      componentNames.filter((name) => snapshot.components[name] !== undefined).map((name) => [name, snapshot]),
    )
    return { slice, repository, label: snapshotLabel(slice, snapshot), components }
  }
  throw new TorikiError('snapshot-not-found')
}

/** The components of a view, or the one that is named. @throws TorikiError `resource-not-found` when the view has no such component. */
export function viewComponents(
  view: SnapshotView,
  component?: string,
): readonly (readonly [component: string, snapshot: Snapshot])[] {
  if (component === undefined) return [...view.components]
  const snapshot = view.components.get(component)
  if (snapshot === undefined)
    throw new TorikiError('resource-not-found', {
      message: `That snapshot does not hold ${component}; it holds ${[...view.components.keys()].join(', ') || 'nothing'}.`,
    })
  return [[component, snapshot]]
}

async function findSnapshot(repository: SliceRepository, id: string): Promise<Snapshot | undefined> {
  try {
    return await repository.snapshot(id)
  } catch (error) {
    if (error instanceof TorikiError && error.code === 'snapshot-not-found') return undefined
    throw error
  }
}
