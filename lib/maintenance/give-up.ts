/** What the queues of `prune-slice` and `compact-slice` gave up on: told to a person, once per run and kind, for what stops one usually stops all. Nothing is lost: the next run sends it again. */
import { tellOnce } from '../backup/tell.ts'
import type { CompactSliceMessage, PruneSliceMessage } from '../messages.ts'
import { parseSlice } from '../resources/slice.ts'
import type { QueuedMaintenance } from './queued-service.ts'

/** Idempotent where the message names its run. @throws TorikiError `message-invalid` for what is no slice; what the store throws. */
export async function giveUpMaintenance(
  service: QueuedMaintenance,
  { kind, slice, run }: PruneSliceMessage | CompactSliceMessage,
): Promise<void> {
  const sliceId = slice === undefined ? undefined : service.repository.sliceId(parseSlice(slice).name, 1)
  service.platform.log.write('error', 'maintenance-given-up', {
    kind,
    ...(sliceId === undefined ? {} : { slice: sliceId }),
  })
  service.metrics.add('DeadLetters', 1)
  const what = sliceId === undefined ? 'Old records' : `A history (${sliceId})`
  const alarm = {
    alarm: 'dead-letter',
    message: `${what} could not be ${kind === 'prune-slice' ? 'pruned' : 'compacted'}; others of the same run are not told again. Why stands in the log of ${kind}; it is tried again after the next full run.`,
  } as const
  if (run === undefined) await service.alarm({ ...alarm, deployment: service.repository.name, run: '' })
  else await tellOnce(service, run, `given-up-${kind}`, alarm)
}
