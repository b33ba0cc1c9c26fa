/** Which slices a wish means: of whom something is stored, which generation of a name, which part of `shared` a group is, and under which name each is restored. Writes nothing. */
import pLimit from 'p-limit'
import { isTorikiError, TorikiError } from '../errors.ts'
import { isTrusted } from '../repository/snapshot.ts'
import type { DeploymentRepository, SliceRepository } from '../repository/repository.ts'
import { parseSlice } from '../resources/slice.ts'
import type { SliceName } from '../resources/slice.ts'
import { askedGroups } from './asked-groups.ts'
import { everybody } from './everybody.ts'
import { checkMapping, mappedSlice } from './mapping.ts'
import type { Mapping } from './mapping.ts'
import type { RequestedSlice } from './restore-request.ts'
import type { RestoreWish } from './restore-wish.ts'
import type { RestoreService } from './service.ts'

/** Slices looked for side by side. */
const PARALLEL = 8

export interface Asked {
  readonly slices: readonly RequestedSlice[]
  readonly mapping: Mapping | undefined
}

/** @throws TorikiError `restore-invalid`, `snapshot-not-found` (of whom nothing is stored, by name), `run-not-found`, `slice-erased`. */
export async function askedSlices(service: RestoreService, wish: RestoreWish): Promise<Asked> {
  const { slices = [], groups = [], snapshot, until, deleteExtra = false } = wish
  const isEverybody = wish.everybody === true
  if (isEverybody && slices.length + groups.length > 0) throw invalid('Everybody is asked for: name nobody beside it.')
  if (!isEverybody && slices.length + groups.length === 0)
    throw invalid('Whom? Name users, groups, the shared state or everybody.')
  if (snapshot !== undefined && until !== undefined) throw invalid('A snapshot or a time: name one of them.')
  const mapping = mappingOf(wish)
  if (deleteExtra && (mapping?.groups !== undefined || (mapping?.users !== undefined && hasPaths(wish))))
    throw invalid('Nothing can be deleted where keys are mapped to others: ask for one after the other.')
  const parts = await askedGroups(service, wish)
  const names = new Set<SliceName>([...slices, ...parts.directories])
  if (parts.shared.length > 0) names.add('shared')
  if (isEverybody)
    for await (const name of everybody(service, until)) if (isCovered(service, wish, name)) names.add(name)
  if (snapshot !== undefined && names.size > 1)
    throw invalid('A snapshot is that of one slice: for several, name a time.')
  const limit = pLimit(PARALLEL)
  const found = await Promise.all(
    [...names].map((name) => limit(async () => await findOne(service, name, wish, isEverybody))),
  )
  const asked: RequestedSlice[] = []
  for (const one of found) {
    if (one === undefined) continue
    const only = one.slice === 'shared' && !slices.includes('shared') && !isEverybody ? parts.shared : undefined
    const to = mapping === undefined ? undefined : mappedSlice(mapping, one.slice)
    asked.push({ ...one, ...(only && { only }), ...(to && (await targetOf(service, to))) })
  }
  refuseCollisions(asked)
  return { slices: asked, mapping }
}

/** Is there anything that can be restored of such a slice? Who opens no component cannot tell, and leaves it to the planning. */
function isCovered({ components, writers }: RestoreService, wish: RestoreWish, name: SliceName): boolean {
  const slice = parseSlice(name)
  const candidates = components.filter(
    (one) => writers.some((writer) => writer.name === one.name) && (wish.components?.includes(one.name) ?? true),
  )
  return components.length === 0 || candidates.some((one) => one.covers(slice))
}

function hasPaths({ paths, under }: RestoreWish): boolean {
  return paths !== undefined || under !== undefined
}

function mappingOf({ as, mapping, slices = [], groups = [], everybody: all }: RestoreWish): Mapping | undefined {
  const [one] = slices
  if (as !== undefined && (slices.length !== 1 || groups.length > 0 || all === true || !one?.startsWith('user/')))
    throw invalid('Under another name one user is restored: name that one, and nobody else.')
  if (as === '') throw invalid('Under which name? It is empty.')
  const whole =
    as === undefined || one === undefined
      ? mapping
      : { ...mapping, users: { ...mapping?.users, [one.slice('user/'.length)]: as } }
  if (whole !== undefined) checkMapping(whole)
  return whole
}

async function findOne(
  { repository }: RestoreService,
  slice: SliceName,
  wish: RestoreWish,
  mayBeMissing: boolean,
): Promise<RequestedSlice | undefined> {
  try {
    const stored = await rightGeneration(repository, slice, wish)
    if (stored !== undefined) return { slice, sliceId: stored.sliceId, generation: stored.generation }
  } catch (error) {
    // Who was erased is nobody that everybody could mean.
    if (!mayBeMissing || !isTorikiError(error, 'slice-erased')) throw error
  }
  if (mayBeMissing) return undefined
  throw new TorikiError('snapshot-not-found', {
    message: `Nothing is stored of ${slice}.`,
    remedy: 'See `toriki users --all` for whom there is something.',
  })
}

/** The newest; or, where a snapshot or a time is named, that of the person who had the name then. */
async function rightGeneration(
  repository: DeploymentRepository,
  slice: SliceName,
  { snapshot, until }: RestoreWish,
): Promise<SliceRepository | undefined> {
  const newest = await repository.openSlice(slice, { access: 'read-trees' })
  if (newest === undefined || newest.generation === 1 || (snapshot === undefined && until === undefined)) return newest
  for (let generation = newest.generation; generation >= 1; generation--) {
    const one =
      generation === newest.generation
        ? newest
        : await repository.openSlice(slice, { access: 'read-trees', generation }).catch((error: unknown) => {
            if (!isTorikiError(error, 'slice-erased')) throw error
            return undefined
          })
    if (one === undefined) continue
    for await (const { id, time, ...rest } of one.snapshots()) {
      if (id === snapshot) return one
      const isBelieved = Object.keys(rest.components).some((name) => isTrusted({ id, time, ...rest }, name))
      if (until !== undefined && isBelieved && Date.parse(time) <= until.getTime()) return one
    }
  }
  return newest
}

async function targetOf(
  { repository, target }: RestoreService,
  to: SliceName,
): Promise<Pick<RequestedSlice, 'to' | 'toGeneration'>> {
  // In another deployment the name is nobody's here.
  const known =
    target === undefined ? await repository.openSlice(to, { access: 'read-trees' }).catch(erased) : undefined
  return { to, ...(known === undefined ? {} : { toGeneration: known.generation }) }
}

function erased(error: unknown): undefined {
  if (!isTorikiError(error, 'slice-erased')) throw error
}

function refuseCollisions(asked: readonly RequestedSlice[]): void {
  const names = new Map<SliceName, SliceName>()
  for (const { slice, to = slice } of asked) {
    const other = names.get(to)
    if (other !== undefined) throw invalid(`${other} and ${slice} would both be restored as ${to}.`)
    names.set(parseSlice(to).name, slice)
  }
}

function invalid(message: string): TorikiError {
  return new TorikiError('restore-invalid', { message })
}
