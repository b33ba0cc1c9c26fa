/** Who has a directory: by listing, since a directory outlives role, group and account. Listed twice where something changed meanwhile. */
import { TorikiError } from '../../errors.ts'
import { groupSlice, userSlice } from '../../resources/slice.ts'
import type { Member } from '../component.ts'
import type { Directory } from './directory.ts'
import type { EntryStat } from './entry-stat.ts'
import { look } from './root.ts'
import { readFailed } from './system-failure.ts'
import { isReserved, memberName } from './template.ts'
import type { PathTemplate } from './template.ts'

const TRIES_MAX = 5

/**
 * Directories are members; a link that stands where one should be is one too, flagged `home-is-link`, so that its read fails aloud. Files
 * and other entries are nobody's and are counted by `doctor`.
 * @throws TorikiError `source-moving`, `read-failed`.
 */
export function listMembers(
  above: Directory,
  template: PathTemplate,
  placeholder: 'user' | 'group',
  other: PathTemplate | undefined,
): readonly Member[] {
  const members: Member[] = []
  for (const entry of stableNames(above)) {
    const local = memberName(template, entry)
    if (local === undefined || isReserved(template, placeholder, entry, other)) continue
    const stat = lookAt(above, entry)
    if (stat?.type !== 'directory' && stat?.type !== 'link') continue
    const slice = placeholder === 'user' ? userSlice(local) : groupSlice(local)
    if (stat.type === 'link') members.push({ slice, flags: ['home-is-link'] })
    else members.push({ slice })
  }
  return members
}

/** A listing during which the directory did not change. @throws TorikiError `source-moving`, `read-failed`. */
function stableNames(directory: Directory): readonly string[] {
  try {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const before = directory.look('.')
      const names = directory.names()
      const after = directory.look('.')
      if (before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs) return names
    }
  } catch (error) {
    throw readFailed(error)
  }
  throw new TorikiError('source-moving', {
    message: 'The directory of the homes changed all the time while it was listed.',
  })
}

function lookAt(directory: Directory, name: string): EntryStat | undefined {
  try {
    return look(directory, name)
  } catch (error) {
    throw readFailed(error)
  }
}
