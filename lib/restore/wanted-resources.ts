/** What of a snapshot is wanted live, by the names it has there. */
import { TorikiError } from '../errors.ts'
import { AS_IT_WAS, isAsItWas } from '../components/naming.ts'
import type { Naming } from '../components/naming.ts'
import type { ComponentWriter, LostField, Named } from '../components/writer.ts'
import type { OnLost, SliceRepository, StoredResource } from '../repository/repository.ts'
import { compareKeys, formatKey } from '../resources/key.ts'
import type { ResourceKey } from '../resources/key.ts'
import { inBatches } from './in-batches.ts'
import { keysAbove, reached } from './reach.ts'
import type { Reach, Reached } from './reach.ts'
import type { Source } from './plan-sources.ts'
import { isDamage } from './stored-damage.ts'

export interface WantedKey {
  /** Live. */
  readonly key: ResourceKey
  readonly stored: StoredResource
  readonly reach: 'in' | 'above'
}

/** Ascending by live keys. Reads nothing of what is not meant where keys say what is. @throws TorikiError `restore-invalid` when two would be called the same. `onLost` is told what nobody can read. */
export async function* wantedResources(
  repository: SliceRepository,
  { writer, snapshot, naming }: Pick<Source, 'writer' | 'snapshot' | 'naming'>,
  reach: Reach,
  onLost: OnLost,
): AsyncGenerator<WantedKey> {
  const meant = meantResources(repository, snapshot, writer.name, { reach, onLost })
  if (!renames(writer, naming)) {
    for await (const { entry, reach: how } of meant) yield { key: entry.key, stored: entry, reach: how }
    return
  }
  // Keys of a component with one kind keep their order. Those of others are few.
  const held: WantedKey[] = []
  for await (const { entry, reach: how } of meant) {
    const one = { key: liveKey(writer, naming, entry.key), stored: entry, reach: how }
    if (writer.kinds.length === 1) yield one
    else held.push(one)
  }
  held.sort((a, b) => compareKeys(a.key, b.key))
  for (const [index, one] of held.entries()) {
    if (held[index - 1]?.key.equals(one.key) === true)
      throw new TorikiError('restore-invalid', {
        message: `Two resources would be called ${formatKey(one.key)} there.`,
      })
    yield one
  }
}

/** The keys of the same, without what cannot be read; some at a time. @throws as `wantedResources`. */
export async function* wantedKeys(
  repository: SliceRepository,
  source: Pick<Source, 'writer' | 'snapshot' | 'naming'>,
  reach: Reach,
): AsyncGenerator<readonly ResourceKey[]> {
  const { writer, snapshot, naming } = source
  if (reach.isAll && !renames(writer, naming)) {
    yield* repository.keys(snapshot, writer.name, { onLost: () => undefined })
    return
  }
  const keys = async function* (): AsyncGenerator<ResourceKey> {
    for await (const { key } of wantedResources(repository, source, reach, () => undefined)) yield key
  }
  yield* inBatches(keys())
}

export function liveKey(writer: ComponentWriter, naming: Naming, key: ResourceKey): ResourceKey {
  return writer.rename?.({ key, state: {}, kept: {} }, naming).key ?? key
}

/** A resource as it is called live. */
export function renamed(
  writer: ComponentWriter,
  naming: Naming,
  resource: Named,
): Named & { readonly lost: readonly LostField[] } {
  if (!renames(writer, naming)) return { ...resource, lost: [] }
  return { lost: [], ...(writer.rename?.(resource, naming) ?? resource) }
}

export function renames(writer: ComponentWriter, naming: Naming = AS_IT_WAS): boolean {
  return writer.rename !== undefined && !isAsItWas(naming)
}

async function* meantResources(
  repository: SliceRepository,
  snapshot: Source['snapshot'],
  component: string,
  { reach, onLost }: { readonly reach: Reach; readonly onLost: OnLost },
): AsyncGenerator<Reached<StoredResource>> {
  const { tops } = reach
  if (tops === undefined) {
    yield* reached(repository.resources(snapshot, component, { onLost }), reach)
    return
  }
  const done = new Set<string>()
  for (const top of tops) {
    const above: StoredResource[] = []
    for (const key of keysAbove(top)) {
      if (done.has(key.toString('latin1'))) continue
      const found = await orNone(repository.resource(snapshot, component, key))
      if (found !== undefined) above.push(found)
    }
    for await (const entry of repository.resources(snapshot, component, { under: top, onLost })) {
      for (const one of above.splice(0)) {
        done.add(one.key.toString('latin1'))
        yield { entry: one, reach: 'above' }
      }
      yield { entry, reach: 'in' }
    }
  }
}

/** What something lies in is made where it is not there: one that cannot be read stays as it is. */
async function orNone(reading: Promise<StoredResource | undefined>): Promise<StoredResource | undefined> {
  try {
    return await reading
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}
