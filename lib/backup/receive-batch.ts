/**
 * One delivery of queue messages to a use case, with a partial batch response: only what failed comes back. A message that may pass later is hidden for its own
 * pause instead of the queue's long visibility; one that never will goes to dead-letter at once; one whose turn did not come in time is sent anew, so that a slow
 * neighbour costs it none of its attempts.
 */
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch'
import type { SQSEvent } from 'aws-lambda'
import pLimit from 'p-limit'
import * as z from 'zod'
import { TorikiError, toTorikiError } from '../errors.ts'
import { parseMessage } from '../messages.ts'
import type { Message } from '../messages.ts'
import type { Platform } from '../platform/platform.ts'
import type { QueueName } from '../platform/queue/port.ts'
import { logFailure } from './cause.ts'
import { withDeadline } from './deadline.ts'
import type { Invocation } from './deadline.ts'
import type { RunObserver } from './service.ts'

const queueRecord = z.object({
  messageId: z.string().min(1),
  receiptHandle: z.string(),
  body: z.string(),
  attributes: z.object({ ApproximateReceiveCount: z.string() }),
})
const queueEvent = z.object({ Records: z.array(queueRecord).min(1) })

/** A message as SQS hands it to a function; the parts that are used. */
export type QueueRecord = z.infer<typeof queueRecord>
export interface QueueEvent {
  readonly Records: readonly QueueRecord[]
}

export interface BatchResponse {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[]
}

/** What of a service a delivery needs, whatever it is for. */
export interface BatchService {
  readonly platform: Pick<Platform, 'queues' | 'clock' | 'log'>
  readonly limits: { readonly parallel: number }
  readonly observer?: Pick<RunObserver, 'stuck'>
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

/** @throws TorikiError `message-invalid` for what no queue sends, such as the sample event of a console. */
export function parseQueueEvent(event: unknown): QueueEvent {
  const parsed = queueEvent.safeParse(event)
  if (parsed.success) return parsed.data
  const given = typeof event === 'object' && event !== null ? Object.keys(event)[0] : undefined
  throw new TorikiError('message-invalid', {
    message: `The input is no batch of queue messages${given === undefined || given === 'Records' ? '' : `: it has a field ${JSON.stringify(given)}`}.`,
    remedy: 'This function is started by its queue: send the message there.',
    cause: parsed.error,
  })
}

/** Never throws for a message: what could not be acknowledged is in the response. */
export async function receiveBatch<K extends Message['kind']>(
  service: BatchService,
  kind: K & QueueName,
  { Records: records }: QueueEvent,
  invocation: Invocation,
  handle: (message: Extract<Message, { kind: K }>, handling: Handling) => Promise<Handled>,
): Promise<BatchResponse> {
  const { parallel } = service.limits
  const limit = pLimit(parallel)
  return await withDeadline(service, invocation, async (signal) => {
    const receive = async (record: QueueRecord): Promise<void> => {
      // Those of the first `parallel` are begun whatever the time: so every delivery ends something, or charges an attempt to it.
      const waited = records.indexOf(record) >= parallel
      const restMs =
        waited && signal.aborted
          ? await sendAnew(service, kind, record, signal)
          : await receiveOne(service, kind, record, signal, handle)
      if (restMs === undefined) return
      await hide(service, kind, record, restMs)
      throw new GivenBack()
    }
    return await processPartialResponse(
      { Records: records } as unknown as SQSEvent,
      (record: QueueRecord) => limit(() => receive(record)),
      new BatchProcessor(EventType.SQS),
      { throwOnFullBatchFailure: false },
    )
  })
}

/** How the partial response is told that a message comes back; why was logged. */
class GivenBack extends Error {}

async function receiveOne<K extends Message['kind']>(
  service: BatchService,
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

/** A copy of its own goes to the queue, and this one is done: given back, it would have used up an attempt without having been looked at. */
async function sendAnew(
  service: BatchService,
  kind: QueueName,
  { body, messageId }: QueueRecord,
  signal: AbortSignal,
): Promise<Handled> {
  if ((signal.reason as { code?: unknown } | undefined)?.code === 'interrupted') return 0
  try {
    await service.platform.queues.queue(kind).send([{ body }])
    return undefined
  } catch (error) {
    logFailure(service.platform.log, 'message-not-sent-anew', error, { queue: kind, message: messageId })
    return 0
  }
}

async function hide(service: BatchService, kind: QueueName, record: QueueRecord, restMs: number): Promise<void> {
  try {
    await service.platform.queues.queue(kind).changeVisibility(record.receiptHandle, Math.round(restMs))
  } catch (error) {
    // It comes back all the same, when the queue's own visibility ends.
    logFailure(service.platform.log, 'visibility-unchanged', error, { queue: kind, message: record.messageId })
  }
}
