/** What a person types after `toriki restore`, as a wish. What cannot be meant is refused here or by `beginPlan`, in one sentence, before anything is planned. */
import { TorikiError } from '../../errors.ts'
import { componentNames } from '../../resources/component-name.ts'
import type { ComponentName } from '../../resources/component-name.ts'
import { parseSegment } from '../../resources/key.ts'
import { SHARED, userSlice } from '../../resources/slice.ts'
import type { SliceName } from '../../resources/slice.ts'
import type { RestoreWish } from '../../restore/restore-wish.ts'
import { readMapping } from './read-mapping.ts'

export interface RestoreOptions {
  readonly user?: readonly string[]
  readonly group?: readonly string[]
  readonly shared?: boolean
  readonly all?: boolean
  readonly snapshot?: string
  readonly at?: string
  readonly component?: readonly string[]
  readonly path?: readonly string[]
  readonly inPlace?: boolean
  readonly whileRunning?: boolean
  readonly deleteExtra?: boolean
  readonly privileged?: boolean
  readonly installerOwned?: boolean
  readonly as?: string
  readonly target?: string
  readonly map?: string
}

/** @throws TorikiError `usage` with what would be right; what reading the file of `--map` throws. */
export function wishOf(options: RestoreOptions): RestoreWish {
  const { all, user = [], group = [], shared, at, path, component, as, map } = options
  const { inPlace = false, whileRunning = false, deleteExtra = false } = options
  const slices: readonly SliceName[] = [
    ...(shared === true ? [SHARED.name] : []),
    ...user.map((name) => userSlice(parseSegment(name)).name),
  ]
  const named = slices.length + group.length
  if (all === true && named > 0) throw usage('--all is everybody: name nobody beside it.')
  if (all !== true && named === 0)
    throw usage(
      'Whom or what shall be restored?',
      'Name --user, --group, --shared or --all; see `toriki restore --help`.',
    )
  for (const [isAsked, name, why] of [
    [deleteExtra, '--delete-extra', 'deletes what is live and not in the snapshot'],
    [whileRunning, '--while-running', 'writes over files while the person’s server runs'],
  ] as const)
    if (isAsked && !inPlace) throw usage(`${name} ${why}.`, 'Name --in-place with it.')
  const snapshot = snapshotOf(options, slices, named)
  return {
    ...(slices.length > 0 ? { slices } : {}),
    ...(group.length > 0 ? { groups: group } : {}),
    ...(all === true ? { everybody: true } : {}),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(at === undefined ? {} : { until: timeOf(at) }),
    ...(component === undefined ? {} : { components: component.map(componentOf) }),
    ...(path === undefined ? {} : { paths: path }),
    ...{ inPlace, deleteExtra },
    ...(whileRunning ? { whileRunning } : {}),
    privileged: options.privileged ?? false,
    installerOwned: options.installerOwned ?? false,
    ...(as === undefined ? {} : { as }),
    ...(map === undefined ? {} : { mapping: readMapping(map) }),
  }
}

/** `user/ann@RUN.N`, as `snapshots` prints it, or the part behind the @. `undefined`: the newest. */
function snapshotOf(
  { snapshot, at, all }: RestoreOptions,
  slices: readonly SliceName[],
  named: number,
): string | undefined {
  if (snapshot === undefined) return undefined
  if (at !== undefined) throw usage('Name --snapshot or --at, not both.')
  const place = snapshot.lastIndexOf('@')
  const [slice, id] = place === -1 ? [undefined, snapshot] : [snapshot.slice(0, place), snapshot.slice(place + 1)]
  if (all === true || named > 1)
    throw usage('A snapshot is of one person, group or the shared state.', 'For several name a time: --at 2026-11-21.')
  if (slice !== undefined && slices[0] !== undefined && slices[0] !== slice)
    throw usage(`${snapshot} is a snapshot of ${slice}, and that is not what shall be restored.`)
  return id === 'latest' ? undefined : id
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2}))?$/

/** A day alone is its end, in UTC: what was newest that day. */
function timeOf(text: string): Date {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text)
  const time = new Date(isDay ? `${text}T23:59:59.999Z` : text.replace(' ', 'T'))
  if (RFC_3339.test(text) && !Number.isNaN(time.getTime())) return time
  throw usage(`${text} is no time.`, 'Write --at 2026-11-21T02:00:00Z, or a day: --at 2026-11-21 (its end, in UTC).')
}

function componentOf(text: string): ComponentName {
  const name = componentNames.find((one) => one === text)
  if (name === undefined) throw usage(`There is no component ${text}; there are ${componentNames.join(', ')}.`)
  return name
}

function usage(message: string, remedy?: string): TorikiError {
  return new TorikiError('usage', { message, ...(remedy === undefined ? {} : { remedy }) })
}
