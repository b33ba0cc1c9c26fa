/**
 * One `compact-slice` message: what is alive of mostly dead packs of one slice is packed anew. What there was no time for goes on in another message; every step can be repeated, so a message that comes
 * twice does what is left to do.
 */
import type { Handled } from '../backup/receive-batch.ts'
import { tellOnce } from '../backup/tell.ts'
import { encodeMessage, PARTS_MAX } from '../messages.ts'
import type { CompactSliceMessage } from '../messages.ts'
import { parseSlice } from '../resources/slice.ts'
import { compactAll } from './compact.ts'
import type { QueuedMaintenance } from './queued-service.ts'

/** @throws TorikiError `message-invalid` for what is no slice; why it could not be compacted; `interrupted`: then the message comes back. */
export async function deliverCompact(
  service: QueuedMaintenance,
  message: CompactSliceMessage,
  { signal }: { readonly signal: AbortSignal },
): Promise<Handled> {
  const { name: slice } = parseSlice(message.slice)
  const { log, queues } = service.platform
  for await (const one of compactAll(service, { slices: [slice], apply: true, signal })) {
    const { generation, report, failure } = one
    if (failure !== undefined) throw failure
    if (report === undefined) continue
    const sliceId = service.repository.sliceId(slice, generation)
    log.write('info', 'slice-compacted', {
      ...{ slice: sliceId, repacked: report.repacked.packs, left: report.left.packs },
      ...{ written: report.written.packs, bytes: report.written.bytes },
    })
    if (report.damage.length > 0) await tellDamage(service, message.run, sliceId, report.damage.length)
    if (report.left.packs === 0) continue
    // Who stops the worker wants the message again; who has no more time sends the next one, which has all its attempts.
    if ((signal.reason as { code?: unknown } | undefined)?.code === 'interrupted') return 0
    const part = (message.part ?? 0) + 1
    if (part <= PARTS_MAX) await queues.queue('compact-slice').send([{ body: encodeMessage({ ...message, part }) }])
    return undefined
  }
  return undefined
}

async function tellDamage(
  service: QueuedMaintenance,
  run: string | undefined,
  sliceId: string,
  packs: number,
): Promise<void> {
  const alarm = {
    alarm: 'damaged',
    message: `${packs === 1 ? 'A pack does' : `${packs} packs do`} not open whole, in the history ${sliceId}. Whom that hits: toriki check --read-data`,
  } as const
  service.platform.log.write('error', 'slice-damaged', { slice: sliceId, packs })
  if (run === undefined) await service.alarm({ ...alarm, deployment: service.repository.name, run: '' })
  else await tellOnce(service, run, `damaged-${sliceId}`, alarm)
}
