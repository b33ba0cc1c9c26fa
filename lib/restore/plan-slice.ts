/**
 * Plans the restore of one slice: the snapshot's map beside the live one, and each difference asked of the writer. Writes nothing but the plan's own records. The live side is
 * read for what the snapshot holds; all of it only where deleting was asked for.
 */
import assert from 'node:assert/strict'
import { TorikiError } from '../errors.ts'
import type { WriteContext } from '../components/writer.ts'
import type { SliceRepository } from '../repository/repository.ts'
import type { ComponentName } from '../resources/component-name.ts'
import type { FileReading } from '../resources/file-reading.ts'
import type { Resource } from '../resources/resource.ts'
import { careForServers } from './ask-servers.ts'
import type { ServerCare } from './ask-servers.ts'
import { lookInBatches } from './in-batches.ts'
import { lookAt } from './live-look.ts'
import { chooseSources, isOccupied, nothingStored } from './plan-sources.ts'
import type { Source } from './plan-sources.ts'
import { proposedItems } from './proposed-items.ts'
import { Reach, reached } from './reach.ts'
import type { RestoreService } from './service.ts'
import { writeSlicePlan } from './slice-plan.ts'
import type { PlanItem } from './planned-item.ts'
import type { SlicePlan } from './slice-plan.ts'
import type { SlicePlanRequest } from './slice-plan-request.ts'
import { wantedKeys } from './wanted-resources.ts'

/**
 * @throws TorikiError `snapshot-not-found` when there is nothing to restore from, `resource-not-found` for a component that the snapshot does not hold or paths that mean nothing in it,
 * what sources and store throw.
 */
export async function planSlice(
  service: RestoreService,
  request: SlicePlanRequest,
  signal: AbortSignal,
): Promise<SlicePlan> {
  const { slice, to, restore, deleteExtra, mustMatch = false } = request
  const stored = await service.repository.openSlice(slice.name, {
    access: 'read-content',
    generation: request.generation,
  })
  if (stored === undefined) throw nothingStored()
  const sources = await chooseSources(service, stored, request, signal)
  const reach = new Reach(request)
  const look = await lookAt(service, {
    slice,
    generation: stored.generation,
    components: sources.map(({ writer }) => writer.name),
    read: (name, reading) => {
      const source = sources.find(({ writer }) => writer.name === name)
      assert(source !== undefined, 'a component that was chosen')
      return readLive(service, stored, { source, reach, request, signal, reading })
    },
    signal,
  })
  const { made, options } = request
  const context: WriteContext = {
    ...{ clock: service.platform.clock, signal, restore, options },
    ...(made === undefined ? {} : { made }),
  }
  const folder = sources.find(({ naming }) => naming.folder !== undefined)?.naming.folder
  const keep = new Map<ComponentName, number>()
  let matched = 0
  const care = await careFor(service, sources, request, signal)
  const notes = [...(request.notes ?? []), ...(care?.notes ?? [])]
  const items = async function* (): AsyncGenerator<readonly PlanItem[]> {
    for (const source of sources) {
      const wanted = { count: 0 }
      let touched = 0
      const proposal = { look, source, reach, slice: to ?? slice, deleteExtra, context }
      for await (const some of proposedItems(proposal, wanted)) {
        // What is only live was not among what is wanted, whether it can be deleted or not.
        for (const item of some) if (isThereAfter(item) && isReached(reach, item)) touched++
        yield some
      }
      keep.set(source.writer.name, wanted.count - touched)
      matched += wanted.count
    }
    if (mustMatch && !reach.isAll && matched === 0)
      throw new TorikiError('resource-not-found', {
        message: 'Nothing that is stored is meant by these paths.',
        remedy: 'See `toriki ls` for the keys that are stored, or name an earlier snapshot or time.',
      })
  }
  return await writeSlicePlan(
    service.repository.records,
    { restore, sliceId: stored.sliceId, nonce: service.platform.random.bytes(16) },
    {
      slice: slice.name,
      generation: stored.generation,
      snapshots: Object.fromEntries(sources.map(({ writer, snapshot }) => [writer.name, snapshot.id])),
      ...(to === undefined ? {} : { to: to.name }),
      ...(request.toGeneration === undefined ? {} : { toGeneration: request.toGeneration }),
      ...(to === undefined && service.target === undefined ? {} : { elsewhere: true }),
      ...(folder === undefined ? {} : { folder }),
      ...(care?.whileStopped === true ? { whileStopped: true } : {}),
      ...(notes.length === 0 ? {} : { notes }),
    },
    items(),
    () => keep,
  )
}

/** Is something there afterwards? */
function isThereAfter({ after, asStored }: PlanItem): boolean {
  return asStored === true || after !== undefined
}

function isReached(reach: Reach, { from, key }: PlanItem): boolean {
  return reach.isAll || reach.has(Buffer.from(from ?? key, 'base64url'))
}

/** Somebody may be working where this is written: in place, and something is there. */
async function careFor(
  service: RestoreService,
  sources: readonly Source[],
  request: SlicePlanRequest,
  signal: AbortSignal,
): Promise<ServerCare | undefined> {
  const { slice, to = slice, inPlace, whileRunning = false } = request
  if (to.kind !== 'user' || !inPlace) return undefined
  const source = sources.find(({ writer }) => writer.worksInServers === true)
  if (source === undefined || !(await isOccupied(service, source.component, request, signal))) return undefined
  return await careForServers(service, to, { whileRunning }, signal)
}

/** The live resources that the plan is about, ascending. */
async function* readLive(
  { platform }: RestoreService,
  stored: SliceRepository,
  {
    source,
    reach,
    request,
    signal,
    reading,
  }: {
    readonly source: Source
    readonly reach: Reach
    readonly request: SlicePlanRequest
    readonly signal: AbortSignal
    readonly reading: FileReading | undefined
  },
): AsyncGenerator<Resource | readonly Resource[]> {
  const { clock } = platform
  const { slice, to = slice, restore, deleteExtra, options } = request
  const { writer, component, naming } = source
  const context = { clock, signal, ...(reading === undefined ? {} : { reading }) }
  if (deleteExtra && naming.folder === undefined) {
    const all = component.read(to, { ...context, note: () => undefined })
    for await (const { entry } of reached(all, reach)) yield entry
    return
  }
  yield* lookInBatches(writer, to, wantedKeys(stored, source, reach), { ...context, restore, options })
}
