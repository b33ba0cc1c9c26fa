/**
 * Plans the restore of one slice: the snapshot's map beside the live one, and each difference asked of the writer. Writes nothing but the plan's own records. The live side is
 * read for what the snapshot holds; all of it only where deleting was asked for.
 */
import assert from 'node:assert/strict'
import type { WriteContext } from '../components/writer.ts'
import type { SliceRepository } from '../repository/repository.ts'
import { compareKeys, decodeKey } from '../resources/key.ts'
import type { ResourceKey } from '../resources/key.ts'
import type { Resource } from '../resources/resource.ts'
import { reachOf } from './key-reach.ts'
import { lookAt } from './live-look.ts'
import type { Look } from './live-look.ts'
import { differencesOf } from './plan-differences.ts'
import type { Difference } from './plan-differences.ts'
import { planItem } from './plan-item.ts'
import { careForServers } from './ask-servers.ts'
import type { ServerCare } from './ask-servers.ts'
import { chooseSources, isOccupied, nothingStored } from './plan-sources.ts'
import type { Source } from './plan-sources.ts'
import type { RestoreService } from './service.ts'
import { writeSlicePlan } from './slice-plan.ts'
import type { PlanItem, SlicePlan } from './slice-plan.ts'
import type { SlicePlanRequest } from './slice-plan-request.ts'

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
  const sources = await chooseSources(service, stored, request, signal)
  const look = await lookAt(service, {
    slice,
    generation: stored.generation,
    components: sources.map(({ writer }) => writer.name),
    read: (name) => {
      const source = sources.find(({ writer }) => writer.name === name)
      assert(source !== undefined, 'a component that was chosen')
      return readLive(service, stored, source, request, signal)
    },
    signal,
  })
  const context: WriteContext = { clock: service.platform.clock, signal, restore, options: request.options }
  const folder = sources.find((source) => source.folder !== undefined)?.folder
  const care = await careFor(service, sources, request, signal)
  let keep = 0
  const items = async function* (): AsyncGenerator<PlanItem> {
    for (const source of sources) {
      let wanted = 0
      for await (const { key } of look.repository.resources(source.snapshot, source.writer.name))
        if (reachOf(key, request.under) === 'in') wanted++
      for await (const item of itemsOf(look, source, request, context)) {
        const from = Buffer.from(item.from ?? item.key, 'base64url')
        if (item.action !== 'delete' && reachOf(from, request.under) === 'in') wanted--
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
      ...(folder === undefined ? {} : { folder }),
      ...(care?.whileStopped === true ? { whileStopped: true } : {}),
      ...(care === undefined || care.notes.length === 0 ? {} : { notes: care.notes }),
    },
    items(),
    () => keep,
  )
}

/** Somebody may be working where this is written: in place, and something is there. */
async function careFor(
  service: RestoreService,
  sources: readonly Source[],
  request: SlicePlanRequest,
  signal: AbortSignal,
): Promise<ServerCare | undefined> {
  if (request.slice.kind !== 'user' || !request.inPlace) return undefined
  const source = sources.find(({ writer }) => writer.worksInServers === true)
  if (source === undefined || !(await isOccupied(service, source.component, request, signal))) return undefined
  return await careForServers(service, request.slice, { whileRunning: request.whileRunning ?? false }, signal)
}

/** The live resources that the plan is about, ascending. */
async function* readLive(
  { platform }: RestoreService,
  stored: SliceRepository,
  { writer, component, snapshot, folder }: Source,
  { slice, restore, under, deleteExtra, options }: SlicePlanRequest,
  signal: AbortSignal,
): AsyncGenerator<Resource> {
  const { clock } = platform
  if (deleteExtra && folder === undefined) {
    const all = component.read(slice, { clock, signal, note: () => undefined })
    for await (const resource of all) if (reachOf(resource.key, under) !== undefined) yield resource
    return
  }
  const keys = async function* (): AsyncGenerator<ResourceKey> {
    for await (const { key } of stored.resources(snapshot, writer.name)) {
      if (reachOf(key, under) === undefined) continue
      yield folder === undefined ? key : (writer.move?.({ key, state: {} }, folder).key ?? key)
    }
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
  const { writer } = source
  const deletes: Difference[] = []
  const waiting: Difference[] = []
  const oneKind = writer.kinds.length === 1
  for await (const difference of differencesOf(look, source, request.under)) {
    if (difference.after === undefined) deletes.push(difference)
    else if (oneKind) {
      const item = await planItem(look.repository, writer, request.slice, difference, context)
      if (item !== undefined) yield item
    } else waiting.push(difference)
  }
  const rank = ({ key }: Difference): number => writer.kinds.indexOf(decodeKey(key).kind)
  waiting.sort((a, b) => rank(a) - rank(b) || compareKeys(a.key, b.key))
  deletes.sort((a, b) => rank(b) - rank(a) || compareKeys(b.key, a.key))
  for (const difference of [...waiting, ...(request.deleteExtra ? deletes : [])]) {
    const item = await planItem(look.repository, writer, request.slice, difference, context)
    if (item !== undefined) yield item
  }
}
