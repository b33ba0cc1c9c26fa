/**
 * Runs the functions on one machine: an event source per queue, each driving the very handler that a function host would. Messages are leased and renewed
 * while they are in work, so that after a crash they come back within a minute.
 */
import * as backupSlice from '../../functions/backup-slice.ts'
import * as deadLetter from '../../functions/dead-letter.ts'
import * as replayRun from '../../functions/replay-run.ts'
import * as settleRun from '../../functions/settle-run.ts'
import { handle as schedule } from '../../functions/schedule.ts'
import { wasCutOff } from '../backup/cut-off.ts'
import { settleOpenRuns } from '../backup/settle-open-runs.ts'
import type { Service } from '../backup/service.ts'
import { workerFunctions } from '../cli/context.ts'
import type { ServeEvents, WorkerFunction, WorkerHost, Workers } from '../cli/context.ts'
import { queueNames } from '../platform/queue/port.ts'
import type { Queue, QueueName } from '../platform/queue/port.ts'
import type { Settings } from '../settings.ts'
import { startEventSource } from './event-source.ts'
import type { EventHandler, EventSource, EventSourceOptions } from './event-source.ts'
import { scheduleLoop } from './schedule-loop.ts'

/** A message in work is hidden for so long at a time. */
const LEASE_MS = 60_000
/** There is no time limit on one machine but this: a home may take a day. */
const TIMEOUT_MS = 24 * 60 * 60 * 1000
/** Ctrl-C: slices in work may end within this, then they are interrupted (and lose nothing). */
const GRACE_MS = 2_000
/** What was interrupted may write its checkpoint within this. A second Ctrl-C does not wait for it. */
const ENDING_MS = 30_000
/** `serve` looks for runs that are overdue this often, beside their own ticks. */
const SETTLE_EVERY_MS = 60_000

export interface HostOptions {
  readonly leaseMs?: number
  readonly graceMs?: number
}

export function embeddedHost({ leaseMs = LEASE_MS, graceMs = GRACE_MS }: HostOptions = {}): WorkerHost {
  const start = (service: Service, only: readonly WorkerFunction[] = workerFunctions): Workers => {
    const { queues, clock, random, log } = service.platform
    const source = (
      name: string,
      queue: Queue,
      handler: EventHandler,
      concurrency: number,
      alone?: EventSourceOptions['alone'],
    ): EventSource =>
      // One message a batch: a slice that takes long holds up nobody, and answers by itself.
      startEventSource({
        queue,
        name,
        handler,
        clock,
        random,
        log,
        batchSize: 1,
        concurrency,
        timeoutMs: TIMEOUT_MS,
        visibilityMs: leaseMs,
        leaseMs,
        ...(alone === undefined ? {} : { alone }),
      })
    const sources = [
      ...queueNames
        .filter((name) => only.includes(name))
        .map((name) =>
          source(
            name,
            queues.queue(name),
            handlerOf(service, name),
            name === 'backup-slice' ? service.limits.parallel : 1,
            name === 'backup-slice' ? (message) => wasCutOff(service, message) : undefined,
          ),
        ),
      ...(only.includes('dead-letter') ? queueNames : []).map((name) =>
        source(
          `${name}-dead`,
          queues.deadLetter(name),
          answering((event) => deadLetter.handle(service, event)),
          1,
        ),
      ),
    ]
    return {
      ended: Promise.race(sources.map((one) => one.ended)),
      stop: async () => {
        await Promise.all(sources.map((one) => one.stop(graceMs, ENDING_MS)))
      },
    }
  }
  return {
    startWorkers: (service, only) => Promise.resolve(start(service, only)),
    serve: (service, settings, events, signal) => serve(start, service, settings, events, signal),
  }
}

async function serve(
  start: (service: Service) => Workers,
  service: Service,
  { schedule: plan }: Settings,
  events: ServeEvents,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = service.platform
  const workers = start(service)
  const stopped = new AbortController()
  const both = AbortSignal.any([signal, stopped.signal])
  const settling = (async () => {
    while (!both.aborted) {
      try {
        for (const { run, outcome } of await settleOpenRuns(service)) events.ended(run, outcome)
      } catch (error) {
        events.failed(error)
      }
      await clock.sleep(SETTLE_EVERY_MS, both).catch(() => undefined) // aborted: the loop ends by itself
    }
  })()
  const scheduling =
    plan === undefined
      ? Promise.resolve()
      : scheduleLoop(
          plan,
          clock,
          {
            scheduled: (next) => events.scheduled(next),
            async fire(intended) {
              const event = { source: 'aws.scheduler', 'detail-type': 'Scheduled Event', time: intended.toISOString() }
              try {
                const answer = await schedule(service, event, {
                  awsRequestId: intended.toISOString(),
                  getRemainingTimeInMillis: () => TIMEOUT_MS,
                  signal: both,
                })
                if ('refused' in answer) events.refused(answer.run, answer.message)
                else if ('run' in answer) events.started(answer.run)
              } catch (error) {
                // The next night is tried all the same.
                events.failed(error)
              }
            },
          },
          both,
        )
  try {
    await Promise.race([workers.ended, Promise.all([settling, scheduling])])
  } finally {
    stopped.abort()
    await Promise.all([settling, scheduling])
    await workers.stop()
  }
}

function handlerOf(service: Service, name: QueueName): EventHandler {
  switch (name) {
    case 'backup-slice':
      return answering((event, context) => backupSlice.handle(service, event, context))
    case 'settle-run':
      return answering((event, context) => settleRun.handle(service, event, context))
    case 'replay-run':
      return answering((event, context) => replayRun.handle(service, event, context))
  }
}

/** A function's answer, as the event source takes it (its lists are read-only). */
function answering(handle: (...parameters: Parameters<EventHandler>) => Promise<unknown>): EventHandler {
  return async (event, context) => {
    const answer = (await handle(event, context)) as
      | { batchItemFailures?: readonly { itemIdentifier: string }[] }
      | undefined
    return { batchItemFailures: [...(answer?.batchItemFailures ?? [])] }
  }
}
