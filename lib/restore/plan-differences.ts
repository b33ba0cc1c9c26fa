/** The snapshot's map beside the live one: in place key by key, or beside what is there, where every key is another. */
import type { StoredResource } from '../repository/repository.ts'
import type { JsonObject } from '../resources/json.ts'
import type { ResourceKey } from '../resources/key.ts'
import { reachOf } from './key-reach.ts'
import type { Look } from './live-look.ts'
import type { Source } from './plan-sources.ts'

/** A resource of the snapshot, and the live one that it is to become. */
export interface Difference {
  /** Live. */
  readonly key: ResourceKey
  /** In the snapshot. */
  readonly from: ResourceKey
  readonly before: StoredResource | undefined
  readonly after: StoredResource | undefined
  /** What is wanted, as it is called live; absent: as in the snapshot. */
  readonly state: JsonObject | undefined
}

/** In ascending order of live keys; what is live alone is among them only in place. */
export async function* differencesOf(
  { repository, snapshot: live }: Look,
  { writer, snapshot, folder }: Source,
  under: readonly ResourceKey[] | undefined,
): AsyncGenerator<Difference> {
  if (folder === undefined || writer.move === undefined) {
    for await (const { key, before, after } of repository.diff(writer.name, live, snapshot)) {
      const reach = reachOf(key, under)
      if (reach === 'in' || (reach === 'above' && before === undefined))
        yield { key, from: key, before, after, state: undefined }
    }
    return
  }
  for await (const after of repository.resources(snapshot, writer.name)) {
    const reach = reachOf(after.key, under)
    if (reach === undefined) continue
    const { key, state } = writer.move({ key: after.key, state: (await repository.body(after)).state }, folder)
    const before = await repository.resource(live, writer.name, key)
    if (reach === 'in' || before === undefined) yield { key, from: after.key, before, after, state }
  }
}
