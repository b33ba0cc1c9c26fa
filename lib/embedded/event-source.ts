/**
 * Drives a handler over any queue as Lambda's event source mapping for SQS does: polls, hands over batches, deletes what succeeded, leaves the rest
 * hidden until its visibility ends (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html). It knows no function: the handler is handed in.
 *
 * Never: deletes a message whose handling it did not see succeed in time; receives after `stop`; runs more than `concurrency` batches at once (one that
 * was given up no longer counts, whether or not its handler heeds the signal).
 */
import { createHash } from 'node:crypto'
import assert from 'node:assert/strict'
import type { Context, SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { isTorikiError, TorikiError, toTorikiError } from '../errors.ts'
import { RETRY_LAST_MS } from '../limits.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../platform/clock.ts'
import type { Queue, ReceivedMessage } from '../platform/queue/port.ts'
import { RECEIVE_MAX } from '../platform/queue/port.ts'
import type { Random } from '../platform/random.ts'

/** What a handler is told of its invocation. On Lambda there is no `signal`: there the process itself is ended. */
export interface EventContext extends Pick<Context, 'awsRequestId' | 'getRemainingTimeInMillis'> {
  /**
   * Aborted when the time is over (`deadline`): what the handler answers then counts for nothing. Or when the service stops (`interrupted`): the
   * handler ends soon and names as failed what it did not finish.
   */
  readonly signal: AbortSignal
}

/** Answers with the messages to give back; nothing, or none, means that all succeeded. A throw gives the whole batch back. */
export type EventHandler = (event: SQSEvent, context: EventContext) => Promise<SQSBatchResponse | void>

export interface EventSourceOptions {
  readonly queue: Queue
  /** Told to the handler as `eventSourceARN`, and to the log. */
  readonly name: string
  readonly handler: EventHandler
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Messages a batch, 1 to 10. */
  readonly batchSize: number
  /** Batches at once. */
  readonly concurrency: number
  /** An invocation is given up after this. */
  readonly timeoutMs: number
  /** Messages are hidden for this when received; by AWS's rule six times `timeoutMs` (VISIBILITY_FACTOR). */
  readonly visibilityMs: number
  /**
   * Hide messages only for this and renew it while they are in work: after a crash of this process they come back so soon, instead of after
   * `visibilityMs`. For queues that nobody else configures.
   */
  readonly leaseMs?: number
  /** How long one receive waits for a message. */
  readonly waitMs?: number
  /**
   * Asked for a message that was received before: must it be worked on alone, because it may end this process? Then what is in work ends first, and nothing is received
   * until it is done: whatever a crash finds received has lost an attempt. With it, one message is received at a time.
   */
  readonly alone?: (message: ReceivedMessage) => Promise<boolean>
}

export interface EventSource {
  /** Resolves when the queue had nothing to receive and nothing was in work (hidden and delayed messages may be left), or after `stop`. @throws what `ended` rejects with. */
  idle(): Promise<void>
  /**
   * Receives no more, waits up to `graceMs` for what is in work, then aborts it and waits up to `endingMs` (or as long again) for it to end: a checkpoint
   * takes its time. What was aborted and ended by then without success is visible at once; anything else comes back when its visibility ends. Calling it
   * twice waits for the same end.
   */
  stop(graceMs: number, endingMs?: number): Promise<void>
  /** Resolves after `stop`; rejects when the queue refuses for good (retry class `never`): nothing is received any more. */
  readonly ended: Promise<void>
}

const WAIT_MS_DEFAULT = 20_000
/** Pause after a receive that failed, doubled each time up to RETRY_LAST_MS. */
const PAUSE_FIRST_MS = 1000

export function startEventSource(options: EventSourceOptions): EventSource {
  return new Source(options)
}

class Source implements EventSource {
  readonly ended: Promise<void>
  readonly #options: EventSourceOptions
  readonly #stopping = new AbortController()
  readonly #interrupt = new AbortController()
  readonly #inWork = new Set<Promise<void>>()
  #idleWaiters: (() => void)[] = []
  /** Ends the wait of the receive under way, so that the loop looks around. */
  #nudge = new AbortController()
  /** Lets the loop go on when it waits for a free slot. */
  #slotFree: () => void = () => undefined
  #stopped: Promise<void> | undefined

  constructor(options: EventSourceOptions) {
    assert(options.batchSize >= 1 && options.batchSize <= RECEIVE_MAX, 'a batch has 1 to 10 messages')
    assert(options.concurrency >= 1, 'at least one batch is worked on at once')
    this.#options = options
    this.ended = this.#loop()
    this.ended.catch(() => undefined) // whoever looks at `ended` or `idle` only later is told then
  }

  idle(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#idleWaiters.push(resolve)
      this.#nudge.abort()
      this.ended.then(resolve, reject)
    })
  }

  stop(graceMs: number, endingMs = graceMs): Promise<void> {
    this.#stopped ??= this.#stopNow(graceMs, endingMs)
    return this.#stopped
  }

  async #stopNow(graceMs: number, endingMs: number): Promise<void> {
    this.#stopping.abort()
    this.#nudge.abort()
    this.#slotFree()
    await this.ended.catch(() => undefined) // its error is told by `ended` and `idle`
    if (await this.#allEnd(graceMs)) return
    this.#interrupt.abort(new TorikiError('interrupted'))
    await this.#allEnd(endingMs)
  }

  /** False when something is still in work after `limitMs`. */
  async #allEnd(limitMs: number): Promise<boolean> {
    const enough = new AbortController()
    const all = Promise.all([...this.#inWork]).then(() => true)
    const limit = this.#options.clock.sleep(limitMs, enough.signal).then(
      () => false,
      () => true, // no longer needed
    )
    const inTime = await Promise.race([all, limit])
    enough.abort()
    return inTime
  }

  async #loop(): Promise<void> {
    const {
      queue,
      batchSize,
      concurrency,
      visibilityMs,
      leaseMs,
      waitMs = WAIT_MS_DEFAULT,
      alone,
      clock,
      log,
      name,
    } = this.#options
    let pauseMs = PAUSE_FIRST_MS
    while (!this.#stopping.signal.aborted) {
      const slots = concurrency - this.#inWork.size
      if (slots <= 0) {
        await new Promise<void>((resolve) => (this.#slotFree = resolve))
        continue
      }
      this.#nudge = new AbortController()
      // Somebody wants to know whether the queue is empty: look, do not wait. With work under way the answer would be no.
      const waits = this.#idleWaiters.length === 0 || this.#inWork.size > 0
      try {
        const max = alone === undefined ? Math.min(RECEIVE_MAX, slots * batchSize) : 1
        const messages = await queue.receive({
          max,
          waitMs: waits ? waitMs : 0,
          visibilityMs: leaseMs ?? visibilityMs,
          ...(waits ? { signal: this.#nudge.signal } : {}),
        })
        const [first] = messages
        if (first !== undefined && first.receiveCount > 1 && (await alone?.(first)) === true) {
          this.#begin(messages, Promise.all(this.#inWork))
          await this.#untilDone()
        } else {
          for (let index = 0; index < messages.length; index += batchSize)
            this.#begin(messages.slice(index, index + batchSize))
        }
        if (messages.length === 0 && !waits) this.#releaseIdle()
        pauseMs = PAUSE_FIRST_MS
      } catch (error) {
        const { code, retry } = toTorikiError(error)
        log.write('warn', 'event-source.receive-failed', { queue: name, code })
        if (isTorikiError(error) && retry === 'never') throw error
        await clock.sleep(this.#options.random.fraction() * pauseMs, this.#stopping.signal).catch(() => undefined) // stopped: the loop sees it
        pauseMs = Math.min(RETRY_LAST_MS, pauseMs * 2)
      }
    }
  }

  #releaseIdle(): void {
    const waiters = this.#idleWaiters
    this.#idleWaiters = []
    for (const resolve of waiters) resolve()
  }

  /** Nothing is in work, or the source stops. */
  async #untilDone(): Promise<void> {
    const { signal } = this.#stopping
    const stopping = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    if (!signal.aborted) await Promise.race([Promise.all(this.#inWork), stopping])
  }

  /** `before`: what must end first. The messages are kept meanwhile. */
  #begin(batch: readonly ReceivedMessage[], before?: Promise<unknown>): void {
    const work = this.#work(batch, before).finally(() => {
      this.#inWork.delete(work)
      this.#slotFree()
      if (this.#idleWaiters.length > 0) this.#nudge.abort()
    })
    this.#inWork.add(work)
  }

  /** One invocation. Never rejects: what goes wrong leaves messages in the queue. */
  async #work(batch: readonly ReceivedMessage[], before?: Promise<unknown>): Promise<void> {
    const { queue, log, name } = this.#options
    const renewal = new AbortController()
    const renewing = this.#renew(batch, renewal.signal)
    await before
    const failed = await this.#invoke(batch)
    renewal.abort()
    await renewing
    const interrupted = this.#interrupt.signal.aborted
    for (const message of batch) {
      try {
        if (!failed.has(message.id)) await queue.delete(message.receipt)
        else if (interrupted) await queue.changeVisibility(message.receipt, 0)
      } catch (error) {
        log.write('warn', 'event-source.acknowledge-failed', {
          queue: name,
          message: message.id,
          code: toTorikiError(error).code,
        }) // delivered again later
      }
    }
  }

  /** Ids of the messages that did not succeed. */
  async #invoke(batch: readonly ReceivedMessage[]): Promise<ReadonlySet<string>> {
    const { clock, timeoutMs, random, handler, log, name } = this.#options
    const all = new Set(batch.map(({ id }) => id))
    const timer = new AbortController()
    const over = new AbortController()
    const signal = AbortSignal.any([over.signal, this.#interrupt.signal])
    const startMs = clock.monotonicMs()
    const requestId = random.bytes(16).toString('hex')
    const context: EventContext = {
      awsRequestId: requestId,
      getRemainingTimeInMillis: () => Math.max(0, timeoutMs - (clock.monotonicMs() - startMs)),
      signal,
    }
    const timedOut = clock.sleep(timeoutMs, timer.signal).then(
      () => over.abort(new TorikiError('deadline')),
      () => undefined, // the handler was in time
    )
    try {
      const answering = Promise.resolve().then(() =>
        handler({ Records: batch.map((message) => this.#record(message)) }, context),
      )
      const answer = await Promise.race([answering, timedOut.then(() => undefined)])
      if (over.signal.aborted) {
        log.write('error', 'event-source.timed-out', {
          queue: name,
          request: requestId,
          messages: batch.length,
          timeoutMs,
        })
        answering.catch((error: unknown) =>
          log.write('debug', 'event-source.ended-late', {
            queue: name,
            request: requestId,
            code: toTorikiError(error).code,
          }),
        )
        return all
      }
      return failures(answer, all)
    } catch (error) {
      log.write('warn', 'event-source.handler-failed', {
        queue: name,
        request: requestId,
        messages: batch.length,
        code: toTorikiError(error).code,
      })
      return all
    } finally {
      timer.abort()
      await timedOut
    }
  }

  /** Keeps the messages hidden until the signal, when there is a lease. */
  async #renew(batch: readonly ReceivedMessage[], signal: AbortSignal): Promise<void> {
    const { leaseMs, queue, clock, log, name } = this.#options
    if (leaseMs === undefined) return
    for (;;) {
      const ended = await clock.sleep(leaseMs / 3, signal).then(
        () => false,
        () => true,
      )
      if (ended) return
      for (const { receipt, id } of batch) {
        await queue.changeVisibility(receipt, leaseMs).catch((error: unknown) => {
          log.write('warn', 'event-source.renewal-failed', {
            queue: name,
            message: id,
            code: toTorikiError(error).code,
          }) // tried again at the next third
        })
      }
    }
  }

  #record(message: ReceivedMessage): SQSRecord {
    return {
      messageId: message.id,
      receiptHandle: message.receipt,
      body: message.body,
      attributes: {
        ApproximateReceiveCount: String(message.receiveCount),
        SentTimestamp: String(message.sentAt.getTime()),
        SenderId: 'toriki',
        ApproximateFirstReceiveTimestamp: String(this.#options.clock.now().getTime()),
      },
      messageAttributes: {},
      md5OfBody: createHash('md5').update(message.body, 'utf8').digest('hex'),
      eventSource: 'toriki:queue',
      eventSourceARN: this.#options.name,
      awsRegion: 'local',
    }
  }
}

/** Lambda's rule: an answer that names nobody is success of all; one that names a message which is not in the batch, or none, is failure of all. */
function failures(answer: SQSBatchResponse | void | undefined | null, all: ReadonlySet<string>): ReadonlySet<string> {
  const failed = new Set((answer?.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier))
  return [...failed].every((id) => all.has(id)) ? failed : all
}
