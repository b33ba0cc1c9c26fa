/**
 * Plays Lambda for a run, on any platform whose clock can be turned: every message goes to a function with a time limit of its own, in a process of its own.
 * As the test wants it, functions die at one of their calls (their message comes back when its visibility ends), messages are delivered to two functions at
 * once, or once more after they were acknowledged.
 */
import { handle as backupSlice } from '../../functions/backup-slice.ts'
import { handle as deadLetter } from '../../functions/dead-letter.ts'
import { handle as settleRun } from '../../functions/settle-run.ts'
import type { Invocation } from '../../lib/backup/deadline.ts'
import type { QueueRecord } from '../../lib/backup/receive-batch.ts'
import { runReport } from '../../lib/backup/run-report.ts'
import type { Service } from '../../lib/backup/service.ts'
import { CONTINUATION_RESERVE_MS } from '../../lib/limits.ts'
import { FaultInjector, noFaults } from '../../lib/platform/fault.ts'
import type { FaultPlan } from '../../lib/platform/fault.ts'
import { faultyKeyService } from '../../lib/platform/key-service/fault.ts'
import { faultyObjectStore } from '../../lib/platform/object-store/fault.ts'
import type { Platform } from '../../lib/platform/platform.ts'
import { faultyQueues } from '../../lib/platform/queue/fault.ts'
import type { ReceivedMessage } from '../../lib/platform/queue/port.ts'

export interface HostedRun {
  readonly run: string
  /** Opens the service as a fresh process would. */
  readonly open: (platform: Platform) => Promise<Service>
  /** Its clock is the one that `turn` turns. */
  readonly platform: Platform
  readonly turn: (ms: number) => Promise<void>
  /** Time that a function has to work, beside what it needs to end: of the n-th one, from 1. */
  readonly workMs: (n: number) => number
  /** How the n-th function dies, if it does. Asked while its message may still come back: a queue gives up what dies too often. */
  readonly dies: (n: number) => FaultPlan | undefined
  /** Is its message delivered to another one, at the same time, or afterwards? */
  readonly doubles: (n: number) => 'twin' | 'again' | undefined
}

export interface HostedResult {
  /** Functions that worked on slices. */
  readonly functions: number
  readonly deaths: number
  /** Deliveries beyond the first one of a message. */
  readonly doubles: number
}

const VISIBILITY_MS = 5_400_000
const STEP_MS = 300_000
/** More than any night needs: something goes round in circles. */
const STEPS_MAX = 5_000
/** A message that dies this often is left alone, or the queue would give it up. */
const DEATHS_OF_ONE_MAX = 2

export async function hostFunctions(options: HostedRun): Promise<HostedResult> {
  const { platform, run, turn } = options
  const watching = await options.open(platform)
  const result = { functions: 0, deaths: 0, doubles: 0 }

  /** False: it died, or gave the message back. */
  const invoke = async (message: ReceivedMessage, mayDie: boolean): Promise<boolean> => {
    const n = ++result.functions
    const dies = mayDie && message.receiveCount <= DEATHS_OF_ONE_MAX ? options.dies(n) : undefined
    const plan = dies ?? noFaults
    const faults = new FaultInjector({ plan, clock: platform.clock })
    const store = faultyObjectStore(platform.store, faults)
    const own: Platform = {
      ...platform,
      store,
      keyStore: platform.keyStore === platform.store ? store : faultyObjectStore(platform.keyStore, faults),
      keys: faultyKeyService(platform.keys, faults),
      queues: faultyQueues(platform.queues, faults),
    }
    try {
      const service = await options.open(own)
      const { batchItemFailures } = await backupSlice(service, { Records: [recordOf(message)] }, invocation(n))
      return batchItemFailures.length === 0 && !faults.killed
    } catch (error) {
      if (!faults.killed) throw error
      return false
    } finally {
      if (faults.killed) result.deaths++
    }
  }
  const invocation = (n: number): Invocation => {
    const begunMs = platform.clock.monotonicMs()
    const limitMs = CONTINUATION_RESERVE_MS + options.workMs(n)
    return {
      awsRequestId: `function-${n}`,
      getRemainingTimeInMillis: () => limitMs - (platform.clock.monotonicMs() - begunMs),
    }
  }
  const slices = platform.queues.queue('backup-slice')
  const receive = { max: 1, waitMs: 0, visibilityMs: VISIBILITY_MS } as const
  for (let step = 0; step < STEPS_MAX; step++) {
    const [message] = await slices.receive(receive)
    if (message !== undefined) {
      const double = options.doubles(result.functions + 1)
      const ended = await Promise.all([invoke(message, true), ...(double === 'twin' ? [invoke(message, false)] : [])])
      if (ended[0] === true) await slices.delete(message.receipt)
      if (double === 'again') await invoke(message, false)
      if (double !== undefined) result.doubles++
      continue
    }
    const [tick] = await platform.queues.queue('settle-run').receive(receive)
    if (tick !== undefined) {
      const { batchItemFailures } = await settleRun(watching, { Records: [recordOf(tick)] }, invocation(0))
      if (batchItemFailures.length === 0) await platform.queues.queue('settle-run').delete(tick.receipt)
    }
    const dead = platform.queues.deadLetter('backup-slice')
    for (const letter of await dead.receive(receive)) {
      await deadLetter(watching, { Records: [recordOf(letter)] })
      await dead.delete(letter.receipt)
    }
    if (!(await runReport(watching, run)).open && (await quiet(options))) return result
    await turn(STEP_MS)
  }
  throw new Error(`the run does not end: ${JSON.stringify(result)}`)
}

/** No message about a slice is left: what was delivered twice has had its say, too. */
async function quiet({ platform }: HostedRun): Promise<boolean> {
  const { visible, hidden, delayed } = await platform.queues.queue('backup-slice').depth()
  return visible + hidden + delayed === 0
}

function recordOf({ id, receipt, body, receiveCount }: ReceivedMessage): QueueRecord {
  return { messageId: id, receiptHandle: receipt, body, attributes: { ApproximateReceiveCount: String(receiveCount) } }
}
