/** Keys of the two upper levels of a home: where a home of which nothing is known may be cut into ranges. */
import { ENTRY_KIND, encodeKey, keyBelow } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { Directory } from './directory.ts'
import type { Exclusions } from './exclude.ts'
import { visitEntry } from './walk.ts'

/** More tell nothing better. */
const KEYS_MAX = 20_000

/** Ascending. What is left out counts for nothing. @throws SystemFailure when the home itself cannot be listed, or the machine is exhausted. */
export function upperKeys(home: Directory, exclusions: Exclusions): readonly ResourceKey[] {
  const keys: ResourceKey[] = []
  const level = { path: '', key: encodeKey(ENTRY_KIND) }
  const leavesOut: Exclusions['leavesOut'] = (path, type, target) => exclusions.leavesOut(path, type, target)
  for (const name of home.names()) {
    const visit = visitEntry(level, home, name, home, { leavesOut })
    visit.directory?.close()
    if (visit.finding === 'left-out' || visit.finding === 'vanished') continue
    keys.push(visit.key)
    for (const below of (visit.names ?? []).slice(0, KEYS_MAX)) keys.push(keyBelow(visit.key, below))
    if (keys.length >= KEYS_MAX) break
  }
  return keys
}
