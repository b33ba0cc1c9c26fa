/**
 * Plays the event source for tests: hands every visible message to the function of its queue, deletes what succeeded, and turns the clock when nothing is
 * visible, until nothing is left or the run under test has ended. One message at a time, so a test's order is its own.
 */
import { handle as backupSlice } from '../../functions/backup-slice.ts'
import { handle as compactSlice } from '../../functions/compact-slice.ts'
import { handle as deadLetter } from '../../functions/dead-letter.ts'
import { handle as planRestore } from '../../functions/plan-restore.ts'
import { handle as pruneSlice } from '../../functions/prune-slice.ts'
import { handle as replayRun } from '../../functions/replay-run.ts'
import { handle as restoreSlice } from '../../functions/restore-slice.ts'
import { handle as settleRun } from '../../functions/settle-run.ts'
import type { Invocation } from '../../lib/backup/deadline.ts'
import type { QueueRecord } from '../../lib/backup/receive-batch.ts'
import type { Service } from '../../lib/backup/service.ts'
import { queueNames } from '../../lib/platform/queue/port.ts'
import type { Queue, QueueName, ReceivedMessage } from '../../lib/platform/queue/port.ts'
import type { QueuedRestoreService } from '../../lib/restore/queued-service.ts'
import type { FakeClock } from './fake-clock.ts'

export interface DrainOptions {
  /** Stop as soon as this says so; asked between messages. */
  readonly until?: () => boolean | Promise<boolean>
  /** Handlers' deadline; absent: none that a test reaches. */
  readonly invocation?: Partial<Invocation>
  /** Takes the messages of restores; absent: there are none. */
  readonly restoring?: QueuedRestoreService
  /** How far the clock turns when nothing is visible. */
  readonly stepMs?: number
}

const VISIBILITY_MS = 60_000
/** More deliveries than any test needs: something goes round in circles. */
const DELIVERIES_MAX = 20_000

/** The number of deliveries. Throws what a handler throws: a simulated kill. */
export async function drainQueues(service: Service, clock: FakeClock, options: DrainOptions = {}): Promise<number> {
  const { queues } = service.platform
  const invocation: Invocation = {
    awsRequestId: 'test',
    getRemainingTimeInMillis: () => 86_400_000,
    ...options.invocation,
  }
  const restoring = (): QueuedRestoreService => {
    if (options.restoring === undefined) throw new Error('nobody restores in this test')
    return options.restoring
  }
  const handlers: Readonly<Record<QueueName, (event: { Records: QueueRecord[] }) => Promise<unknown>>> = {
    'backup-slice': (event) => backupSlice(service, event, invocation),
    'settle-run': (event) => settleRun(service, event, invocation),
    'replay-run': (event) => replayRun(service, event, invocation),
    'prune-slice': (event) => pruneSlice(service, event, invocation),
    'compact-slice': (event) => compactSlice(service, event, invocation),
    'plan-restore': (event) => planRestore(restoring(), event, invocation),
    'restore-slice': (event) => restoreSlice(restoring(), event, invocation),
  }
  const sources: (readonly [Queue, (event: { Records: QueueRecord[] }) => Promise<unknown>])[] = queueNames
    .filter((name) => options.restoring !== undefined || !name.includes('restore'))
    .flatMap((name) => [
      [queues.queue(name), handlers[name]] as const,
      [queues.deadLetter(name), (event: { Records: QueueRecord[] }) => deadLetter(service, event)] as const,
    ])
  for (let deliveries = 0; deliveries < DELIVERIES_MAX;) {
    let received = false
    for (const [queue, handler] of sources) {
      if ((await options.until?.()) === true) return deliveries
      const [message] = await queue.receive({ max: 1, waitMs: 0, visibilityMs: VISIBILITY_MS })
      if (message === undefined) continue
      received = true
      deliveries++
      const answer = (await handler({ Records: [recordOf(message)] })) as { batchItemFailures: readonly unknown[] }
      if (answer.batchItemFailures.length === 0) await queue.delete(message.receipt)
    }
    if (received) continue
    const depths = await Promise.all(sources.map(async ([queue]) => await queue.depth()))
    if (depths.every(({ visible, hidden, delayed }) => visible + hidden + delayed === 0)) return deliveries
    await clock.advance(options.stepMs ?? 10_000)
  }
  throw new Error('the queues do not drain')
}

function recordOf({ id, receipt, body, receiveCount }: ReceivedMessage): QueueRecord {
  return { messageId: id, receiptHandle: receipt, body, attributes: { ApproximateReceiveCount: String(receiveCount) } }
}
