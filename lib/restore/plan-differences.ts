/** The snapshot's map beside the live one: what is to be made, and what is live alone. */
import type { LostRange, ResourceFinder, StoredResource } from '../repository/repository.ts'
import type { ResourceKey } from '../resources/key.ts'
import { inBatches } from './in-batches.ts'
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

/** What is wanted and may not be as wanted, ascending by live keys, some at a time; `lost` is told what nobody can read. */
export async function* differencesToMake(
  look: Look,
  source: Source,
  reach: Reach,
  wanted: Wanted,
  lost: LostKeys,
): AsyncGenerator<readonly Difference[]> {
  const { writer, snapshot, naming } = source
  if (!reach.isAll || renames(writer, naming))
    return yield* inBatches(differencesByKey(look, source, reach, wanted, lost))
  const { repository, snapshot: live } = look
  for await (const some of repository.diff(writer.name, live, snapshot, { onLost: lost.add }))
    yield some.filter(({ key, after }) => after !== undefined && !lost.has(key))
  const all = snapshot.components[writer.name]?.resources ?? 0
  wanted.count = all - lost.count(all)
}

/** The same where keys must be asked about one after the other. */
async function* differencesByKey(
  { repository, snapshot: live }: Look,
  source: Source,
  reach: Reach,
  wanted: Wanted,
  lost: LostKeys,
): AsyncGenerator<Difference> {
  const { writer } = source
  const finder = repository.finder(live, writer.name)
  for await (const { key, stored, reach: how } of wantedResources(repository, source, reach, lost.add)) {
    const before = await foundOrLost(finder, key, lost)
    if (before === 'lost') continue
    if (how === 'in') wanted.count++
    if (how === 'in' || before === undefined) yield { key, before, after: stored }
  }
}

/** What is live and not wanted, ascending, some at a time; nothing beside what is there. */
export async function* differencesToDelete(
  look: Look,
  source: Source,
  reach: Reach,
): AsyncGenerator<readonly Difference[]> {
  const { writer, snapshot, naming } = source
  if (naming.folder !== undefined) return
  if (!reach.isAll || renames(writer, naming)) return yield* inBatches(surplusByKey(look, source, reach))
  const { repository, snapshot: live } = look
  // What nobody can read may be there: it is no reason to delete anything.
  const lost = new LostKeys()
  for await (const some of repository.diff(writer.name, live, snapshot, { onLost: lost.add }))
    yield some.filter(({ key, after }) => after === undefined && !lost.has(key))
}

/** The same where keys must be asked about one after the other. */
async function* surplusByKey(
  { repository, snapshot: live }: Look,
  source: Source,
  reach: Reach,
): AsyncGenerator<Difference> {
  const { writer } = source
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
