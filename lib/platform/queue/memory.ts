/** Queues in memory, for tests and simulation: SQS's rules over any clock, in order of sending or, with `shuffle`, in a seeded disorder. */
import type { Clock } from '../clock.ts'
import type { Random } from '../random.ts'
import { assertOutgoing, assertReceive, assertVisibility } from './bounds.ts'
import type { ReceiveOptions } from './bounds.ts'
import type { OutgoingMessage, Queue, QueueName, Queues, ReceivedMessage } from './port.ts'
import { queueNames } from './port.ts'
import { WakeUp } from './wake-up.ts'

interface StoredMessage {
  readonly id: string
  readonly body: string
  readonly sentAt: Date
  visibleAtMs: number
  receiveCount: number
  /** The newest, or undefined before the first receive from this queue. */
  receipt: string | undefined
}

/** With `shuffle`, a message is drawn from so many of the oldest visible ones: disorder without starving. */
const SHUFFLE_WINDOW = 64

export interface MemoryQueuesOptions {
  readonly clock: Clock
  readonly random: Random
  /** Received so often without a delete, a message moves to the dead-letter queue at its next receive. */
  readonly receivesMax: number
  /** Deliver in an order that `random` chooses. */
  readonly shuffle?: boolean
}

export class MemoryQueues implements Queues {
  readonly #queues = new Map<QueueName, MemoryQueue>()
  readonly #dead = new Map<QueueName, MemoryQueue>()

  constructor(options: MemoryQueuesOptions) {
    for (const name of queueNames) {
      const dead = new MemoryQueue(options, undefined)
      this.#dead.set(name, dead)
      this.#queues.set(name, new MemoryQueue(options, dead))
    }
  }

  queue(name: QueueName): MemoryQueue {
    return this.#queues.get(name) as MemoryQueue
  }

  deadLetter(name: QueueName): MemoryQueue {
    return this.#dead.get(name) as MemoryQueue
  }

  async close(): Promise<void> {}
}

export class MemoryQueue implements Queue {
  readonly #options: MemoryQueuesOptions
  readonly #dead: MemoryQueue | undefined
  /** By id, oldest first. */
  readonly #messages = new Map<string, StoredMessage>()
  readonly #wakeUp = new WakeUp()

  constructor(options: MemoryQueuesOptions, dead: MemoryQueue | undefined) {
    this.#options = options
    this.#dead = dead
  }

  async send(messages: readonly OutgoingMessage[]): Promise<void> {
    assertOutgoing(messages)
    const { clock, random } = this.#options
    const sentAt = clock.now()
    for (const { body, delaySeconds = 0 } of messages) {
      this.#put({
        id: random.bytes(16).toString('hex'),
        body,
        sentAt,
        visibleAtMs: sentAt.getTime() + delaySeconds * 1000,
        receiveCount: 0,
        receipt: undefined,
      })
    }
  }

  async receive(options: ReceiveOptions): Promise<readonly ReceivedMessage[]> {
    assertReceive(options)
    const { clock } = this.#options
    const deadlineMs = clock.monotonicMs() + options.waitMs
    for (;;) {
      if (options.signal?.aborted === true) return []
      const taken = this.#take(options)
      const leftMs = deadlineMs - clock.monotonicMs()
      if (taken.length > 0 || leftMs <= 0) return taken
      await this.#wakeUp.sleep(clock, Math.min(leftMs, this.#nextVisibleInMs()), options.signal)
    }
  }

  async delete(receipt: string): Promise<void> {
    const message = this.#holder(receipt)
    if (message !== undefined) this.#messages.delete(message.id)
  }

  async changeVisibility(receipt: string, visibilityMs: number): Promise<void> {
    assertVisibility(visibilityMs)
    const message = this.#holder(receipt)
    const now = this.#options.clock.now().getTime()
    if (message === undefined || message.visibleAtMs <= now) return
    message.visibleAtMs = now + visibilityMs
    this.#wakeUp.wake()
  }

  async depth(): Promise<{ visible: number; hidden: number; delayed: number }> {
    const depth = { visible: 0, hidden: 0, delayed: 0 }
    const now = this.#options.clock.now().getTime()
    for (const message of this.#messages.values()) {
      depth[message.visibleAtMs <= now ? 'visible' : message.receipt === undefined ? 'delayed' : 'hidden']++
    }
    return depth
  }

  /** Bodies of all messages, oldest first, whatever their state: for tests. */
  bodies(): readonly string[] {
    return [...this.#messages.values()].map(({ body }) => body)
  }

  #put(message: StoredMessage): void {
    this.#messages.set(message.id, message)
    this.#wakeUp.wake()
  }

  #take({ max, visibilityMs }: ReceiveOptions): ReceivedMessage[] {
    const now = this.#options.clock.now().getTime()
    const taken: ReceivedMessage[] = []
    const once = new Set<StoredMessage>()
    while (taken.length < max) {
      const message = this.#draw(now, once)
      if (message === undefined) break
      if (this.#dead !== undefined && message.receiveCount >= this.#options.receivesMax) {
        this.#messages.delete(message.id)
        this.#dead.#put({ ...message, visibleAtMs: now, receipt: undefined })
        continue
      }
      message.receiveCount++
      message.receipt = `${message.id}.${message.receiveCount}`
      message.visibleAtMs = now + visibilityMs
      const { id, receipt, body, receiveCount, sentAt } = message
      taken.push({ id, receipt, body, receiveCount, sentAt })
      once.add(message)
    }
    return taken
  }

  /** A visible message that is not among `except`: with a visibility of 0, what was just taken is visible at once. */
  #draw(now: number, except: ReadonlySet<StoredMessage>): StoredMessage | undefined {
    const window: StoredMessage[] = []
    for (const message of this.#messages.values()) {
      if (message.visibleAtMs > now || except.has(message)) continue
      if (this.#options.shuffle !== true) return message
      window.push(message)
      if (window.length === SHUFFLE_WINDOW) break
    }
    return window[Math.floor(this.#options.random.fraction() * window.length)]
  }

  /** The message this receipt still speaks for. */
  #holder(receipt: string): StoredMessage | undefined {
    const message = this.#messages.get(receipt.slice(0, receipt.indexOf('.')))
    return message?.receipt === receipt ? message : undefined
  }

  #nextVisibleInMs(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { visibleAtMs } of this.#messages.values()) next = Math.min(next, visibleAtMs)
    return Math.max(1, next - this.#options.clock.now().getTime())
  }
}
