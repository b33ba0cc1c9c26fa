/** Plans and applies one slice between two reads, as the core does: every difference foreseen first, then creates and updates, what is to be completed in reverse, deletes. */
import type { Applied, ComponentWriter, Forecast, WriteContext, WriteOptions } from '../../../lib/components/writer.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import type { Change } from '../../../lib/resources/change.ts'
import { compareKeys, decodeKey } from '../../../lib/resources/key.ts'
import { canonicalJson } from '../../../lib/resources/json.ts'
import type { JsonObject } from '../../../lib/resources/json.ts'
import type { Slice } from '../../../lib/resources/slice.ts'
import type { ReadResource } from '../../contract/component.ts'

export interface Planned {
  readonly written: string
  readonly change: Change
  readonly forecast: Forecast
}

export function writeContext(options: Partial<WriteOptions> = {}): WriteContext {
  return {
    clock: systemClock,
    signal: new AbortController().signal,
    restore: '20261121T020000000Z-restore-1f0c2d3e4a',
    options: { installerOwned: false, privileged: true, ...options },
  }
}

/** Every difference of `kinds` with what would come of it, in the order of applying; deletes last. */
export async function planSlice(
  writer: ComponentWriter,
  slice: Slice,
  before: readonly ReadResource[],
  wanted: readonly ReadResource[],
  kinds: ReadonlySet<string> = new Set(writer.kinds),
  options: Partial<WriteOptions> = {},
): Promise<readonly Planned[]> {
  const is = new Map(before.map((resource) => [resource.written, resource]))
  const will = new Map(wanted.map((resource) => [resource.written, resource]))
  const changes: (readonly [written: string, change: Change])[] = []
  for (const [written, want] of will) {
    const seen = is.get(written)
    if (seen === undefined || bodyOf(seen) !== bodyOf(want)) changes.push([written, changeTo(want, seen)])
  }
  for (const [written, { key, state, kept }] of is)
    if (!will.has(written)) changes.push([written, { key, before: { state, kept } }])
  const rank = ({ key }: Change): number => writer.kinds.indexOf(decodeKey(key).kind)
  const order = ([, a]: (typeof changes)[number], [, b]: (typeof changes)[number]): number =>
    rank(a) - rank(b) || compareKeys(a.key, b.key)
  const meant = changes.filter(([, { key }]) => kinds.has(decodeKey(key).kind))
  const makes = meant.filter(([, { after }]) => after !== undefined).sort(order)
  const deletes = meant.filter(([, { after }]) => after === undefined).sort((a, b) => order(b, a))
  const context = { ...writeContext(options), planned: new Set(makes.map(([written]) => written)) }
  const planned: Planned[] = []
  for (const [written, change] of [...makes, ...deletes])
    planned.push({ written, change, forecast: await writer.foresee(slice, change, context) })
  return planned
}

/** Those that will be something else than they are. */
export function willChange({ change, forecast }: Planned): boolean {
  if (forecast.kind !== 'will') return false
  const { before, after } = change
  if (before === undefined || after === undefined) return true
  return canonicalJson(before.state) !== canonicalJson(forecast.state ?? {}) || Object.keys(after.secrets).length > 0
}

/** What stood in the way, by written key. */
export async function applySlice(
  writer: ComponentWriter,
  slice: Slice,
  planned: readonly Planned[],
  options: Partial<WriteOptions> = {},
): Promise<Readonly<Record<string, Applied>>> {
  const context = writeContext(options)
  const conflicts: Record<string, Applied> = {}
  for (const isDelete of [false, true]) {
    const again: Change[] = []
    for (const { written, change, forecast } of planned) {
      if (forecast.kind !== 'will' || (change.after === undefined) !== isDelete) continue
      const applied = await writer.apply(slice, change, context)
      if (applied.kind === 'conflict') conflicts[written] = applied
      else if (applied.complete) again.push(change)
    }
    for (const change of again.reverse()) await writer.complete(slice, change, context)
  }
  return conflicts
}

/** From what was written back to what was. */
export function backwards(planned: readonly Planned[], before: readonly ReadResource[]): readonly Planned[] {
  const was = new Map(before.map((resource) => [resource.written, resource]))
  return planned.toReversed().map(({ written, change, forecast }) => {
    const seen = was.get(written)
    const state: JsonObject | undefined = forecast.kind === 'will' ? forecast.state : undefined
    return {
      ...{ written, forecast },
      change: {
        key: change.key,
        ...(change.after === undefined
          ? {}
          : { before: { state: state ?? change.after.state, kept: change.after.kept } }),
        ...(seen === undefined ? {} : { after: changeTo(seen, undefined).after }),
      },
    }
  })
}

export function changeTo({ key, state, kept, secrets }: ReadResource, seen: ReadResource | undefined): Change {
  return {
    key,
    ...(seen === undefined ? {} : { before: { state: seen.state, kept: seen.kept } }),
    after: {
      ...{ state, kept },
      secrets: Object.fromEntries(Object.entries(secrets).map(([name, text]) => [name, () => Promise.resolve(text)])),
    },
  }
}

export function bodyOf({ state, kept, secrets }: ReadResource): string {
  return canonicalJson([state, kept, secrets])
}
