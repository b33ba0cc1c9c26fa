/**
 * What follows a full run: a `prune-slice` message for everybody of whom anything was ever stored, and one for the records whose time is over. Sent once per run: at least once, and again only where a
 * cut hid that it was, which costs a look and changes nothing.
 */
import { encodeMessage } from '../messages.ts'
import type { Message } from '../messages.ts'
import { recordTold, wasTold } from '../runs/run-log.ts'
import type { RunReport } from '../runs/outcome.ts'
import type { RunRecord } from '../runs/run.ts'
import { knownSlices } from './known-slices.ts'
import { isNewestFullRun } from './recovery-point.ts'
import type { Service } from './service.ts'

/** Messages handed to the queue at once. */
const SEND_MAX = 500
const MARK = 'kept-in-order'

/** Only where somebody works on them, and after the newest full run, however it ended. @throws what store and queue throw: whoever settles the run then tries again. */
export async function keepInOrder(service: Service, { run, policy }: RunRecord, report: RunReport): Promise<void> {
  const { retention, repository, platform } = service
  const { records } = repository
  if (retention === undefined || policy !== 'full' || report.outcome === 'cancelled') return
  if (await wasTold(records, run, MARK)) return
  const now = platform.clock.now()
  if (await isNewestFullRun(service, run, now)) {
    const queue = platform.queues.queue('prune-slice')
    const send = async (messages: readonly Message[]): Promise<void> =>
      await queue.send(messages.map((message) => ({ body: encodeMessage(message) })))
    if (retention.runsMs !== undefined) await send([{ v: 1, kind: 'prune-slice', records: 'expired', run }])
    let batch: Message[] = []
    for await (const slice of knownSlices(records, now)) {
      batch.push({ v: 1, kind: 'prune-slice', slice, run })
      if (batch.length < SEND_MAX) continue
      await send(batch)
      batch = []
    }
    if (batch.length > 0) await send(batch)
  }
  await recordTold(records, run, MARK, now)
}
