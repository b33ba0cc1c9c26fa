/** The snapshot's map beside the live one: what is to be made, and what is live alone. */
import type { StoredResource } from '../repository/repository.ts'
import type { ResourceKey } from '../resources/key.ts'
import { KeyFinder } from './key-finder.ts'
import type { Look } from './live-look.ts'
import type { Source } from './plan-sources.ts'
import { reached } from './reach.ts'
import type { Reach } from './reach.ts'
import { liveKey, renames, wantedResources } from './wanted-resources.ts'

/** A resource of the snapshot, and the live one that it is to become. One of both is there. */
export interface Difference {
  /** Live. */
  readonly key: ResourceKey
  readonly before: StoredResource | undefined
  /** In the snapshot, under the name it has there. */
  readonly after: StoredResource | undefined
}

/** Resources that were asked for, whether they differ or not; told when the differences have ended. */
export interface Wanted {
  count: number
}

/** What is wanted and may not be as wanted, ascending by live keys. */
export async function* differencesToMake(
  { repository, snapshot: live }: Look,
  source: Source,
  reach: Reach,
  wanted: Wanted,
): AsyncGenerator<Difference> {
  const { writer, snapshot, naming } = source
  if (reach.isAll && !renames(writer, naming)) {
    wanted.count = snapshot.components[writer.name]?.resources ?? 0
    for await (const { key, before, after } of repository.diff(writer.name, live, snapshot))
      if (after !== undefined) yield { key, before, after }
    return
  }
  const finder = new KeyFinder(repository, live, writer.name)
  for await (const { key, stored, reach: how } of wantedResources(repository, source, reach)) {
    const before = await finder.find(key)
    if (how === 'in') wanted.count++
    if (how === 'in' || before === undefined) yield { key, before, after: stored }
  }
}

/** What is live and not wanted, ascending; nothing beside what is there. */
export async function* differencesToDelete(
  { repository, snapshot: live }: Look,
  source: Source,
  reach: Reach,
): AsyncGenerator<Difference> {
  const { writer, snapshot, naming } = source
  if (naming.folder !== undefined) return
  if (reach.isAll && !renames(writer, naming)) {
    for await (const { key, before, after } of repository.diff(writer.name, live, snapshot))
      if (after === undefined) yield { key, before, after }
    return
  }
  const isWanted = await wantedTest({ repository, snapshot: live }, source)
  for await (const { entry, reach: how } of reached(repository.resources(live, writer.name), reach))
    if (how === 'in' && !(await isWanted(entry.key))) yield { key: entry.key, before: entry, after: undefined }
}

async function wantedTest(
  { repository }: Look,
  { writer, snapshot, naming }: Source,
): Promise<(key: ResourceKey) => Promise<boolean>> {
  const finder = new KeyFinder(repository, snapshot, writer.name)
  if (!renames(writer, naming) || writer.kinds.length === 1)
    return async (key) => (await finder.find(key)) !== undefined
  // Other names in any order: of components whose resources are few.
  const keys = new Set<string>()
  for await (const { key } of repository.resources(snapshot, writer.name))
    keys.add(liveKey(writer, naming, key).toString('latin1'))
  return (key) => Promise.resolve(keys.has(key.toString('latin1')))
}
