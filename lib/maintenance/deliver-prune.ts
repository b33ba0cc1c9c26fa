/**
 * One `prune-slice` message: what the policy does not keep of one slice is forgotten, what nothing names is condemned and deleted, and where packs are mostly dead a `compact-slice` message is sent.
 * Or, instead of a slice, records whose time is over are deleted. Every step can be repeated: a message that comes twice, or again after its time was over, goes on where the other stopped.
 */
import type { Handled } from '../backup/receive-batch.ts'
import { encodeMessage } from '../messages.ts'
import type { PruneSliceMessage } from '../messages.ts'
import { parseSlice } from '../resources/slice.ts'
import type { SliceName } from '../resources/slice.ts'
import { expireRecords } from './expire-records.ts'
import { forgetAll } from './forget.ts'
import { pruneAll } from './prune.ts'
import type { QueuedMaintenance } from './queued-service.ts'
import { keepsSomething } from './retention.ts'

/** @throws TorikiError `message-invalid` for what is no slice; why it could not be pruned; the signal's reason: then the message comes back. */
export async function deliverPrune(
  service: QueuedMaintenance,
  { slice: named, run }: PruneSliceMessage,
  { signal }: { readonly signal: AbortSignal },
): Promise<Handled> {
  if (named === undefined) return await expire(service, signal)
  const { name: slice } = parseSlice(named)
  await forget(service, slice, signal)
  let repackable = 0
  for await (const { generation, report, failure } of pruneAll(service, {
    ...{ slices: [slice], worthCompacting: true, apply: true, signal },
  })) {
    if (failure !== undefined) throw failure
    if (report === undefined) continue
    repackable += report.kept.repackable
    const { deleted, condemned } = report
    service.platform.log.write('info', 'slice-pruned', {
      ...{ slice: service.repository.sliceId(slice, generation), deleted: deleted.packs, bytes: deleted.bytes },
      ...{ condemned: condemned.packs, repackable: report.kept.repackable },
    })
  }
  if (repackable > 0) {
    const body = encodeMessage({ v: 1, kind: 'compact-slice', slice, ...(run === undefined ? {} : { run }) })
    await service.platform.queues.queue('compact-slice').send([{ body }])
  }
  return undefined
}

async function forget(service: QueuedMaintenance, slice: SliceName, signal: AbortSignal): Promise<void> {
  const { retention } = service
  if (retention === undefined || !keepsSomething(retention)) return
  for await (const { failure } of forgetAll(service, { policy: retention, slices: [slice], apply: true, signal }))
    if (failure !== undefined) throw failure
}

async function expire(service: QueuedMaintenance, signal: AbortSignal): Promise<Handled> {
  const { retention, platform } = service
  if (retention?.runsMs === undefined) return undefined
  const { runs, restores } = await expireRecords(service, { olderThanMs: retention.runsMs, apply: true, signal })
  platform.log.write('info', 'records-expired', { runs, restores })
  return undefined
}
