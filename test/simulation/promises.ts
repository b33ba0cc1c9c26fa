/** The standing promises of a backup, held against what the independent checker finds in the store and what the source really was. */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { RunReport } from '../../lib/runs/outcome.ts'
import type { SliceName } from '../../lib/resources/slice.ts'
import { parseSlice } from '../../lib/resources/slice.ts'
import type { CheckedStore, NamedSlice } from './checker/check-store.ts'
import type { CheckedComponent, CheckedSnapshot } from './checker/slice.ts'
import { sourceNames } from './world.ts'
import type { SourceName, World } from './world.ts'

export function coveringOf(slice: string): readonly SourceName[] {
  const { kind } = parseSlice(slice)
  return sourceNames.filter((source) => (source === 'keycloak' ? kind !== 'group' : kind !== 'shared'))
}

/** What each snapshot said when it was first seen; it must say so for ever. */
export type History = Map<string, string>

/** Nothing in the store is wrong, and what was there before is what it was, bit for bit. */
export function checkWholeness(store: CheckedStore, objects: ReadonlyMap<string, Buffer>, history: History): string[] {
  const wrong = store.violations.map(({ path, what }) => `${path} ${what}`)
  for (const slice of store.slices) {
    if (slice.name === undefined) wrong.push(`no run names the slice ${slice.sliceId}`)
    for (const snapshot of slice.snapshots) {
      const path = `slices/${slice.sliceId}/snapshots/${snapshot.id}`
      const bytes = createHash('sha256')
        .update(objects.get(path) as Buffer)
        .digest('hex')
      const says = createHash('sha256')
        .update(JSON.stringify([...snapshot.components].map(([name, { resources }]) => [name, [...resources]])))
        .digest('hex')
      const before = history.get(path)
      if (before !== undefined && before !== `${bytes} ${says}`) wrong.push(`${path} is not what it was`)
      history.set(path, `${bytes} ${says}`)
    }
  }
  for (const path of history.keys()) if (!objects.has(path)) wrong.push(`${path} is gone`)
  return wrong
}

/** Every snapshot of the run equals what the source was, and names what it lacks. */
export function checkTruth(store: CheckedStore, run: string, world: World): string[] {
  const wrong: string[] = []
  for (const slice of store.slices) {
    for (const snapshot of slice.snapshots) {
      if (snapshot.run !== run) continue
      const where = `${String(slice.name)} ${snapshot.id}`
      const covering = coveringOf(String(slice.name))
      for (const source of covering) {
        const component = snapshot.components.get(source)
        const missing = snapshot.missing.find((one) => one.component === source)
        if ((component === undefined) === (missing === undefined))
          wrong.push(`${where} does not say whether it holds ${source}`)
        if (component === undefined) continue
        const truths = world.truths(source, slice.name as SliceName)
        if (!truths.some((truth) => isDeepStrictEqual(truth, component.resources)))
          wrong.push(`${where} holds ${source} as it never was in that night`)
      }
      for (const { component, code } of snapshot.missing)
        if (!covering.some((name) => name === component) || code === '')
          wrong.push(`${where} misses ${component}, which it need not have`)
    }
  }
  return wrong
}

/** What looked emptied is suspect, and what is suspect is never the latest. */
export function checkSuspicion(store: CheckedStore, run: string): string[] {
  const wrong: string[] = []
  for (const slice of store.slices) {
    for (const source of sourceNames) {
      let trusted: CheckedComponent | undefined
      for (const snapshot of speaking(slice.snapshots)) {
        const component = snapshot.components.get(source)
        if (component === undefined) continue
        const emptied = trusted !== undefined && entriesOf(trusted) > 0 && entriesOf(component) === 0
        const moved = trusted !== undefined && !isDeepStrictEqual(trusted.source, component.source)
        if (snapshot.run === run && (emptied || moved) && component.suspect === undefined)
          wrong.push(`${String(slice.name)} ${snapshot.id}: ${source} is emptied and believed`)
        if ((component.suspect === undefined && !snapshot.mixed) || snapshot.accepted) trusted = component
      }
    }
  }
  return wrong
}

/**
 * The last figure says how many people have no whole and believed backup that is younger than `rpoMs`: as many as when the run began, as many as now, or between, for it
 * was counted between.
 */
export function checkRecoveryPoint(
  store: CheckedStore,
  run: string,
  {
    counted = -1,
    nowMs,
    rpoMs,
  }: { readonly counted: number | undefined; readonly nowMs: number; readonly rpoMs: number },
): string[] {
  const { sources, startedAt } = store.records.get(`runs/${run}/run`) as {
    sources: Record<string, { suspect?: string }>
    startedAt: string
  }
  // Who is there then is for the listing before to say.
  if (Object.values(sources).some(({ suspect }) => suspect !== undefined)) return []
  const least = beyondAt(store, run, Date.parse(startedAt) - rpoMs)
  const most = beyondAt(store, run, nowMs - rpoMs)
  return counted >= least.length && counted <= most.length
    ? []
    : [`${run}: ${counted} people are counted beyond: it should be ${least.join()} or ${most.join()}`]
}

/** The run's people without a whole and believed backup since that time, who were known then already. */
function beyondAt(store: CheckedStore, run: string, sinceMs: number): string[] {
  const [before] = [...store.records]
    .filter(([path, { intendedAt }]) => /-full-[^/]+\/run$/.test(path) && Date.parse(String(intendedAt)) < sinceMs)
    .map(([path]) => path.split('/')[1] ?? '')
    .toSorted((a, b) => (a < b ? 1 : -1))
  const known = new Set(before === undefined ? [] : slicesOf(store, before).map(({ slice }) => slice))
  return slicesOf(store, run).flatMap(({ slice, sliceId }) => {
    if (!slice.startsWith('user/')) return []
    const events = [...store.records.keys()].filter((path) => path.startsWith(`runs/${run}/events/${sliceId}.`))
    const ends = (name: string): boolean => events.some((path) => path.endsWith(`.${name}`))
    if (ends('skipped') && !ends('saved') && !ends('partial')) return []
    const times = coveringOf(slice).map((source) => goodAt(store, slice, source))
    const isBeyond = times.includes(undefined) ? known.has(slice) : Math.min(...(times as number[])) < sinceMs
    return isBeyond ? [slice] : []
  })
}

function goodAt(store: CheckedStore, name: string, source: SourceName): number | undefined {
  const generations = store.slices.filter((slice) => slice.name === name)
  const newest = generations.toSorted((a, b) => (a.generation ?? 0) - (b.generation ?? 0)).at(-1)
  const readAt = newest && latestOf(newest, source)?.components.get(source)?.readAt
  return readAt === undefined ? undefined : Date.parse(readAt)
}

/** Nothing that its writer must have seen condemned is needed by a snapshot: prune would take it away. */
export function checkCondemned(store: CheckedStore, looks: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const wrong: string[] = []
  for (const { sliceId, snapshots, packsOf, condemned } of store.slices) {
    for (const { id, run, n, packed } of snapshots) {
      // What an earlier snapshot of the same run needs, prune would not have condemned: ours condemns at random.
      const before = new Set(snapshots.filter((one) => one.run === run && one.n < n).flatMap((one) => [...one.packed]))
      const path = `slices/${sliceId}/snapshots/${id}`
      const doomed = new Set([...(looks.get(path) ?? [])].flatMap((object) => condemned.get(object) ?? []))
      if (
        [...packed].some((chunk) => !before.has(chunk) && (packsOf.get(chunk) ?? []).every((pack) => doomed.has(pack)))
      )
        wrong.push(`${path} needs what its writer saw condemned`)
    }
  }
  return wrong
}

/** One person, one history. */
export function checkPeople(store: CheckedStore): string[] {
  const wrong: string[] = []
  for (const slice of store.slices) {
    const ids = new Set<string>()
    for (const { components } of slice.snapshots) {
      const profile = components.get('keycloak')?.resources.get('thing\0profile')
      if (profile !== undefined) ids.add(String((profile.kept as { id?: string }).id))
    }
    if (ids.size > 1) wrong.push(`${String(slice.name)} generation ${slice.generation} holds ${ids.size} people`)
  }
  return wrong
}

/** The newest snapshot of each run, or restore: the highest n speaks. */
export function newestOfEach(snapshots: readonly CheckedSnapshot[]): CheckedSnapshot[] {
  return [...new Map(snapshots.map((snapshot) => [snapshot.run, snapshot])).values()]
}

/** Of runs alone: what a restore keeps for its undoing speaks for nobody. */
export function speaking(snapshots: readonly CheckedSnapshot[]): CheckedSnapshot[] {
  return newestOfEach(snapshots).filter((snapshot) => !isSafety(snapshot))
}

/** Made by a restore, of what it touches. */
export function isSafety({ run }: CheckedSnapshot): boolean {
  return /^[^-]+-restore-[^-]+$/.test(run)
}

export function latestOf(slice: NamedSlice, source: SourceName): CheckedSnapshot | undefined {
  return speaking(slice.snapshots).findLast((snapshot) => {
    const component = snapshot.components.get(source)
    return component !== undefined && ((component.suspect === undefined && !snapshot.mixed) || snapshot.accepted)
  })
}

export interface Expected {
  /** Slices that must be in the run. */
  readonly members: ReadonlySet<string>
  /** Slices that need not be saved. */
  readonly mayFail: (slice: SliceName) => boolean
}

/** The report adds up, names everybody, and claims nothing that is not there. */
export function checkReport(store: CheckedStore, report: RunReport, expected: Expected): string[] {
  const wrong: string[] = []
  const { run, slices: counts } = report
  if (report.open || counts.pending > 0) wrong.push(`${run} is open although nothing is left to do`)
  if (counts.saved + counts.partial + counts.skipped + counts.failed + counts.pending !== counts.total)
    wrong.push(`${run}: the outcomes do not add up`)
  const listed = slicesOf(store, run)
  if (listed.length !== counts.total)
    wrong.push(`${run}: ${counts.total} slices are counted and ${listed.length} listed`)
  const names = new Set(listed.map(({ slice }) => slice))
  if (names.size !== listed.length) wrong.push(`${run} lists a slice twice`)
  for (const member of expected.members) if (!names.has(member)) wrong.push(`${run} does not name ${member}`)
  if (report.outcome === 'cancelled') return wrong
  const failed = new Set(report.failures.map(({ slice }) => slice))
  for (const { slice, sliceId } of listed) {
    const whole = store.slices
      .filter(({ name }) => name === slice)
      .some(({ snapshots }) =>
        snapshots.some(
          (snapshot) => snapshot.run === run && coveringOf(slice).every((source) => snapshot.components.has(source)),
        ),
      )
    const skipped = [...store.records.keys()].some(
      (path) => path.startsWith(`runs/${run}/events/${sliceId}.`) && path.endsWith('.skipped'),
    )
    if (!failed.has(slice) && !whole && !skipped) wrong.push(`${run}: ${slice} counts as saved and is not`)
    if (failed.has(slice) && whole) wrong.push(`${run}: ${slice} counts as failed or partial and is saved`)
    if (failed.has(slice) && !expected.mayFail(slice as SliceName))
      wrong.push(
        `${run}: ${slice} failed although nothing hindered it: ${JSON.stringify(report.failures.find((one) => one.slice === slice))}`,
      )
  }
  return wrong
}

export function slicesOf(
  store: CheckedStore,
  run: string,
): readonly { readonly slice: string; readonly sliceId: string; readonly known: readonly string[] }[] {
  const { slicesNonce } = store.records.get(`runs/${run}/run`) as { slicesNonce: string }
  return [...store.records]
    .filter(([path]) => path.startsWith(`runs/${run}/slices/${slicesNonce}.`))
    .flatMap(([, record]) => record['slices'] as { slice: string; sliceId: string; known: string[] }[])
}

function entriesOf({ resources }: CheckedComponent): number {
  return [...resources.keys()].filter((key) => key !== 'home').length
}
