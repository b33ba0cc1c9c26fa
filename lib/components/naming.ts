/**
 * How things are called where a restore brings them, when that is not what they were called where they come from: beside what is there, under another user name, in another
 * deployment. Plain data; each component says in `ComponentWriter.rename` what it means for its resources.
 */

export interface Naming {
  /** Into a folder of this name at the top of the slice, beside what is there. */
  readonly folder?: string
  /** The person whose slice it is. */
  readonly user?: { readonly from: string; readonly to: string }
  /** By path; what lies beneath a group goes with it, and the longest path decides. */
  readonly groups: readonly GroupNaming[]
  /** Numeric owners, by what they were. */
  readonly uids: ReadonlyMap<number, number>
  readonly gids: ReadonlyMap<number, number>
  /** Another may have what only one can have (an account's id): none of it is taken along. */
  readonly asAnother: boolean
}

/** Names from the top. */
export interface GroupNaming {
  readonly from: readonly string[]
  readonly to: readonly string[]
}

export const AS_IT_WAS: Naming = { groups: [], uids: new Map(), gids: new Map(), asAnother: false }

/** Is everything called as it was? */
export function isAsItWas({ folder, user, groups, uids, gids, asAnother }: Naming): boolean {
  return (
    folder === undefined &&
    user === undefined &&
    groups.length === 0 &&
    uids.size === 0 &&
    gids.size === 0 &&
    !asAnother
  )
}

/** What a group's path is there. */
export function renamedGroup({ groups }: Naming, path: readonly string[]): readonly string[] {
  let longest: GroupNaming | undefined
  for (const group of groups)
    if (group.from.length > (longest?.from.length ?? 0) && group.from.every((name, index) => path[index] === name))
      longest = group
  return longest === undefined ? path : [...longest.to, ...path.slice(longest.from.length)]
}
