/**
 * Runs the functions on one machine: an event source per queue, each driving the very handler that a function host would. Messages are leased and renewed
 * while they are in work, so that after a crash they come back within a minute.
 */
import assert from 'node:assert/strict'
import { wasCutOff } from '../backup/cut-off.ts'
import { settleOpenRuns } from '../backup/settle-open-runs.ts'
import type { Service } from '../backup/service.ts'
import { workerFunctions } from '../cli/context.ts'
import type { ServeEvents, WorkerFunction, WorkerHost, Workers } from '../cli/context.ts'
import { TorikiError } from '../errors.ts'
import { queueNames } from '../platform/queue/port.ts'
import type { Queue, QueueName } from '../platform/queue/port.ts'
import type { QueuedRestoreService } from '../restore/queued-service.ts'
import type { Settings } from '../settings.ts'
import { startEventSource } from './event-source.ts'
import type { EventHandler, EventSource, EventSourceOptions } from './event-source.ts'

type OpenWork = typeof import('../assemble-queued-restore.ts').openRestoreWork

const openRestoreWork: OpenWork = async (...given) =>
  await (await import('../assemble-queued-restore.ts')).openRestoreWork(...given)

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
  readonly openWork?: OpenWork
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
    // Of what is worked on here, and nothing else: a command that backs up waits for no restore's program. All of it now, so that a process that stays is of one make.
    const works = await Promise.all(
      names.map(async (name) => ({
        name,
        handler: await handlerOf(service, restoring, name),
        alone: await mayCrash(service, name),
      })),
    )
    const deadLetter = (only ?? workerFunctions).includes('dead-letter')
      ? onService(service, await import('../../functions/dead-letter.ts'))
      : undefined
    const sources = [
      ...works.map(({ name, handler, alone }) =>
        source(name, queues.queue(name), handler, isAlone(name) ? 1 : service.limits.parallel, alone),
      ),
      ...(deadLetter === undefined
        ? []
        : queueNames.map((name) => source(`${name}-dead`, queues.deadLetter(name), deadLetter, 1))),
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
  const timed = plan && {
    plan,
    ...(await import('./schedule-loop.ts')),
    ...(await import('../../functions/schedule.ts')),
  }
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
    timed === undefined
      ? Promise.resolve()
      : timed.scheduleLoop(
          timed.plan,
          clock,
          {
            scheduled: (next) => events.scheduled(next),
            async fire(intended) {
              const event = { source: 'aws.scheduler', 'detail-type': 'Scheduled Event', time: intended.toISOString() }
              try {
                const answer = await timed.handle(service, event, {
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
async function mayCrash(service: Service, name: QueueName): Promise<EventSourceOptions['alone']> {
  if (name === 'backup-slice') return (message) => wasCutOff(service, message)
  if (name !== 'restore-slice') return undefined
  const { wasRestoreCutOff } = await import('../restore/cut-off.ts')
  return (message) => wasRestoreCutOff(service, message)
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
  openWork: OpenWork,
): Promise<Restoring | undefined> {
  const isNamed = only?.some((name) => name === 'plan-restore' || name === 'restore-slice') === true
  if (settings === undefined || (only !== undefined && !isNamed)) return undefined
  const { closeRestore, restoreSettings } = await import('../assemble-queued-restore.ts')
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

async function handlerOf(service: Service, restoring: Restoring | undefined, name: QueueName): Promise<EventHandler> {
  switch (name) {
    case 'backup-slice':
      return onService(service, await import('../../functions/backup-slice.ts'))
    case 'settle-run':
      return onService(service, await import('../../functions/settle-run.ts'))
    case 'replay-run':
      return onService(service, await import('../../functions/replay-run.ts'))
    case 'prune-slice':
      return onService(service, await import('../../functions/prune-slice.ts'))
    case 'compact-slice':
      return onService(service, await import('../../functions/compact-slice.ts'))
    case 'plan-restore':
      return onRestore(restoring, await import('../../functions/plan-restore.ts'))
    case 'restore-slice':
      return onRestore(restoring, await import('../../functions/restore-slice.ts'))
  }
}

/** A function that works on the service, as its file gives it. */
interface FunctionOf<S> {
  handle(service: S, ...given: Parameters<EventHandler>): Promise<unknown>
}

function onService(service: Service, { handle }: FunctionOf<Service>): EventHandler {
  return answering((event, context) => handle(service, event, context))
}

function onRestore(restoring: Restoring | undefined, { handle }: FunctionOf<QueuedRestoreService>): EventHandler {
  return answering(async (event, context) => handle(await openOf(restoring), event, context))
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
