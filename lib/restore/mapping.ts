/** What is called otherwise where it is restored to, as it was asked for: data in the request. What of it concerns one slice is a `Naming`. */
import * as z from 'zod'
import { TorikiError } from '../errors.ts'
import type { GroupNaming, Naming } from '../components/naming.ts'
import { parseSegment } from '../resources/key.ts'
import { groupSlice, parseSlice, userSlice } from '../resources/slice.ts'
import type { SliceName } from '../resources/slice.ts'

export interface Mapping {
  /** Usernames. */
  readonly users?: Readonly<Record<string, string>>
  /** Paths: `/users/lab` → `/teams/lab`. What lies beneath goes with it. */
  readonly groups?: Readonly<Record<string, string>>
  /** Numeric owners of files, as decimal texts in front. */
  readonly uids?: Readonly<Record<string, number>>
  readonly gids?: Readonly<Record<string, number>>
}

const names = z.record(z.string(), z.string())
const numbers = z.record(z.string(), z.number())
export const mappingSchema: z.ZodType<Mapping> = z.object({
  users: z.exactOptional(names),
  groups: z.exactOptional(names),
  uids: z.exactOptional(numbers),
  gids: z.exactOptional(numbers),
})

const ID_MAX = 2 ** 32 - 2

/** @throws TorikiError `restore-invalid`, which says what makes no sense. */
export function checkMapping({ users = {}, groups = {}, uids = {}, gids = {} }: Mapping): void {
  for (const [from, to] of Object.entries(users)) {
    slice('user', from)
    slice('user', to)
  }
  refuseTwice(Object.values(users), 'users')
  for (const [from, to] of Object.entries(groups))
    for (const path of [from, to])
      if (pathOf(path).length === 0 || pathOf(path).includes(''))
        throw invalid(`${path} is no path of a group; write /users/lab.`)
  refuseTwice(
    Object.values(groups).map((path) => pathOf(path).join('\0')),
    'groups',
  )
  for (const [from, to] of [...Object.entries(uids), ...Object.entries(gids)])
    if (!isId(Number(from)) || !/^\d+$/.test(from) || !isId(to)) throw invalid(`${from}: ${to} are no numeric owners.`)
}

/** Under which name a slice is restored; `undefined`: its own. @throws TorikiError `restore-invalid` when groups whose directory it is go different ways. */
export function mappedSlice(mapping: Mapping, name: SliceName): SliceName | undefined {
  const from = parseSlice(name)
  if (from.kind === 'shared') return undefined
  if (from.kind === 'user') {
    const to = mapping.users?.[from.label]
    const mapped = to === undefined ? name : slice('user', to)
    return mapped === name ? undefined : mapped
  }
  const local = from.local.toString('utf8')
  // A group's directory is named by the last part of its path.
  const leaves = new Set(
    groupNamings(mapping)
      .filter((group) => group.from.at(-1) === local)
      .map((group) => group.to.at(-1) ?? local),
  )
  const [leaf = local, ...others] = leaves
  if (others.length > 0)
    throw invalid(`The directory of ${name} is that of several groups, which are mapped to different names.`)
  return leaf === local ? undefined : groupSlice(leaf).name
}

/** `to`: under which name the slice is restored. */
export function namingOf(
  mapping: Mapping,
  { slice: name, to }: { readonly slice: SliceName; readonly to?: SliceName },
  { folder, sameDeployment }: { readonly folder: string | undefined; readonly sameDeployment: boolean },
): Naming {
  const [from, target] = [parseSlice(name), to === undefined ? undefined : parseSlice(to)]
  const isRenamed = from.kind === 'user' && target?.kind === 'user'
  return {
    ...(folder === undefined ? {} : { folder }),
    ...(isRenamed ? { user: { from: from.local.toString('utf8'), to: target.local.toString('utf8') } } : {}),
    groups: groupNamings(mapping),
    uids: idsOf(mapping.uids),
    gids: idsOf(mapping.gids),
    asAnother: isRenamed && sameDeployment,
  }
}

export function pathOf(written: string): readonly string[] {
  return written
    .replace(/^\//, '')
    .split('/')
    .map((name) => parseSegment(name).toString('utf8'))
}

function groupNamings({ groups = {} }: Mapping): readonly GroupNaming[] {
  return Object.entries(groups).map(([from, to]) => ({ from: pathOf(from), to: pathOf(to) }))
}

function idsOf(ids: Readonly<Record<string, number>> = {}): ReadonlyMap<number, number> {
  return new Map(Object.entries(ids).map(([from, to]) => [Number(from), to]))
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= ID_MAX
}

function slice(kind: 'user', name: string): SliceName {
  try {
    return userSlice(parseSegment(name)).name
  } catch (cause) {
    throw new TorikiError('restore-invalid', { message: `${name} cannot be the name of a ${kind}.`, cause })
  }
}

function refuseTwice(targets: readonly string[], what: string): void {
  if (new Set(targets).size < targets.length) throw invalid(`Two ${what} are mapped to one name.`)
}

function invalid(message: string): TorikiError {
  return new TorikiError('restore-invalid', { message })
}
