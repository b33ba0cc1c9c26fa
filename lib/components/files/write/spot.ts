/** Where a change is made: the directory that holds the entry, held by handle from the root on, and the entry's name in it. */
import { TorikiError } from '../../../errors.ts'
import type { Slice } from '../../../resources/slice.ts'
import type { Directory } from '../directory.ts'
import type { Ground } from '../ground.ts'
import { openPlaceAbove } from '../places.ts'
import type { Place, Places } from '../places.ts'
import { openMember, openRoot } from '../root.ts'
import type { MemberDirectory } from '../root.ts'
import { isReserved, memberEntry } from '../template.ts'
import { descend } from '../visit-keys.ts'

export interface Spot {
  readonly parent: Directory
  readonly name: string
  /** Absent for the home itself. */
  readonly home?: Directory
}

export interface Way {
  /** Told of what the way leads over, so that it may refuse: `part` is the same for the same place. */
  readonly prove: (part: string, directory: Directory | undefined) => void
  readonly ground: Ground
  readonly root: string
  readonly places: Places
}

/**
 * Opens the way to an entry for the length of `action`; `spot` is `undefined` when the directory that it would lie in is not there, and `nearest` is what is there of
 * the way.
 * @throws TorikiError `root-missing`, `home-is-link`, `home-not-directory`, `home-unreadable`, `read-failed`, `target-refused` for a name that is the system's.
 */
export async function atSpot<T>(
  { ground, root: path, places, prove }: Way,
  slice: Slice,
  names: readonly string[],
  action: (spot: Spot | undefined, nearest: Directory) => T | Promise<T>,
): Promise<T> {
  const place = placeOf(places, slice)
  const { template, local } = place
  const entry = memberEntry(template, local)
  const opened: { close(): void }[] = []
  const open = <O extends { close(): void } | undefined>(one: O): O => {
    if (one !== undefined) opened.push(one)
    return one
  }
  try {
    const root = open(openRoot(ground, path))
    prove('root', root)
    const above = openPlaceAbove(root, place)
    if (above === undefined) return await action(undefined, root)
    if (above !== root) open(above)
    prove(`above ${slice.kind}`, above)
    const last = names.at(-1)
    if (last === undefined) {
      const below = [entry, ...template.below]
      const name = below.pop() as string
      const parent = below.reduce<Directory | undefined>(
        (directory, segment) => (directory === undefined ? undefined : openOne(directory, segment, open)),
        above,
      )
      return await action(parent === undefined ? undefined : { parent, name }, parent ?? above)
    }
    const member: MemberDirectory | undefined = open(openMember(above, template, local))
    if (member === undefined) return await action(undefined, above)
    const home = member.directory
    prove(slice.name, home.stat.device === above.stat.device ? undefined : home)
    const parent = descend(home, names.slice(0, -1))
    if (parent === undefined) return await action(undefined, home)
    if (parent !== home) open(parent)
    return await action({ parent, name: last, home }, parent)
  } finally {
    for (const one of opened.reverse()) one.close()
  }
}

function placeOf(places: Places, slice: Slice): Place & { readonly local: Buffer } {
  const place = slice.kind === 'shared' ? undefined : places[slice.kind]
  if (place === undefined || slice.kind === 'shared')
    throw new TorikiError('target-refused', {
      message: 'The settings name no place for directories of this sort.',
      remedy: 'Set `files.home` or `files.group`.',
    })
  const { template, placeholder, other } = place
  const { local } = slice
  if (isReserved(template, placeholder, memberEntry(template, local), other))
    throw new TorikiError('target-refused', {
      message: 'A directory of that name is kept for the system and is nobody’s own.',
      remedy: 'Restore under another name.',
    })
  return { ...place, local }
}

function openOne(
  directory: Directory,
  segment: string,
  open: (one: Directory | undefined) => Directory | undefined,
): Directory | undefined {
  const inside = descend(directory, [segment])
  return open(inside)
}

/** A member's directory, with the way to it. */
export type OpenHome = Pick<MemberDirectory, 'directory' | 'isStillThere' | 'close'>

/** `undefined` when there is none. The caller closes it. @throws as `atSpot`. */
export function openHome({ ground, root: path, places, prove }: Way, slice: Slice): OpenHome | undefined {
  const place = placeOf(places, slice)
  const root = openRoot(ground, path)
  let above: Directory | undefined
  let member: MemberDirectory | undefined
  const close = (): void => {
    member?.close()
    if (above !== root) above?.close()
    root.close()
  }
  try {
    prove('root', root)
    above = openPlaceAbove(root, place)
    if (above !== undefined) {
      prove(`above ${slice.kind}`, above)
      member = openMember(above, place.template, place.local)
    }
    if (above === undefined || member === undefined) {
      close()
      return undefined
    }
    const { directory } = member
    prove(slice.name, directory.stat.device === above.stat.device ? undefined : directory)
    const opened = member
    return { directory, isStillThere: () => opened.isStillThere(), close }
  } catch (error) {
    close()
    throw error
  }
}

/** What the system knows the directory by. @throws TorikiError `source-version` where there are no handles. */
export function handleOf(directory: Directory): number {
  const handle = directory.attributeTarget()
  if (typeof handle === 'number') return handle
  throw new TorikiError('source-version', {
    message: 'Files are restored on Linux only, where directories can be held by handle.',
    remedy: 'Restore on Linux.',
  })
}
