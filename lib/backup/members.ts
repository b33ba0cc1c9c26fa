/**
 * Who there is: the union of the members that the components know. An account without a home and a home without an account are both members, flagged. A
 * component that cannot be listed contributes the members of the last run that saw them, and the listing says so.
 */
import { SHARED, groupSlice, userSlice } from '../resources/slice.ts'
import type { SliceName } from '../resources/slice.ts'
import { componentNames } from '../resources/component-name.ts'
import type { ComponentName } from '../resources/component-name.ts'
import { parseSegment } from '../resources/key.ts'
import { TorikiError } from '../errors.ts'
import type { Component } from '../components/component.ts'
import { policyOfRunId } from '../runs/run-id.ts'
import { runIdsNewestFirst } from '../runs/run-index.ts'
import { areSourcesAccepted, findRun, runSlices } from '../runs/run-log.ts'
import type { RunRecord, Selection, SourceRecord } from '../runs/run.ts'
import { failedBy, logFailure } from './cause.ts'
import type { Service } from './service.ts'
import { memberSuspicion } from './suspicion.ts'

export interface MemberRecord {
  readonly slice: SliceName
  /** In the components' order. For `shared`: those that have something to say about it. */
  readonly known: readonly ComponentName[]
  readonly flags: readonly string[]
}

export interface MemberListing {
  /** `shared` first, the others in ascending order of their names. */
  readonly members: readonly MemberRecord[]
  readonly unreachable: readonly { readonly component: ComponentName; readonly code: string }[]
  /** Per component: what its listing gave, for the run's record. */
  readonly sources: Readonly<Record<string, SourceRecord>>
}

/** Runs looked through for the last believed listing: more than a year of nights. */
const RUNS_LOOKED_AT_MAX = 500

type Listing = ReadonlyMap<SliceName, readonly string[]>

/** Lists every component side by side. @throws what ended it, when the signal was aborted; a failing component is an entry, not an error. */
export async function listMembers(service: Service, signal: AbortSignal): Promise<MemberListing> {
  const listed = await Promise.all(
    service.components.map(async (component) => ({ component, ...(await listOne(service, component, signal)) })),
  )
  const before = await lastBelieved(
    service,
    listed.filter(({ code }) => code !== undefined).map(({ component }) => component.name),
  )
  const sources: Record<string, SourceRecord> = {}
  const union = new Map<SliceName, { readonly known: ComponentName[]; readonly flags: Set<string> }>()
  const unreachable: { component: ComponentName; code: string }[] = []
  for (const { component, members, code } of listed) {
    const { name } = component
    const from: Listing = code === undefined ? members : (before.members.get(name) ?? new Map())
    const suspect =
      code === undefined ? memberSuspicion(before.counts.get(name), members.size, service.limits.shrink) : undefined
    sources[name] = {
      members: from.size,
      ...(code === undefined ? {} : { unreachable: code }),
      ...(suspect === undefined ? {} : { suspect }),
    }
    if (code !== undefined) unreachable.push({ component: name, code })
    for (const [slice, flags] of from) {
      const entry = union.get(slice) ?? { known: [], flags: new Set() }
      entry.known.push(name)
      for (const flag of flags) entry.flags.add(flag)
      union.set(slice, entry)
    }
  }
  const names = service.components.map(({ name }) => name)
  const members: MemberRecord[] = [...union].map(([slice, { known, flags }]) => {
    if (slice.startsWith('user/')) for (const flag of absences(names, known)) flags.add(flag)
    return { slice, known, flags: [...flags].sort() }
  })
  members.sort((a, b) => (a.slice < b.slice ? -1 : 1))
  const shared = service.components.filter((component) => component.covers(SHARED)).map(({ name }) => name)
  if (shared.length > 0) members.unshift({ slice: 'shared', known: shared, flags: [] })
  return { members, unreachable, sources }
}

/**
 * The members that a selection means, in the listing's order. With components alone: those that one of them knows.
 * @throws TorikiError `slice-unknown` for a user or group nobody knows, by its place in the selection; `message-invalid` for a selection of nothing.
 */
export function selectMembers(
  members: readonly MemberRecord[],
  selection: Selection | undefined,
): readonly MemberRecord[] {
  const { users = [], groups = [], shared = false, components } = selection ?? {}
  const bySlice = new Map(members.map((member) => [member.slice, member]))
  const named = users.length + groups.length > 0 || shared
  if (!named) {
    if (components === undefined) {
      if (selection?.users === undefined && selection?.groups === undefined && selection?.shared === undefined)
        return members
      throw new TorikiError('message-invalid', {
        message: 'The selection selects nothing.',
        remedy: 'Name users, groups or shared, or leave all of them out.',
      })
    }
    return members.filter(({ known }) => known.some((name) => components.includes(name)))
  }
  if (shared && !bySlice.has('shared'))
    throw new TorikiError('slice-unknown', { message: 'No component has shared state.' })
  const wanted = new Set<SliceName>(shared ? ['shared'] : [])
  const want = (kind: 'user' | 'group', names: readonly string[]): void => {
    for (const [index, name] of names.entries()) {
      // A group is known by the last part of its path.
      const local = parseSegment(kind === 'group' ? (name.split('/').at(-1) ?? '') : name)
      const slice = kind === 'user' ? userSlice(local).name : groupSlice(local).name
      if (!bySlice.has(slice))
        throw new TorikiError('slice-unknown', {
          message: `Nobody knows the ${kind} in place ${index + 1}.`,
          ids: { kind, place: index + 1 },
        })
      wanted.add(slice)
    }
  }
  want('user', users)
  want('group', groups)
  return members.filter(({ slice }) => wanted.has(slice))
}

async function listOne(
  service: Service,
  component: Component,
  signal: AbortSignal,
): Promise<{ members: Listing; code?: string }> {
  const members = new Map<SliceName, readonly string[]>()
  try {
    for await (const { slice, flags = [] } of component.members({ clock: service.platform.clock, signal }))
      members.set(slice.name, flags)
    return { members }
  } catch (error) {
    signal.throwIfAborted()
    logFailure(service.platform.log, 'members-not-listed', error, { component: component.name })
    return { members: new Map(), code: failedBy(error).cause.code }
  }
}

/** Per component the size of its newest believed listing; for those asked for, also the members themselves, of the newest full run. */
async function lastBelieved(
  { repository: { records }, components, platform }: Service,
  wanted: readonly ComponentName[],
): Promise<{ readonly counts: ReadonlyMap<string, number>; readonly members: ReadonlyMap<string, Listing> }> {
  const counts = new Map<string, number>()
  const members = new Map<string, Listing>()
  let looked = 0
  for await (const id of runIdsNewestFirst(records, platform.clock.now())) {
    const missing = components.some(({ name }) => !counts.has(name)) || wanted.some((name) => !members.has(name))
    if (!missing || ++looked > RUNS_LOOKED_AT_MAX) break
    const run = await findRun(records, id)
    if (run === undefined) continue
    const believed = await believedSources(run, () => areSourcesAccepted(records, id))
    for (const [name, count] of believed) if (!counts.has(name)) counts.set(name, count)
    const from = policyOfRunId(id) === 'full' ? wanted.filter((name) => believed.has(name) && !members.has(name)) : []
    if (from.length === 0) continue
    const listings = new Map(from.map((name) => [name, new Map<SliceName, readonly string[]>()]))
    for await (const { slice, known, flags } of runSlices(records, run)) {
      if (slice === 'shared') continue
      for (const name of known)
        listings.get(name)?.set(
          slice,
          flags.filter((flag) => !ABSENCES.includes(flag)),
        )
    }
    for (const [name, listing] of listings) members.set(name, listing)
  }
  return { counts, members }
}

async function believedSources(
  run: RunRecord,
  accepted: () => Promise<boolean>,
): Promise<ReadonlyMap<ComponentName, number>> {
  const believed = new Map<ComponentName, number>()
  let isAccepted: boolean | undefined
  for (const name of componentNames) {
    const source = run.sources[name]
    if (source === undefined || source.unreachable !== undefined) continue
    if (source.suspect !== undefined && !(isAccepted ??= await accepted())) continue
    believed.set(name, source.members)
  }
  return believed
}

const ABSENCES: readonly string[] = ['no-account', 'no-home']

/** Accounts are Keycloak's, homes are the files': the one thing this room knows of what components mean. */
function absences(configured: readonly ComponentName[], known: readonly ComponentName[]): readonly string[] {
  const lacks = (name: ComponentName): boolean => configured.includes(name) && !known.includes(name)
  return [...(lacks('keycloak') ? ['no-account'] : []), ...(lacks('files') ? ['no-home'] : [])]
}
