/** Which keys a restore of some paths concerns. */
import type { ResourceKey } from '../resources/key.ts'

/** `in`: one of these, or beneath one. `above`: something one of these lies in, which is only made where it is not there. `undefined`: neither. */
export function reachOf(key: ResourceKey, under: readonly ResourceKey[] | undefined): 'in' | 'above' | undefined {
  if (under === undefined || under.some((top) => isAtOrBeneath(key, top))) return 'in'
  return under.some((top) => isAtOrBeneath(top, key)) ? 'above' : undefined
}

/** Segments are separated by NUL, which stands nowhere else in a key. */
function isAtOrBeneath(key: ResourceKey, top: ResourceKey): boolean {
  return (
    key.equals(top) || (key.length > top.length && key[top.length] === 0 && key.subarray(0, top.length).equals(top))
  )
}
