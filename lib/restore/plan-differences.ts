/** The snapshot's map beside the live one: what is to be made, and what is live alone. */
import type { LostRange, ResourceFinder, StoredResource } from '../repository/repository.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Look } from './live-look.ts'
import { LostKeys } from './lost-keys.ts'
import type { Source } from './plan-sources.ts'
import { reached } from './reach.ts'
import type { Reach } from './reach.ts'
import { isDamage } from './stored-damage.ts'
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

/** What is wanted and may not be as wanted, ascending by live keys; `lost` is told what nobody can read. */
export async function* differencesToMake(
  { repository, snapshot: live }: Look,
  source: Source,
  reach: Reach,
  wanted: Wanted,
  lost: LostKeys,
): AsyncGenerator<Difference> {
  const { writer, snapshot, naming } = source
  if (reach.isAll && !renames(writer, naming)) {
    for await (const { key, before, after } of repository.diff(writer.name, live, snapshot, { onLost: lost.add }))
      if (after !== undefined && !lost.has(key)) yield { key, before, after }
    const all = snapshot.components[writer.name]?.resources ?? 0
    wanted.count = all - lost.count(all)
    return
  }
  const finder = repository.finder(live, writer.name)
  for await (const { key, stored, reach: how } of wantedResources(repository, source, reach, lost.add)) {
    const before = await foundOrLost(finder, key, lost)
    if (before === 'lost') continue
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
    // What nobody can read may be there: it is no reason to delete anything.
    const lost = new LostKeys()
    for await (const { key, before, after } of repository.diff(writer.name, live, snapshot, { onLost: lost.add }))
      if (after === undefined && !lost.has(key)) yield { key, before, after }
    return
  }
  const isWanted = await wantedTest({ repository, snapshot: live }, source)
  for await (const { entry, reach: how } of reached(repository.resources(live, writer.name), reach))
    if (how === 'in' && !(await isWanted(entry.key))) yield { key: entry.key, before: entry, after: undefined }
}

/** The live map may share its nodes with what is stored. */
async function foundOrLost(
  finder: ResourceFinder,
  key: ResourceKey,
  lost: LostKeys,
): Promise<StoredResource | undefined | 'lost'> {
  try {
    return await finder.find(key)
  } catch (error) {
    if (!isDamage(error)) throw error
    lost.addOne(key)
    return 'lost'
  }
}

async function wantedTest(
  { repository }: Look,
  { writer, snapshot, naming }: Source,
): Promise<(key: ResourceKey) => Promise<boolean>> {
  const finder = repository.finder(snapshot, writer.name)
  if (!renames(writer, naming) || writer.kinds.length === 1)
    return async (key) => {
      try {
        return (await finder.find(key)) !== undefined
      } catch (error) {
        if (isDamage(error)) return true
        throw error
      }
    }
  // Other names in any order: of components whose resources are few.
  const keys = new Set<string>()
  const lost: LostRange[] = []
  for await (const { key } of repository.resources(snapshot, writer.name, { onLost: (range) => void lost.push(range) }))
    keys.add(liveKey(writer, naming, key).toString('latin1'))
  return (key) => Promise.resolve(lost.length > 0 || keys.has(key.toString('latin1')))
}
