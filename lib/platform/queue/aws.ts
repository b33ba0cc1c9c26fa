/**
 * Queues that are SQS's, or of a server that speaks its protocol: `<prefix>-<queue>` and `<prefix>-<queue>-dead` for each kind of work. They are made by the
 * infrastructure, looked at when opened, and never changed. The SDK tries once: put the retry of this house around it. README.md says where SQS promises less.
 */
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import type { Message, QueueAttributeName, SendMessageBatchRequestEntry } from '@aws-sdk/client-sqs'
import { isTorikiError, TorikiError } from '../../errors.ts'
import { awsClientOptions, describePlace } from '../aws-client-options.ts'
import type { AwsPlace } from '../aws-client-options.ts'
import { isStaleReceipt, sqsError } from './aws-error.ts'
import { checkQueueRules } from './aws-rules.ts'
import type { QueueRules } from './aws-rules.ts'
import { assertOutgoing, assertReceive, assertVisibility } from './bounds.ts'
import type { ReceiveOptions } from './bounds.ts'
import { queueNames } from './port.ts'
import type { OutgoingMessage, Queue, QueueName, Queues, ReceivedMessage } from './port.ts'

/** SQS's bounds on one call of SendMessageBatch; since 2025 AWS takes 1 MiB, other servers still this. */
const BATCH_MESSAGES_MAX = 10
const BATCH_BYTES_MAX = 262_144
const BATCHES_AT_ONCE = 4
/** Messages of a batch that the server failed to take are sent again so often before the whole send fails. */
const PARTIAL_TRIES_MAX = 3
/**
 * A wait that may be aborted asks for so long at a time, and an abort waits for its end: a request that is cut off may already have been given messages, which nobody
 * would see until their visibility ends.
 */
const ABORTABLE_WAIT_SECONDS = 2

export interface AwsQueuesOptions extends AwsPlace {
  readonly prefix: string
  readonly rules: QueueRules
}

export class AwsQueues implements Queues {
  readonly #client: SQSClient
  readonly #rules: QueueRules
  readonly #queues = new Map<QueueName, { readonly work: AwsQueue; readonly dead: AwsQueue }>()

  constructor(options: AwsQueuesOptions) {
    // AWS's addresses of queues are where they are asked; another server may name itself by an address that is not ours.
    this.#client = new SQSClient({
      ...awsClientOptions(options),
      useQueueUrlAsEndpoint: options.endpoint === undefined,
    })
    this.#rules = options.rules
    const place = describePlace(options)
    for (const name of queueNames) {
      const queue = `${options.prefix}-${name}`
      this.#queues.set(name, {
        work: new AwsQueue(this.#client, queue, place),
        dead: new AwsQueue(this.#client, `${queue}-dead`, place),
      })
    }
  }

  queue(name: QueueName): Queue {
    return this.#pair(name).work
  }

  deadLetter(name: QueueName): Queue {
    return this.#pair(name).dead
  }

  /** The region that requests are signed for. @throws TorikiError `queue-refused` when nobody names one. */
  region(): Promise<string> {
    return this.#pair('backup-slice').work.region()
  }

  async check(name: QueueName, { tolerant }: { readonly tolerant: boolean }): Promise<void> {
    const { work, dead } = this.#pair(name)
    const [attributes] = await Promise.all([
      passing(tolerant, () => work.attributes(['VisibilityTimeout', 'RedrivePolicy'])),
      passing(tolerant, () => dead.attributes(['QueueArn'])),
    ])
    if (attributes !== undefined) checkQueueRules(work.name, dead.name, attributes, this.#rules)
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  #pair(name: QueueName): { readonly work: AwsQueue; readonly dead: AwsQueue } {
    return this.#queues.get(name) as { readonly work: AwsQueue; readonly dead: AwsQueue }
  }
}

class AwsQueue implements Queue {
  readonly name: string
  readonly #client: SQSClient
  readonly #place: string
  #url: Promise<string> | undefined

  constructor(client: SQSClient, name: string, place: string) {
    this.#client = client
    this.name = name
    this.#place = place
  }

  async send(messages: readonly OutgoingMessage[]): Promise<void> {
    assertOutgoing(messages)
    const batches = batchesOf(messages)
    for (let at = 0; at < batches.length; at += BATCHES_AT_ONCE)
      await Promise.all(batches.slice(at, at + BATCHES_AT_ONCE).map((batch) => this.#sendBatch(batch)))
  }

  async receive(options: ReceiveOptions): Promise<readonly ReceivedMessage[]> {
    assertReceive(options)
    const { max, waitMs, visibilityMs, signal } = options
    const isAborted = (): boolean => signal?.aborted === true
    const sliceSeconds = signal === undefined ? Number.POSITIVE_INFINITY : ABORTABLE_WAIT_SECONDS
    let leftSeconds = Math.ceil(waitMs / 1000)
    for (;;) {
      if (isAborted()) return []
      const waitSeconds = Math.min(leftSeconds, sliceSeconds)
      const messages = await this.#receiveOnce(max, waitSeconds, visibilityMs)
      if (isAborted()) {
        await Promise.all(messages.map(({ receipt }) => this.changeVisibility(receipt, 0)))
        return []
      }
      leftSeconds -= waitSeconds
      if (messages.length > 0 || leftSeconds <= 0) return messages
    }
  }

  delete(receipt: string): Promise<void> {
    return this.#withReceipt('delete', receipt, (url) =>
      this.#client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: receipt })),
    )
  }

  async changeVisibility(receipt: string, visibilityMs: number): Promise<void> {
    assertVisibility(visibilityMs)
    await this.#withReceipt('changeVisibility', receipt, (url) =>
      this.#client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: url,
          ReceiptHandle: receipt,
          VisibilityTimeout: wholeSeconds(visibilityMs),
        }),
      ),
    )
  }

  async depth(): Promise<{ readonly visible: number; readonly hidden: number; readonly delayed: number }> {
    const names = [
      'ApproximateNumberOfMessages',
      'ApproximateNumberOfMessagesNotVisible',
      'ApproximateNumberOfMessagesDelayed',
    ] as const
    const given = await this.attributes(names)
    const [visible = 0, hidden = 0, delayed = 0] = names.map((name) => Number(given[name] ?? 0))
    return { visible, hidden, delayed }
  }

  attributes(names: readonly QueueAttributeName[]): Promise<Partial<Record<string, string>>> {
    return this.#asking('attributes', async (url) => {
      const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...names] })
      return (await this.#client.send(command)).Attributes ?? {}
    })
  }

  async region(): Promise<string> {
    try {
      return await this.#client.config.region()
    } catch (error) {
      throw this.#error('region', error)
    }
  }

  async #sendBatch(batch: readonly OutgoingMessage[]): Promise<void> {
    let left: readonly SendMessageBatchRequestEntry[] = batch.map(({ body, delaySeconds }, index) => ({
      Id: String(index),
      MessageBody: body,
      ...(delaySeconds === undefined ? {} : { DelaySeconds: delaySeconds }),
    }))
    for (let tries = 1; ; tries++) {
      const answer = await this.#asking('send', (url) =>
        this.#client.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: [...left] })),
      )
      const failed = answer.Failed ?? []
      const taken = new Set(answer.Successful?.map(({ Id }) => Id))
      left = left.filter(({ Id }) => !taken.has(Id))
      if (left.length === 0) return
      const refusal = failed.find(({ SenderFault }) => SenderFault === true)
      if (refusal !== undefined) throw this.#error('send', { name: refusal.Code, $metadata: { httpStatusCode: 400 } })
      if (tries === PARTIAL_TRIES_MAX)
        throw new TorikiError('queue-unavailable', {
          message: `The queue ${this.name} takes only a part of what it is sent.`,
          ids: { operation: 'send', left: left.length },
        })
    }
  }

  async #receiveOnce(max: number, waitSeconds: number, visibilityMs: number): Promise<readonly ReceivedMessage[]> {
    const { Messages = [] } = await this.#asking('receive', (url) =>
      this.#client.send(
        new ReceiveMessageCommand({
          QueueUrl: url,
          MaxNumberOfMessages: max,
          WaitTimeSeconds: waitSeconds,
          VisibilityTimeout: wholeSeconds(visibilityMs),
          MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
        }),
      ),
    )
    return Messages.map((message) => this.#received(message))
  }

  #received({ MessageId, ReceiptHandle, Body = '', Attributes = {} }: Message): ReceivedMessage {
    const receiveCount = Number(Attributes.ApproximateReceiveCount)
    const sentAt = new Date(Number(Attributes.SentTimestamp))
    if (
      MessageId === undefined ||
      ReceiptHandle === undefined ||
      !(receiveCount >= 1) ||
      Number.isNaN(sentAt.getTime())
    )
      throw new TorikiError('queue-unavailable', {
        message: `What answers for the queue ${this.name} at ${this.#place} is not a queue.`,
        remedy: 'Check `queue.sqs.endpoint`.',
      })
    return { id: MessageId, receipt: ReceiptHandle, body: Body, receiveCount, sentAt }
  }

  /** A receipt that is stale, of another queue or of nobody is nobody's trouble. */
  async #withReceipt(operation: string, receipt: string, action: (url: string) => Promise<unknown>): Promise<void> {
    if (receipt === '') return
    await this.#asking(operation, async (url) => {
      try {
        await action(url)
      } catch (error) {
        if (!isStaleReceipt(error)) throw error
      }
    })
  }

  async #asking<T>(operation: string, ask: (url: string) => Promise<T>): Promise<T> {
    try {
      return await ask(await this.#findUrl())
    } catch (error) {
      throw this.#error(operation, error)
    }
  }

  /** Asked for once; after a failure again. */
  async #findUrl(): Promise<string> {
    this.#url ??= this.#askUrl()
    try {
      return await this.#url
    } catch (error) {
      this.#url = undefined
      throw error
    }
  }

  async #askUrl(): Promise<string> {
    const { QueueUrl } = await this.#client.send(new GetQueueUrlCommand({ QueueName: this.name }))
    if (QueueUrl === undefined)
      throw new TorikiError('queue-unavailable', { message: `The server has no address for the queue ${this.name}.` })
    return QueueUrl
  }

  #error(operation: string, error: unknown): TorikiError {
    return sqsError(error, { queue: this.name, place: this.#place, operation })
  }
}

/** In the order given, as few calls as the bounds allow. */
function batchesOf(messages: readonly OutgoingMessage[]): OutgoingMessage[][] {
  const batches: OutgoingMessage[][] = []
  let bytes = 0
  for (const message of messages) {
    const more = Buffer.byteLength(message.body, 'utf8')
    const batch = batches.at(-1)
    if (batch !== undefined && batch.length < BATCH_MESSAGES_MAX && bytes + more <= BATCH_BYTES_MAX) {
      batch.push(message)
      bytes += more
    } else {
      batches.push([message])
      bytes = more
    }
  }
  return batches
}

/** Never shorter than asked for: SQS counts in whole seconds. */
function wholeSeconds(ms: number): number {
  return Math.ceil(ms / 1000)
}

async function passing<T>(tolerant: boolean, look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look()
  } catch (error) {
    const harmless = isTorikiError(error, 'queue-unavailable') || isDenied(error)
    if (tolerant && harmless) return undefined
    throw error
  }
}

function isDenied(error: unknown): boolean {
  return isTorikiError(error, 'queue-refused') && String(error.ids['reason']).startsWith('AccessDenied')
}
