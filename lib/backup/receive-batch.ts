/**
 * One delivery of queue messages to a use case, with a partial batch response: only what failed comes back. A message that may pass later is hidden for its own
 * pause instead of the queue's long visibility; one that never will goes to dead-letter at once.
 */
import pLimit from 'p-limit'
import { TorikiError, toTorikiError } from '../errors.ts'
import { CONTINUATION_RESERVE_MS } from '../limits.ts'
import { parseMessage } from '../messages.ts'
import type { Message } from '../messages.ts'
import type { QueueName } from '../platform/queue/port.ts'
import { logFailure } from './cause.ts'
import type { Service } from './service.ts'

/** A message as SQS hands it to a function; the parts that are used. */
export interface QueueRecord {
  readonly messageId: string
  readonly receiptHandle: string
  readonly body: string
  readonly attributes: { readonly ApproximateReceiveCount: string }
}

export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** What a handler is told about its invocation, as Lambda has it. */
export interface Invocation {
  readonly awsRequestId: string
  getRemainingTimeInMillis(): number
  /** Aborted with `interrupted` when the host stops; a function's host has none. */
  readonly signal?: AbortSignal
}

export interface Handling {
  readonly attempt: number
  readonly messageId: string
  readonly signal: AbortSignal
}

/** `undefined`: done. A number: give back for so many milliseconds. */
export type Handled = number | undefined

/** A message that could not be handled, nor its cause recorded, rests so long. */
const REST_MS = 60_000

/** Never throws for a message: what could not be acknowledged is in the response. */
export async function receiveBatch<K extends Message['kind']>(
  service: Service,
  kind: K & QueueName,
  event: { readonly Records: readonly QueueRecord[] },
  invocation: Invocation,
  handle: (message: Extract<Message, { kind: K }>, handling: Handling) => Promise<Handled>,
): Promise<BatchResponse> {
  const limit = pLimit(service.limits.parallel)
  return await withDeadline(service, invocation, async (signal) => {
    const failures = await Promise.all(
      event.Records.map((record) =>
        limit(async () => {
          const restMs = await receiveOne(service, kind, record, signal, handle)
          if (restMs === undefined) return []
          await hide(service, kind, record, restMs)
          return [{ itemIdentifier: record.messageId }]
        }),
      ),
    )
    return { batchItemFailures: failures.flat() }
  })
}

async function receiveOne<K extends Message['kind']>(
  service: Service,
  kind: K & QueueName,
  record: QueueRecord,
  signal: AbortSignal,
  handle: (message: Extract<Message, { kind: K }>, handling: Handling) => Promise<Handled>,
): Promise<Handled> {
  let slice: string | undefined
  try {
    const message = parseMessage(record.body)
    slice = message.kind === 'backup-slice' ? message.slice : undefined
    if (message.kind !== kind)
      throw new TorikiError('message-unknown', { message: 'A message of another kind stands in this queue.' })
    const attempt = Math.max(1, Number(record.attributes.ApproximateReceiveCount) || 1)
    return await handle(message as Extract<Message, { kind: K }>, { attempt, messageId: record.messageId, signal })
  } catch (error) {
    logFailure(service.platform.log, 'message-failed', error, { queue: kind, message: record.messageId })
    if (toTorikiError(error).retry !== 'never') {
      if (slice !== undefined) service.observer?.stuck?.(slice, toTorikiError(error))
      return REST_MS
    }
    try {
      await service.platform.queues.deadLetter(kind).send([{ body: record.body }])
      return undefined
    } catch (sending) {
      logFailure(service.platform.log, 'dead-letter-failed', sending, { queue: kind, message: record.messageId })
      return REST_MS
    }
  }
}

async function hide(service: Service, kind: QueueName, record: QueueRecord, restMs: number): Promise<void> {
  try {
    await service.platform.queues.queue(kind).changeVisibility(record.receiptHandle, Math.round(restMs))
  } catch (error) {
    // It comes back all the same, when the queue's own visibility ends.
    logFailure(service.platform.log, 'visibility-unchanged', error, { queue: kind, message: record.messageId })
  }
}

/** Runs `work` with a signal that is aborted while there is still time to write a checkpoint. */
async function withDeadline<T>(
  service: Service,
  invocation: Invocation,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController()
  const ended = new AbortController()
  const leftMs = Math.max(0, invocation.getRemainingTimeInMillis() - CONTINUATION_RESERVE_MS)
  const timer = service.platform.clock.sleep(leftMs, ended.signal).then(
    () => deadline.abort(new TorikiError('deadline')),
    () => undefined, // The work ended first.
  )
  try {
    return await work(
      invocation.signal === undefined ? deadline.signal : AbortSignal.any([deadline.signal, invocation.signal]),
    )
  } finally {
    ended.abort()
    await timer
  }
}
