/**
 * Runs the functions on one machine: an event source per queue, each driving the very handler that a function host would. Messages are leased and renewed
 * while they are in work, so that after a crash they come back within a minute.
 */
import assert from 'node:assert/strict'
import * as backupSlice from '../../functions/backup-slice.ts'
import * as compactSlice from '../../functions/compact-slice.ts'
import * as deadLetter from '../../functions/dead-letter.ts'
import * as planRestore from '../../functions/plan-restore.ts'
import * as pruneSlice from '../../functions/prune-slice.ts'
import * as replayRun from '../../functions/replay-run.ts'
import * as restoreSlice from '../../functions/restore-slice.ts'
import * as settleRun from '../../functions/settle-run.ts'
import { handle as schedule } from '../../functions/schedule.ts'
import { closeRestore, openRestoreWork, restoreSettings } from '../assemble-queued-restore.ts'
import { wasCutOff } from '../backup/cut-off.ts'
import { settleOpenRuns } from '../backup/settle-open-runs.ts'
import type { Service } from '../backup/service.ts'
import { workerFunctions } from '../cli/context.ts'
import type { ServeEvents, WorkerFunction, WorkerHost, Workers } from '../cli/context.ts'
import { TorikiError } from '../errors.ts'
import { queueNames } from '../platform/queue/port.ts'
import type { Queue, QueueName } from '../platform/queue/port.ts'
import { wasRestoreCutOff } from '../restore/cut-off.ts'
import type { QueuedRestoreService } from '../restore/queued-service.ts'
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
  /** Opens what restores. Given by tests; in operation from the settings. */
  readonly openWork?: typeof openRestoreWork
}

export function embeddedHost({
  leaseMs = LEASE_MS,
  graceMs = GRACE_MS,
  openWork = openRestoreWork,
}: HostOptions = {}): WorkerHost {
  const start = async (
    service: Service,
    only: readonly WorkerFunction[] | undefined,
    settings: Settings | undefined,
  ): Promise<Workers> => {
    const { queues, clock, random, log } = service.platform
    const restoring = await restoringOf(service, only, settings, openWork)
    const names = queueNames.filter(
      (name) =>
        (only ?? workerFunctions).includes(name) &&
        (restoring !== undefined || !isOfRestore(name)) &&
        (service.retention !== undefined || only !== undefined || !isOfOrder(name)),
    )
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
      ...names.map((name) =>
        source(
          name,
          queues.queue(name),
          handlerOf(service, restoring, name),
          isAlone(name) ? 1 : service.limits.parallel,
          mayCrash(service, name),
        ),
      ),
      ...((only ?? workerFunctions).includes('dead-letter') ? queueNames : []).map((name) =>
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
        await restoring?.close()
      },
    }
  }
  return {
    startWorkers: start,
    serve: (service, settings, events, signal) => serve(start, service, settings, events, signal),
  }
}

async function serve(
  start: (service: Service, only: undefined, settings: Settings) => Promise<Workers>,
  service: Service,
  settings: Settings,
  events: ServeEvents,
  signal: AbortSignal,
): Promise<void> {
  const { clock } = service.platform
  const { schedule: plan } = settings
  const workers = await start(service, undefined, settings)
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

/** Of these one message at a time: what keeps the store in order takes memory and requests that backups are to have. */
function isAlone(name: QueueName): boolean {
  return name === 'settle-run' || name === 'replay-run' || name === 'prune-slice' || name === 'compact-slice'
}

/** A command that backs up, and ends then, leaves these to others. */
function isOfOrder(name: QueueName): boolean {
  return name === 'prune-slice' || name === 'compact-slice'
}

function isOfRestore(name: QueueName): boolean {
  return name === 'plan-restore' || name === 'restore-slice'
}

/** Of those that work on several slices in one process: a message that may have ended it is worked on alone. */
function mayCrash(service: Service, name: QueueName): EventSourceOptions['alone'] {
  if (name === 'backup-slice') return (message) => wasCutOff(service, message)
  return name === 'restore-slice' ? (message) => wasRestoreCutOff(service, message) : undefined
}

/** Readers and writers with restore's own credentials: opened by the first message that needs them. */
interface Restoring {
  open(): Promise<QueuedRestoreService>
  close(): Promise<void>
}

/**
 * `undefined`: the messages of restores are left to others.
 * @throws TorikiError `settings-invalid` when they were named and cannot be worked on here.
 */
async function restoringOf(
  { platform: { log } }: Service,
  only: readonly WorkerFunction[] | undefined,
  settings: Settings | undefined,
  openWork: typeof openRestoreWork,
): Promise<Restoring | undefined> {
  const isNamed = only?.some((name) => name === 'plan-restore' || name === 'restore-slice') === true
  if (settings === undefined || (only !== undefined && !isNamed)) return undefined
  const found = await restoreSettings(settings)
  if ('hindrance' in found) {
    if (isNamed)
      throw new TorikiError('settings-invalid', {
        message: `This worker cannot restore: ${found.hindrance}.`,
        remedy: 'Give it what restoring needs (docs/settings.md), or name other functions with --only.',
      })
    log.write('warn', 'restores-left-to-others', { because: found.hindrance })
    return undefined
  }
  let opened: Promise<QueuedRestoreService> | undefined
  return {
    async open() {
      opened ??= openWork(found.settings, log)
      try {
        return await opened
      } catch (error) {
        opened = undefined
        throw error
      }
    },
    async close() {
      const service = await opened?.catch(() => undefined) // its message was told
      if (service !== undefined) await closeRestore(service)
    },
  }
}

function handlerOf(service: Service, restoring: Restoring | undefined, name: QueueName): EventHandler {
  switch (name) {
    case 'backup-slice':
      return answering((event, context) => backupSlice.handle(service, event, context))
    case 'settle-run':
      return answering((event, context) => settleRun.handle(service, event, context))
    case 'replay-run':
      return answering((event, context) => replayRun.handle(service, event, context))
    case 'prune-slice':
      return answering((event, context) => pruneSlice.handle(service, event, context))
    case 'compact-slice':
      return answering((event, context) => compactSlice.handle(service, event, context))
    case 'plan-restore':
      return answering(async (event, context) => planRestore.handle(await openOf(restoring), event, context))
    case 'restore-slice':
      return answering(async (event, context) => restoreSlice.handle(await openOf(restoring), event, context))
  }
}

function openOf(restoring: Restoring | undefined): Promise<QueuedRestoreService> {
  assert(restoring !== undefined, 'messages of restores are taken only where they can be worked on')
  return restoring.open()
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
