/** `--user`, `--group`, `--shared`: which slice a command is about. */
import { TorikiError } from '../errors.ts'
import { groupSlice, SHARED, userSlice } from '../resources/slice.ts'
import { parseSegment } from '../resources/key.ts'
import type { Slice } from '../resources/slice.ts'

export interface SliceOptions {
  readonly user?: string
  readonly group?: string
  readonly shared?: boolean
}

/** The one slice that is named, or `undefined` when none is. @throws TorikiError `usage` when more than one is. */
export function selectedSlice(options: SliceOptions): Slice | undefined {
  const named = [options.user, options.group, options.shared === true ? 'shared' : undefined].filter(
    (one) => one !== undefined,
  )
  if (named.length > 1) throw new TorikiError('usage', { message: 'Name one of --user, --group and --shared.' })
  if (options.user !== undefined) return userSlice(parseSegment(options.user))
  // A group is known by the last part of its path, as Nebari names its shared directory.
  if (options.group !== undefined) return groupSlice(parseSegment(options.group.split('/').at(-1) ?? ''))
  return options.shared === true ? SHARED : undefined
}

/** As `selectedSlice`, when one is needed. */
export function requiredSlice(options: SliceOptions): Slice {
  const slice = selectedSlice(options)
  if (slice === undefined) throw new TorikiError('usage', { message: 'Whose? Name --user, --group or --shared.' })
  return slice
}
