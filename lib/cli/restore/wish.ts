/** What a person types after `toriki restore`, as a wish. Everything that is wrong is refused here, in one sentence, before anything is planned. */
import { knownKinds } from '../../components/registry.ts'
import { TorikiError } from '../../errors.ts'
import { componentNames } from '../../resources/component-name.ts'
import type { ComponentName } from '../../resources/component-name.ts'
import { parseKey, parseSegment } from '../../resources/key.ts'
import { groupSlice, SHARED, userSlice } from '../../resources/slice.ts'
import type { SliceName } from '../../resources/slice.ts'
import type { RestoreWish } from '../../restore/restore-wish.ts'
import type { RestoreService } from '../../restore/service.ts'
import { policyOfRunId } from '../../runs/run-id.ts'
import { runIdsNewestFirst } from '../../runs/run-index.ts'
import { findRun, runSlices } from '../../runs/run-log.ts'

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
  readonly deleteExtra?: boolean
  readonly privileged?: boolean
  readonly installerOwned?: boolean
  readonly whileRunning?: boolean
}

/** @throws TorikiError `usage` with what would be right; `run-not-found` for everybody, where there was no full backup. */
export async function wishOf(service: RestoreService, options: RestoreOptions): Promise<RestoreWish> {
  const { all, path, at, inPlace = false, deleteExtra = false, privileged = false, installerOwned = false } = options
  const named = slicesOf(options)
  if (all === true && named.length > 0)
    throw new TorikiError('usage', { message: '--all is everybody: name nobody beside it.' })
  if (all !== true && named.length === 0)
    throw new TorikiError('usage', {
      message: 'Whom or what shall be restored?',
      remedy: 'Name --user, --group, --shared or --all; see `toriki restore --help`.',
    })
  if (deleteExtra && !inPlace)
    throw new TorikiError('usage', {
      message: '--delete-extra deletes what is live and not in the snapshot.',
      remedy: 'Name --in-place with it.',
    })
  const snapshot = snapshotOf(options, named)
  const until = at === undefined ? undefined : timeOf(at)
  const components = options.component?.map(componentOf)
  const slices = all === true ? await everybody(service) : named
  const kinds = Object.values(knownKinds).flat()
  return {
    slices,
    inPlace,
    deleteExtra,
    privileged,
    installerOwned,
    ...(options.whileRunning === true ? { whileRunning: true } : {}),
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(until === undefined ? {} : { until }),
    ...(components === undefined ? {} : { components }),
    ...(path === undefined ? {} : { under: path.map((key) => parseKey(key, kinds)) }),
  }
}

function slicesOf({ user = [], group = [], shared }: RestoreOptions): readonly SliceName[] {
  return [
    ...(shared === true ? [SHARED.name] : []),
    ...group.map((path) => groupSlice(parseSegment(path.split('/').at(-1) ?? '')).name),
    ...user.map((name) => userSlice(parseSegment(name)).name),
  ]
}

/** `user/ann@RUN.N`, as `snapshots` prints it, or the part behind the @. `undefined`: the newest. */
function snapshotOf({ snapshot, at, all }: RestoreOptions, named: readonly SliceName[]): string | undefined {
  if (snapshot === undefined) return undefined
  if (at !== undefined) throw new TorikiError('usage', { message: 'Name --snapshot or --at, not both.' })
  const place = snapshot.lastIndexOf('@')
  const [slice, id] = place === -1 ? [undefined, snapshot] : [snapshot.slice(0, place), snapshot.slice(place + 1)]
  if (slice !== undefined && !(named.length === 1 && named[0] === slice))
    throw new TorikiError('usage', {
      message: `${snapshot} is a snapshot of ${slice}, and that is not what shall be restored.`,
    })
  if (id === 'latest') return undefined
  if (all === true || named.length > 1)
    throw new TorikiError('usage', {
      message: 'A snapshot is of one person, group or the shared state.',
      remedy: 'For several name a time: --at 2026-11-21T02:00:00Z.',
    })
  return id
}

const RFC_3339 = /^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2}))?$/

/** A day alone is its end, in UTC: what was newest that day. */
function timeOf(text: string): Date {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text)
  const time = new Date(isDay ? `${text}T23:59:59.999Z` : text.replace(' ', 'T'))
  if (RFC_3339.test(text) && !Number.isNaN(time.getTime())) return time
  throw new TorikiError('usage', {
    message: `${text} is no time.`,
    remedy: 'Write --at 2026-11-21T02:00:00Z, or a day: --at 2026-11-21 (its end, in UTC).',
  })
}

function componentOf(text: string): ComponentName {
  const name = componentNames.find((one) => one === text)
  if (name === undefined)
    throw new TorikiError('usage', {
      message: `There is no component ${text}; there are ${componentNames.join(', ')}.`,
    })
  return name
}

/** Who was there at the newest full backup. */
async function everybody({ repository, platform }: RestoreService): Promise<readonly SliceName[]> {
  const { records } = repository
  for await (const id of runIdsNewestFirst(records, platform.clock.now())) {
    const run = policyOfRunId(id) === 'full' ? await findRun(records, id) : undefined
    if (run === undefined) continue
    const slices: SliceName[] = []
    for await (const { slice, sliceId } of runSlices(records, run))
      if (sliceId !== undefined && (await repository.openSlice(slice, { access: 'read-trees' })) !== undefined)
        slices.push(slice)
    return slices
  }
  throw new TorikiError('run-not-found', { message: 'There was no full backup yet, so nobody knows who everybody is.' })
}
