/** What it means to ask for a group: the directory that is named by the last part of its path, and what of `shared` is the group itself. */
import { TorikiError } from '../errors.ts'
import type { GroupPart } from '../components/writer.ts'
import type { ComponentName } from '../resources/component-name.ts'
import { formatSegment } from '../resources/key.ts'
import { groupSlice } from '../resources/slice.ts'
import type { SliceName } from '../resources/slice.ts'
import { pathOf } from './mapping.ts'
import { newestUntil } from './plan-sources.ts'
import type { RestoreWish } from './restore-wish.ts'
import { vocabularyOf } from './service.ts'
import type { RestoreService } from './service.ts'

export interface AskedGroups {
  readonly directories: readonly SliceName[]
  /** Of `shared`: encoded keys, base64url. */
  readonly shared: readonly string[]
}

type Path = readonly string[]

/** @throws TorikiError `restore-invalid` for a leaf that several groups have, with their paths; `snapshot-not-found` for a group of which nothing is stored. */
export async function askedGroups(service: RestoreService, wish: RestoreWish): Promise<AskedGroups> {
  const { groups = [], components } = wish
  const [directories, shared] = [new Set<SliceName>(), new Set<string>()]
  if (groups.length === 0) return { directories: [], shared: [] }
  const parts = vocabularyOf(service).groups.filter(({ component }) => components?.includes(component) ?? true)
  const wantsPaths = wish.paths !== undefined || wish.under !== undefined
  const wantsDirectory = components?.some((name) => parts.every(({ component }) => component !== name)) ?? true
  const known = wantsPaths ? [] : await storedGroups(service, parts, wish)
  for (const text of groups) {
    const path = pathOf(text)
    const leaf = path.at(-1) ?? ''
    if (path.includes('')) throw new TorikiError('restore-invalid', { message: `${text} is no name of a group.` })
    const named = known.filter((one) => (text.includes('/') ? isSame(one.path, path) : one.path.at(-1) === leaf))
    const paths = new Map(named.map((one) => [written(one.path), one.path]))
    if (paths.size > 1)
      throw new TorikiError('restore-invalid', {
        message: `Several groups are named ${leaf}: ${[...paths.keys()].join(', ')}. Name one by its path.`,
      })
    for (const { part, path: stored } of named)
      for (const key of part.keysOf(stored)) shared.add(key.toString('base64url'))
    const { name } = groupSlice(leaf)
    const stored = wantsDirectory ? await service.repository.openSlice(name, { access: 'read-trees' }) : undefined
    if (stored !== undefined) directories.add(name)
    if (stored === undefined && named.length === 0)
      throw new TorikiError('snapshot-not-found', {
        message: `Nothing is stored of a group ${text}.`,
        remedy: 'See `toriki ls` of the shared state for the groups that are stored.',
      })
  }
  return { directories: [...directories], shared: [...shared] }
}

async function storedGroups(
  { repository }: RestoreService,
  parts: readonly { readonly component: ComponentName; readonly part: GroupPart }[],
  { until }: RestoreWish,
): Promise<readonly { readonly part: GroupPart; readonly path: Path }[]> {
  const stored = parts.length === 0 ? undefined : await repository.openSlice('shared', { access: 'read-trees' })
  if (stored === undefined) return []
  const found: { part: GroupPart; path: Path }[] = []
  for (const { component, part } of parts) {
    const snapshot = await newestUntil(stored, component, until)
    if (snapshot === undefined) continue
    for await (const { key } of stored.resources(snapshot, component)) {
      const path = part.pathOf(key)
      if (path !== undefined) found.push({ part, path })
    }
  }
  return found
}

function isSame(one: Path, other: Path): boolean {
  return one.length === other.length && one.every((name, index) => name === other[index])
}

function written(path: Path): string {
  return path.map((name) => `/${formatSegment(Buffer.from(name))}`).join('')
}
