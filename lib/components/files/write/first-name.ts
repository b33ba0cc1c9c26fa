/** The first name of a file that is to have another: found by handle beneath the home, and believed only when it is as the second is to be. */
import type { Directory } from '../directory.ts'
import type { EntryStat } from '../entry-stat.ts'
import { descend } from '../visit-keys.ts'
import { lookLive, strangeMembers } from './members.ts'
import type { Members } from './members.ts'
import type { Spot } from './spot.ts'

export interface FirstName {
  readonly parent: Directory
  readonly name: string
  readonly stat: EntryStat
  close(): void
}

/** `undefined`: it is not there, or not like that. @throws SystemFailure. */
export function openFirstName({ home }: Spot, names: readonly string[], like: Members): FirstName | undefined {
  const parent = home === undefined ? undefined : descend(home, names.slice(0, -1))
  if (parent === undefined) return undefined
  const close = (): void => {
    if (parent !== home) parent.close()
  }
  try {
    const name = names.at(-1) as string
    const live = lookLive(parent, name)
    if (live !== undefined && strangeMembers(live.members, [like]).length === 0)
      return { parent, name, stat: live.stat, close }
  } catch (error) {
    close()
    throw error
  }
  close()
  return undefined
}
