/**
 * Plans the restore of one slice: the snapshot's map beside the live one, and each difference asked of the writer: what would come of it here? Writes nothing but the
 * plan's own records. The live side is read for what the snapshot holds; all of it only where deleting was asked for.
 */
import { TorikiError } from '../errors.ts'
import type { ComponentWriter, WriteContext, WriteOptions } from '../components/writer.ts'
import type { SliceRepository, StoredDifference, StoredResource } from '../repository/repository.ts'
import { isTrusted } from '../repository/snapshot.ts'
import type { Snapshot, SnapshotId } from '../repository/snapshot.ts'
import type { Change } from '../resources/change.ts'
import { changedFields } from '../resources/changed-fields.ts'
import type { ComponentName } from '../resources/component-name.ts'
import { canonicalJson } from '../resources/json.ts'
import type { JsonObject } from '../resources/json.ts'
import { compareKeys, decodeKey } from '../resources/key.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Resource } from '../resources/resource.ts'
import type { Slice } from '../resources/slice.ts'
import { lookAt } from './live-look.ts'
import type { Look } from './live-look.ts'
import { isSamePrint, printOf, printWith } from './resource-print.ts'
import type { RestoreService } from './service.ts'
import { writeSlicePlan } from './slice-plan.ts'
import type { PlanItem, SlicePlan } from './slice-plan.ts'
import { seenOf, wantedOf } from './wanted.ts'

export interface SlicePlanRequest {
  readonly restore: string
  readonly slice: Slice
  /** Of a slice whose name was another person's before: the generation; absent: the newest. */
  readonly generation?: number
  /** Absent: the newest that is to be believed, per component; of those that were made until `at`. */
  readonly snapshot?: SnapshotId
  readonly at?: Date
  /** Absent: all that can be restored. */
  readonly components?: readonly ComponentName[]
  /** Only what is at or beneath one of these keys. Absent: everything. */
  readonly under?: readonly ResourceKey[]
  /** Plan to delete what is live and not in the snapshot. */
  readonly deleteExtra: boolean
  readonly options: WriteOptions
}

/**
 * @throws TorikiError `snapshot-not-found` when there is nothing to restore from, `resource-not-found` for a component that the snapshot does not hold, what sources
 * and store throw.
 */
export async function planSlice(
  service: RestoreService,
  request: SlicePlanRequest,
  signal: AbortSignal,
): Promise<SlicePlan> {
  const { slice, restore } = request
  const stored = await service.repository.openSlice(slice.name, {
    access: 'read-content',
    generation: request.generation,
  })
  if (stored === undefined) throw nothingStored()
  const sources = await chooseSources(service, stored, request)
  const look = await lookAt(service, {
    slice,
    generation: stored.generation,
    components: sources.map(({ writer }) => writer.name),
    read: (name) => readLive(service, stored, sourceOf(sources, name), request, signal),
    signal,
  })
  const context: WriteContext = { clock: service.platform.clock, signal, restore, options: request.options }
  let keep = 0
  const items = async function* (): AsyncGenerator<PlanItem> {
    for (const source of sources) {
      let wanted = 0
      for await (const { key } of look.repository.resources(source.snapshot, source.writer.name))
        if (isUnder(key, request.under)) wanted++
      for await (const item of itemsOf(look, source, request, context)) {
        if (item.action !== 'delete' && item.after !== undefined) wanted--
        yield item
      }
      keep += wanted
    }
  }
  return await writeSlicePlan(
    service.repository.records,
    { restore, sliceId: stored.sliceId, nonce: service.platform.random.bytes(16) },
    {
      slice: slice.name,
      generation: stored.generation,
      snapshots: Object.fromEntries(sources.map(({ writer, snapshot }) => [writer.name, snapshot.id])),
    },
    items(),
    () => keep,
  )
}

/** One component, and the snapshot it is restored from. */
interface Source {
  readonly writer: ComponentWriter
  readonly snapshot: Snapshot
}

async function chooseSources(
  { writers, components }: RestoreService,
  stored: SliceRepository,
  request: SlicePlanRequest,
): Promise<readonly Source[]> {
  const named = request.snapshot === undefined ? undefined : await stored.snapshot(request.snapshot)
  const sources: Source[] = []
  for (const writer of writers) {
    if (request.components !== undefined && !request.components.includes(writer.name)) continue
    if (components.find(({ name }) => name === writer.name)?.covers(request.slice) !== true) continue
    const snapshot = named ?? (await newestUntil(stored, writer.name, request.at))
    if (snapshot?.components[writer.name] !== undefined) sources.push({ writer, snapshot })
    else if (request.components !== undefined)
      throw new TorikiError('resource-not-found', { message: 'The snapshot does not hold that component.' })
  }
  if (sources.length === 0) throw nothingStored()
  return sources
}

async function newestUntil(
  stored: SliceRepository,
  component: ComponentName,
  at: Date | undefined,
): Promise<Snapshot | undefined> {
  if (at === undefined) return await stored.latest(component)
  for await (const snapshot of stored.snapshots())
    if (isTrusted(snapshot, component) && Date.parse(snapshot.time) <= at.getTime()) return snapshot
  return undefined
}

function nothingStored(): TorikiError {
  return new TorikiError('snapshot-not-found', {
    message: 'Nothing that can be restored is stored of this slice.',
    remedy: 'See `toriki snapshots` for what there is.',
  })
}

function sourceOf(sources: readonly Source[], name: ComponentName): Source {
  const source = sources.find(({ writer }) => writer.name === name)
  if (source === undefined) throw new RangeError('a component that was not chosen')
  return source
}

/** The live resources that the plan is about, ascending. */
async function* readLive(
  service: RestoreService,
  stored: SliceRepository,
  { writer, snapshot }: Source,
  { slice, restore, under, deleteExtra, options }: SlicePlanRequest,
  signal: AbortSignal,
): AsyncGenerator<Resource> {
  const { clock } = service.platform
  const component = service.components.find(({ name }) => name === writer.name)
  if (deleteExtra && component !== undefined) {
    const all = component.read(slice, { clock, signal, note: () => undefined })
    for await (const resource of all) if (isUnder(resource.key, under)) yield resource
    return
  }
  const keys = async function* (): AsyncGenerator<ResourceKey> {
    for await (const { key } of stored.resources(snapshot, writer.name)) if (isUnder(key, under)) yield key
  }
  yield* writer.look(slice, keys(), { clock, signal, restore, options })
}

/** In the order of applying: by kind for creates and updates, the reverse for deletes, which come last. */
async function* itemsOf(
  look: Look,
  source: Source,
  request: SlicePlanRequest,
  context: WriteContext,
): AsyncGenerator<PlanItem> {
  const { writer, snapshot } = source
  const plan = async (difference: StoredDifference): Promise<PlanItem | undefined> =>
    await itemOf(look.repository, writer, request.slice, difference, context)
  const deletes: StoredDifference[] = []
  const waiting: StoredDifference[] = []
  const oneKind = writer.kinds.length === 1
  for await (const difference of look.repository.diff(writer.name, look.snapshot, snapshot)) {
    if (!isUnder(difference.key, request.under)) continue
    if (difference.after === undefined) deletes.push(difference)
    else if (oneKind) {
      const item = await plan(difference)
      if (item !== undefined) yield item
    } else waiting.push(difference)
  }
  const rank = ({ key }: StoredDifference): number => writer.kinds.indexOf(decodeKey(key).kind)
  waiting.sort((a, b) => rank(a) - rank(b) || compareKeys(a.key, b.key))
  deletes.sort((a, b) => rank(b) - rank(a) || compareKeys(b.key, a.key))
  for (const difference of [...waiting, ...(request.deleteExtra ? deletes : [])]) {
    const item = await plan(difference)
    if (item !== undefined) yield item
  }
}

/** `undefined`: it is as it should be, as far as this target can show. */
async function itemOf(
  repository: SliceRepository,
  writer: ComponentWriter,
  slice: Slice,
  { key, before, after }: StoredDifference,
  context: WriteContext,
): Promise<PlanItem | undefined> {
  const [seen, wish] = [before && (await printOf(repository, before)), after && (await printOf(repository, after))]
  if (isSamePrint(seen, wish) && !(await differInKept(repository, before, after))) return undefined
  const change: Change = {
    key,
    ...(before === undefined ? {} : { before: await seenOf(repository, before) }),
    ...(after === undefined ? {} : { after: await wantedOf(repository, after) }),
  }
  const forecast = await writer.foresee(slice, change, context)
  const base = {
    component: writer.name,
    key: key.toString('base64url'),
    ...(seen === undefined ? {} : { before: seen }),
  }
  if (forecast.kind !== 'will') {
    const reason = forecast.reason
    return { ...base, action: forecast.kind, reason, ...(wish === undefined ? {} : { after: wish }) }
  }
  const predicted = after && printWith(forecast.state ?? change.after?.state ?? {}, after)
  // What this target cannot hold otherwise is as well as it can be.
  if (isSamePrint(seen, predicted) && !forecast.keeps) return undefined
  if (isSamePrint(seen, predicted) && !(await differInKept(repository, before, after))) return undefined
  return {
    ...base,
    action: after === undefined ? 'delete' : before === undefined ? 'create' : 'update',
    ...(predicted === undefined ? {} : { after: predicted }),
    ...(before !== undefined && after !== undefined ? { fields: await fieldsOf(change, before, after) } : {}),
    ...(forecast.state === undefined || canonicalJson(forecast.state) === canonicalJson(change.after?.state ?? {})
      ? {}
      : { state: forecast.state }),
    ...(forecast.lost.length === 0 ? {} : { lost: forecast.lost }),
    ...(forecast.needsPerson.length === 0 ? {} : { needsPerson: forecast.needsPerson }),
    ...(forecast.privileged ? { privileged: true } : {}),
  }
}

async function differInKept(
  repository: SliceRepository,
  before: StoredResource | undefined,
  after: StoredResource | undefined,
): Promise<boolean> {
  if (before === undefined || after === undefined) return false
  const [one, two] = [await repository.body(before), await repository.body(after)]
  return canonicalJson(one.kept) !== canonicalJson(two.kept)
}

async function fieldsOf(change: Change, before: StoredResource, after: StoredResource): Promise<readonly string[]> {
  const state = (side: { readonly state: JsonObject } | undefined): JsonObject => side?.state ?? {}
  const kept = (side: { readonly kept: JsonObject } | undefined): JsonObject => side?.kept ?? {}
  const secrets = Object.keys({ ...before.secrets, ...after.secrets }).filter(
    (name) => (before.secrets[name]?.digest ?? after.secrets[name]?.digest) !== after.secrets[name]?.digest,
  )
  return [
    ...changedFields(state(change.before), state(change.after)),
    ...changedFields(kept(change.before), kept(change.after)),
    ...(before.content?.digest === after.content?.digest ? [] : ['content']),
    ...secrets.map((name) => `secrets.${name}`),
  ].sort()
}

/** Is the key one of these, or beneath one? */
export function isUnder(key: ResourceKey, under: readonly ResourceKey[] | undefined): boolean {
  if (under === undefined) return true
  return under.some(
    (top) =>
      key.equals(top) || (key.length > top.length && key[top.length] === 0 && key.subarray(0, top.length).equals(top)),
  )
}
