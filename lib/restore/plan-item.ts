/** One difference between a snapshot and the live system, asked of the writer: what would come of it here? */
import type { Forecast, WriteContext } from '../components/writer.ts'
import type { SliceRepository, StoredResource } from '../repository/repository.ts'
import type { Change, Wanted } from '../resources/change.ts'
import { changedFields } from '../resources/changed-fields.ts'
import { canonicalJson } from '../resources/json.ts'
import type { JsonObject } from '../resources/json.ts'
import type { Slice } from '../resources/slice.ts'
import type { Difference } from './plan-differences.ts'
import type { Source } from './plan-sources.ts'
import { isSamePrint, keptPrint, printOf, printWith } from './resource-print.ts'
import { shownValues } from './shown-values.ts'
import type { PlanItem } from './planned-item.ts'
import { proveSecrets, seenOf, wantedAtOnce, wantedOf } from './wanted.ts'
import { renamed, renames } from './wanted-resources.ts'

/** What the restore does about one difference; mostly told at once. `undefined`: it is as it should be, as far as this target can show. */
export function planItem(
  repository: SliceRepository,
  source: Source,
  slice: Slice,
  difference: Difference,
  context: WriteContext,
): PlanItem | undefined | Promise<PlanItem | undefined> {
  const wanted = freshAtOnce(repository, source, difference)
  if (wanted === undefined) return askedItem(repository, source, slice, difference, context)
  const { key } = difference
  const forecast = source.writer.foresee(slice, { key, after: wanted }, context)
  const finish = (told: Forecast): PlanItem | Promise<PlanItem | undefined> =>
    isAsStored(told, wanted.state)
      ? asStored(source, difference)
      : askedItem(repository, source, slice, difference, context, told)
  return forecast instanceof Promise ? forecast.then(finish) : finish(forecast)
}

/** What is wanted where nothing was, by the name that it has in the snapshot, all of it at hand and none of it secret; else `undefined`. */
function freshAtOnce(
  repository: SliceRepository,
  { writer, naming }: Source,
  { before, after }: Difference,
): Wanted | undefined {
  if (before !== undefined || after === undefined || renames(writer, naming) || !isEmpty(after.secrets))
    return undefined
  return wantedAtOnce(repository, after)
}

/** Nothing is to be said of it but that it comes. */
function isAsStored(forecast: Forecast, state: JsonObject): boolean {
  if (forecast.kind !== 'will' || forecast.keeps || forecast.privileged) return false
  if (forecast.lost.length > 0 || forecast.needsPerson.length > 0) return false
  return forecast.state === undefined || forecast.state === state
}

/** Its print is not made: whoever verifies it has the snapshot, and mostly finds whole parts of both maps the same. */
function asStored({ writer }: Source, { key, after }: Difference): PlanItem {
  const component = writer.name
  const written = key.toString('base64url')
  if (after?.content === undefined) return { component, key: written, action: 'create', asStored: true }
  return { component, key: written, action: 'create', bytes: after.content.sizeBytes, asStored: true }
}

/** `told`: what the writer said already. */
async function askedItem(
  repository: SliceRepository,
  { writer, naming }: Source,
  slice: Slice,
  { key, before, after }: Difference,
  context: WriteContext,
  told?: Forecast,
): Promise<PlanItem | undefined> {
  // Most is there at once.
  const stored = after && (wantedAtOnce(repository, after) ?? (await wantedOf(repository, after)))
  const called = after && stored && renamed(writer, naming, { key: after.key, state: stored.state, kept: stored.kept })
  const wanted = stored && called && { ...stored, state: called.state, kept: called.kept }
  const [seen, wish] = [
    before && (await printOf(repository, before)),
    wanted && after && printWith(wanted.state, after),
  ]
  if (isSamePrint(seen, wish) && !(await differInKept(repository, before, wanted))) return undefined
  const change: Change = {
    key,
    ...(before === undefined ? {} : { before: await seenOf(repository, before) }),
    ...(wanted === undefined ? {} : { after: wanted }),
  }
  const forecast = told ?? (await writer.foresee(slice, change, context))
  const base = {
    component: writer.name,
    key: key.toString('base64url'),
    ...(after === undefined || after.key.equals(key) ? {} : { from: after.key.toString('base64url') }),
    ...(seen === undefined ? {} : { before: seen }),
  }
  if (forecast.kind !== 'will') {
    const { kind: action, reason } = forecast
    const { fields } = before === undefined || after === undefined ? {} : await differing(change, before, after)
    return { ...base, action, reason, ...(fields && { fields }), ...(wish === undefined ? {} : { after: wish }) }
  }
  const isAsWanted = forecast.state === undefined || forecast.state === change.after?.state
  const predicted = isAsWanted && wish !== undefined ? wish : after && printWith(forecast.state ?? {}, after)
  // What this target cannot hold otherwise is as well as it can be.
  if (isSamePrint(seen, predicted) && !forecast.keeps) return undefined
  if (isSamePrint(seen, predicted) && !(await differInKept(repository, before, wanted))) return undefined
  // An account without a secret of it would not be the account: all of it, or nothing.
  if (wanted !== undefined && !isEmpty(wanted.secrets)) await proveSecrets(wanted)
  const lost = [...(called?.lost ?? []), ...forecast.lost]
  return {
    ...base,
    action: after === undefined ? 'delete' : before === undefined ? 'create' : 'update',
    ...(predicted && { after: { ...predicted, ...(forecast.keeps && wanted ? keptPrint(wanted.kept) : {}) } }),
    ...(before !== undefined && after !== undefined ? await differing(change, before, after, forecast.state) : {}),
    ...(after?.content === undefined || after.content.digest === before?.content?.digest
      ? {}
      : { bytes: after.content.sizeBytes }),
    ...(isAsWanted || canonicalJson(forecast.state ?? {}) === canonicalJson(change.after?.state ?? {})
      ? {}
      : { state: forecast.state ?? {} }),
    ...(lost.length === 0 ? {} : { lost }),
    ...(forecast.needsPerson.length === 0 ? {} : { needsPerson: forecast.needsPerson }),
    ...(forecast.privileged ? { privileged: true } : {}),
  }
}

function isEmpty(object: object): boolean {
  for (const _ in object) return false
  return true
}

async function differInKept(
  repository: SliceRepository,
  before: StoredResource | undefined,
  wanted: { readonly kept: JsonObject } | undefined,
): Promise<boolean> {
  if (before === undefined || wanted === undefined) return false
  return canonicalJson((await repository.body(before)).kept) !== canonicalJson(wanted.kept)
}

async function differing(
  change: Change,
  before: StoredResource,
  after: StoredResource,
  predicted?: JsonObject,
): Promise<Required<Pick<PlanItem, 'fields'>> & Pick<PlanItem, 'values'>> {
  const state = (side: { readonly state: JsonObject } | undefined): JsonObject => side?.state ?? {}
  const kept = (side: { readonly kept: JsonObject } | undefined): JsonObject => side?.kept ?? {}
  const secrets = Object.keys({ ...before.secrets, ...after.secrets }).filter(
    (name) => (before.secrets[name]?.digest ?? after.secrets[name]?.digest) !== after.secrets[name]?.digest,
  )
  const fields = [
    ...changedFields(state(change.before), state(change.after)),
    ...changedFields(kept(change.before), kept(change.after)),
    ...(before.content?.digest === after.content?.digest ? [] : ['content']),
    ...secrets.map((name) => `secrets.${name}`),
  ].sort()
  const values = shownValues(state(change.before), predicted ?? state(change.after))
  return { fields, ...(values.length === 0 ? {} : { values }) }
}
