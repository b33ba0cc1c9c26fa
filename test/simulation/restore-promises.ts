/**
 * The standing promises of a restore, held against what the independent checker finds in the store and what was really written to the live systems, in the order in which
 * it all happened.
 */
import { isDeepStrictEqual } from 'node:util'
import { formatKey } from '../../lib/resources/key.ts'
import type { SliceName } from '../../lib/resources/slice.ts'
import type { CheckedStore, NamedSlice } from './checker/check-store.ts'
import type { CheckedResource } from './checker/entries.ts'
import { isSafety, latestOf, speaking } from './promises.ts'
import type { Ground } from './process.ts'
import { textOf } from './world-writer.ts'
import { keyOf, sourceNames, truthOf } from './world.ts'
import type { SourceName, Thing, Truth, World, Written } from './world.ts'

interface Requested {
  readonly slice: SliceName
  readonly sliceId: string
}
interface PlanItem {
  readonly component: SourceName
  readonly key: string
  readonly from?: string
  readonly action: 'create' | 'update' | 'delete' | 'cannot' | 'left'
}
/** Creates by their names alone. */
interface Run {
  readonly component: SourceName
  readonly created: readonly string[]
}
interface PlanHead {
  readonly slice: SliceName
  readonly nonce: string
  readonly snapshots: Readonly<Partial<Record<SourceName, string>>>
  readonly counts: Readonly<Record<'create' | 'update' | 'delete', number>>
  readonly failed?: unknown
}
interface Step {
  readonly step: string
  readonly snapshot?: string
  readonly code?: string
  readonly findings?: readonly { readonly component: string; readonly key: string; readonly what: string }[]
}

/** One slice of a restore, as the store and the live systems tell it. */
export interface RestoredSlice {
  readonly restore: string
  readonly slice: SliceName
  readonly sliceId: string
  readonly plan: PlanHead
  readonly items: readonly PlanItem[]
  readonly steps: readonly { readonly step: Step; readonly seq: number }[]
  /** What the restore wrote to it. */
  readonly written: readonly Written[]
}

/** Findings that a step may list. */
const FINDINGS_MAX = 50
/** Steps after which nobody works on the slice. */
const ENDS = ['verified', 'undone', 'refused', 'undo-failed', 'acknowledged']

/** What is recorded of a restore that was applied: every slice that it concerns. */
export function restoredSlices(store: CheckedStore, ground: Ground, restore: string): RestoredSlice[] {
  const under = (prefix: string): [string, Readonly<Record<string, unknown>>][] =>
    [...store.records]
      .filter(([path]) => path.startsWith(`restores/${restore}/${prefix}`))
      .sort(([a], [b]) => (a < b ? -1 : 1))
  const { shared } = store.records.get(`restores/${restore}/request`) as unknown as { shared?: Requested }
  const others = under('requested/').flatMap(([, record]) => record['slices'] as Requested[])
  const requested = shared === undefined ? others : [shared, ...others]
  return requested.map(({ slice, sliceId }) => {
    const plan = store.records.get(`restores/${restore}/plans/${sliceId}/head`) as unknown as PlanHead
    const items = under(`plans/${sliceId}/items.${plan.nonce}.`).flatMap(([, record]) =>
      (record['items'] as (PlanItem | Run)[]).flatMap(single),
    )
    const steps = under(`slices/${sliceId}/`).map(([path, { step }]) => ({
      step: step as Step,
      seq: ground.createdAt.get(path) ?? Number.NaN,
    }))
    const written = ground.world.journal.filter((one) => one.by === restore && one.slice === slice)
    return { restore, slice, sliceId, plan, items, steps, written }
  })
}

function single(written: PlanItem | Run): readonly PlanItem[] {
  if (!('created' in written)) return [written]
  return written.created.map((key) => ({ component: written.component, key, action: 'create' }))
}

/** Everything that is promised of one restore. `asked`: whether deleting was. */
export function checkRestore(
  store: CheckedStore,
  ground: Ground,
  restore: string,
  { deleteExtra }: { readonly deleteExtra: boolean },
): string[] {
  const slices = restoredSlices(store, ground, restore)
  const strangers = ground.world.journal.filter(
    (one) => one.by === restore && !slices.some(({ slice }) => slice === one.slice),
  )
  return [
    ...strangers.map(
      ({ source, slice, text }) => `${restore} wrote ${source} ${slice} ${text}, which it does not concern`,
    ),
    ...checkOrder(slices),
    ...slices.flatMap((slice) => [
      ...checkEnd(slice),
      ...checkTouched(slice, deleteExtra),
      ...checkNobodysWork(slice, store, ground.world),
      ...checkSafety(slice, store),
      ...checkResult(slice, store, ground.world),
    ]),
  ].map((what) => `${restore} ${what}`)
}

/** A plan writes nothing but itself. */
export function checkPlanned(ground: Ground): string[] {
  return [...ground.planned].filter((path) => !path.startsWith('restores/')).map((path) => `planning wrote ${path}`)
}

/** What a backup read while a restore was writing is not the latest. */
export function checkMeanwhile(store: CheckedStore, ground: Ground): string[] {
  const wrong: string[] = []
  for (const slice of store.slices) {
    for (const source of sourceNames) {
      const latest = latestOf(slice, source)
      if (latest === undefined) continue
      const [fromMs, toMs] = [Date.parse(latest.time), lastReadMs(latest)]
      for (const writes of byRestore(ground.world.journal, slice.name).values()) {
        const during = writes.some(({ atMs }) => atMs > fromMs && atMs < toMs)
        const between = writes.some(({ atMs }) => atMs < fromMs) && writes.some(({ atMs }) => atMs > toMs)
        if (during || between)
          wrong.push(`${String(slice.name)} ${latest.id} was read in the middle of a restore, and is the latest`)
      }
    }
    for (const { id, run } of speaking(slice.snapshots).slice(-1))
      if (slice.snapshots.some((one) => isSafety(one) && one.id === id))
        wrong.push(`${run} speaks, and is of a restore`)
  }
  return wrong
}

function lastReadMs({ time, components }: NonNullable<ReturnType<typeof latestOf>>): number {
  return Math.max(Date.parse(time), ...[...components.values()].map(({ readAt }) => Date.parse(readAt)))
}

function byRestore(journal: readonly Written[], slice: string | undefined): Map<string, Written[]> {
  const writes = new Map<string, Written[]>()
  for (const one of journal)
    if (one.by !== undefined && one.slice === slice) writes.set(one.by, [...(writes.get(one.by) ?? []), one])
  return writes
}

/** Everything ends, and what has ended is left alone. */
function checkEnd({ slice, steps, written }: RestoredSlice): string[] {
  const ends = steps.filter(({ step }) => ENDS.includes(step.step))
  const [end] = ends
  if (end === undefined) return [`leaves ${slice} at ${steps.at(-1)?.step.step ?? 'nothing'}`]
  return written
    .filter(({ seq }) => seq > end.seq)
    .map(({ source, text }) => `wrote ${source} ${slice} ${text} after it was ${end.step.step}`)
}

/** Nobody's slice before `shared` is proven, and nobody's at all where that failed. */
function checkOrder(slices: readonly RestoredSlice[]): string[] {
  const shared = slices.find(({ slice }) => slice === 'shared')
  if (shared === undefined) return []
  const proven = shared.steps.find(({ step }) => step.step === 'verified')?.seq ?? Number.POSITIVE_INFINITY
  return slices
    .filter(({ slice }) => slice !== 'shared')
    .flatMap(({ slice, written }) =>
      written.some(({ seq }) => seq < proven) ? [`wrote ${slice} before shared was proven`] : [],
    )
}

/** Only what is planned is touched, and nothing is deleted but what was asked, or made by the restore itself. */
function checkTouched({ slice, items, written }: RestoredSlice, deleteExtra: boolean): string[] {
  const wrong: string[] = []
  for (const { source, text, after } of written) {
    const item = itemOf(items, source, text)
    if (item === undefined) wrong.push(`wrote ${source} ${slice} ${text}, which was not planned`)
    if (after !== undefined) continue
    const mayDelete = item?.action === 'create' || (item?.action === 'delete' && deleteExtra)
    if (!mayDelete) wrong.push(`deleted ${source} ${slice} ${text}`)
  }
  if (!deleteExtra && items.some(({ action }) => action === 'delete')) wrong.push(`plans to delete in ${slice}`)
  return wrong
}

/** What somebody else wrote is never written over: every member was as the restore had seen it, or as it wanted it. */
function checkNobodysWork(restored: RestoredSlice, store: CheckedStore, world: World): string[] {
  const { slice, items, steps, written } = restored
  const safeAt = steps.find(({ step }) => step.step === 'safe')?.seq ?? Number.NaN
  const wrong: string[] = []
  for (const { source, text, before, after } of written) {
    const item = itemOf(items, source, text)
    if (item === undefined) continue
    const known = [membersOf(thingAt(world, source, slice, text, safeAt)), membersOf(wantedBy(restored, store, item))]
    const [was, is] = [membersOf(before && truthOf(before)), membersOf(after && truthOf(after))]
    for (const [member, value] of was)
      if (is.get(member) !== value && !known.some((one) => one.get(member) === value))
        wrong.push(`wrote over ${member} of ${source} ${slice} ${text}, which somebody else had written`)
  }
  return wrong
}

/** What was there before is kept, for everything that was written, as long as the restore is known. */
function checkSafety({ restore, slice, steps, written, sliceId }: RestoredSlice, store: CheckedStore): string[] {
  const safe = steps.find(({ step }) => step.step === 'safe')
  if (safe === undefined) return written.length === 0 ? [] : [`wrote ${slice} before it was safe`]
  const wrong: string[] = written.some(({ seq }) => seq < safe.seq) ? [`wrote ${slice} before it was safe`] : []
  const kept = store.slices
    .find((one) => one.sliceId === sliceId)
    ?.snapshots.find(({ id }) => id === safe.step.snapshot)
  if (kept === undefined || kept.run !== restore) return [...wrong, `has no safety snapshot of ${slice}`]
  const seen = new Set<string>()
  for (const { source, text, before } of written) {
    if (seen.has(`${source} ${text}`)) continue
    seen.add(`${source} ${text}`)
    const held = kept.components.get(source)?.resources.get(keyOf(text).toString('latin1'))
    if (!isDeepStrictEqual(held, before && truthOf(before)))
      wrong.push(`did not keep ${source} ${slice} ${text} as it was`)
  }
  return wrong
}

/** Applied is as planned, undone is as before, but for what somebody else wrote meanwhile; and what is neither is named. */
function checkResult(restored: RestoredSlice, store: CheckedStore, world: World): string[] {
  const { slice, items, steps, written } = restored
  const safeAt = steps.find(({ step }) => step.step === 'safe')?.seq
  const end = steps.find(({ step }) => ENDS.includes(step.step))
  if (end === undefined) return []
  if (end.step.step === 'refused') return written.length === 0 ? [] : [`refused ${slice} and wrote to it`]
  if (safeAt === undefined) return [`was ${end.step.step} in ${slice} without having been safe`]
  const undoingAt = steps.find(({ step }) => step.step === 'undoing')?.seq ?? end.seq
  const findings = end.step.findings ?? []
  const wrong: string[] = []
  for (const item of items) {
    if (item.action === 'cannot' || item.action === 'left') continue
    const text = textOf(Buffer.from(item.key, 'base64url'))
    const what = `${item.component} ${slice} ${text}`
    const now = thingAt(world, item.component, slice, text, end.seq)
    const others = world.journal.filter(
      (one) =>
        one.by !== restored.restore &&
        one.source === item.component &&
        one.slice === slice &&
        one.text === text &&
        one.seq > safeAt &&
        one.seq < end.seq,
    )
    const found = findings.find(
      ({ component, key }) => component === item.component && key === formatKey(Buffer.from(item.key, 'base64url')),
    )
    if (end.step.step === 'verified') {
      if (others.length === 0 && !isDeepStrictEqual(now, wantedBy(restored, store, item)))
        wrong.push(`verified ${what}, which is not as planned`)
      continue
    }
    const isAsBefore = isDeepStrictEqual(now, thingAt(world, item.component, slice, text, safeAt))
    if (end.step.step === 'undone') {
      if (isAsBefore) continue
      if (others.length === 0) wrong.push(`has undone ${slice}, and ${what} is not as before`)
      else if (others.some(({ seq }) => seq < undoingAt) && found === undefined && findings.length < FINDINGS_MAX)
        wrong.push(`does not say that ${what} was changed meanwhile`)
      continue
    }
    if (!isAsBefore && others.length === 0 && found === undefined && findings.length < FINDINGS_MAX)
      wrong.push(`could not take back ${what}, and does not say so`)
    // Where nobody could look, all of it is named.
    const isUnread = found?.what.startsWith('could not be read') === true
    if (isAsBefore && others.length === 0 && found !== undefined && !isUnread)
      wrong.push(`says it could not take back ${what} (${found.what}), and it is as before`)
  }
  return wrong
}

function itemOf(items: readonly PlanItem[], source: SourceName, text: string): PlanItem | undefined {
  const key = keyOf(text).toString('base64url')
  return items.find(
    (item) => item.component === source && item.key === key && item.action !== 'cannot' && item.action !== 'left',
  )
}

/** As it must read back. */
function wantedBy({ sliceId, plan }: RestoredSlice, store: CheckedStore, item: PlanItem): CheckedResource | undefined {
  if (item.action === 'delete') return undefined
  const slice: NamedSlice | undefined = store.slices.find((one) => one.sliceId === sliceId)
  const snapshot = slice?.snapshots.find(({ id }) => id === plan.snapshots[item.component])
  const key = Buffer.from(item.from ?? item.key, 'base64url').toString('latin1')
  return snapshot?.components.get(item.component)?.resources.get(key)
}

/** What it was when so much had happened. */
function thingAt(world: World, source: SourceName, slice: SliceName, text: string, seq: number): Truth | undefined {
  const ofIt = world.journal.filter((one) => one.source === source && one.slice === slice && one.text === text)
  const next = ofIt.find((one) => one.seq > seq)
  const thing: Thing | undefined = next === undefined ? world.slices[source].get(slice)?.get(text) : next.before
  return thing && truthOf(thing)
}

function membersOf(truth: Truth | CheckedResource | undefined): Map<string, string> {
  const members = new Map<string, string>()
  if (truth === undefined) return members
  for (const part of ['state', 'kept', 'secrets'] as const)
    for (const [name, value] of Object.entries(truth[part] as object))
      members.set(`${part}.${name}`, JSON.stringify(value))
  if (truth.contentSha256 !== undefined) members.set('content', truth.contentSha256)
  return members
}
