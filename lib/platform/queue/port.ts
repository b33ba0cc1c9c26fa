/**
 * Queues, as the house needs them: at-least-once, unordered, with visibility, delay, receive counts and a dead-letter queue each (SQS's model).
 *
 * Promises: a sent message is durable when `send` returns; it is received at least once until deleted; after `receivesMax` receives without a
 * delete it moves to the dead-letter queue. It may be received twice, late, or in any order.
 */

/** One queue and one dead-letter queue per kind of work. */
export const queueNames = [
  'backup-slice',
  'settle-run',
  'replay-run',
  'plan-restore',
  'restore-slice',
  'prune-slice',
  'compact-slice',
] as const
export type QueueName = (typeof queueNames)[number]

/** Longest message body, in bytes of UTF-8, on every driver. */
export const MESSAGE_BYTES_MAX = 64 * 1024
/** Longest delay, longest visibility, most messages of one receive and longest wait for them, as SQS has them. */
export const DELAY_SECONDS_MAX = 900
export const VISIBILITY_MS_MAX = 43_200_000
export const RECEIVE_MAX = 10
export const WAIT_MS_MAX = 20_000

export interface OutgoingMessage {
  readonly body: string
  readonly delaySeconds?: number
}

export interface ReceivedMessage {
  /** The queue's own id: the same on every delivery of one message. */
  readonly id: string
  readonly receipt: string
  readonly body: string
  /** 1 on the first delivery; goes on counting in the dead-letter queue, as SQS counts "across all queues". */
  readonly receiveCount: number
  readonly sentAt: Date
}

export interface Queue {
  /** All or, after an error, possibly some: sending again is safe because every consumer is idempotent. Any number; drivers batch. */
  send(messages: readonly OutgoingMessage[]): Promise<void>
  /**
   * Up to `max` (at most 10) messages, hidden from others for `visibilityMs`; waits up to `waitMs` for the first. Aborted while it waits, it
   * answers with none and has taken none.
   */
  receive(options: {
    readonly max: number
    readonly waitMs: number
    readonly visibilityMs: number
    readonly signal?: AbortSignal
  }): Promise<readonly ReceivedMessage[]>
  /**
   * Acknowledges. No error when it is gone already. A receipt is good until its message is received again, also after its visibility ended;
   * from then on it does nothing, so a late worker cannot take the message from the one who has it now.
   */
  delete(receipt: string): Promise<void>
  /** Visible again after `visibilityMs` from now (0: at once). Does nothing when the message is gone, visible or somebody else's by now. */
  changeVisibility(receipt: string, visibilityMs: number): Promise<void>
  /** Messages waiting, hidden and delayed: approximate on some drivers; for status and doctor only, never for a decision on data. */
  depth(): Promise<{ readonly visible: number; readonly hidden: number; readonly delayed: number }>
}

export interface Queues {
  queue(name: QueueName): Queue
  deadLetter(name: QueueName): Queue
  /**
   * Where queues are made by others: looks at one and at its dead-letter queue. Are they there, and set as the house needs them? With `tolerant`, as at every start, what
   * cannot be looked at (no right to, or no answer just now) is not held against them: a command that only reads the store needs no queue, and using one tells.
   * @throws TorikiError `queue-refused`, naming the queue; `queue-unavailable` unless `tolerant`.
   */
  check?(name: QueueName, options: { readonly tolerant: boolean }): Promise<void>
  close(): Promise<void>
}
