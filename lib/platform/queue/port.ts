/**
 * Queues, as the house needs them: at-least-once, unordered, with visibility, delay, receive counts and a dead-letter queue each (SQS's model).
 *
 * Promises: a sent message is durable when `send` returns; it is received at least once until deleted; after `receivesMax` receives without a
 * delete it moves to the dead-letter queue. It may be received twice, late, or in any order.
 */

/** One queue and one dead-letter queue per kind of work. */
export type QueueName = 'backup-slice' | 'settle-run' | 'replay-run'
export const queueNames: readonly QueueName[] = ['backup-slice', 'settle-run', 'replay-run']

/** Longest message body, in bytes of UTF-8, on every driver. */
export const MESSAGE_BYTES_MAX = 64 * 1024
/** Longest delay and visibility, as SQS has them. */
export const DELAY_SECONDS_MAX = 900

export interface OutgoingMessage {
  readonly body: string
  readonly delaySeconds?: number
}

export interface ReceivedMessage {
  /** The queue's own id: the same on every delivery of one message. */
  readonly id: string
  readonly receipt: string
  readonly body: string
  /** 1 on the first delivery. */
  readonly receiveCount: number
  readonly sentAt: Date
}

export interface Queue {
  /** All or, after an error, possibly some: sending again is safe because every consumer is idempotent. Any number; drivers batch. */
  send(messages: readonly OutgoingMessage[]): Promise<void>
  /** Up to `max` (at most 10) messages, hidden from others for `visibilityMs`; waits up to `waitMs` for the first. */
  receive(options: { readonly max: number; readonly waitMs: number; readonly visibilityMs: number; readonly signal?: AbortSignal }): Promise<readonly ReceivedMessage[]>
  /** Acknowledges. No error when it is gone already. */
  delete(receipt: string): Promise<void>
  /** Visible again after `visibilityMs` from now (0: at once). No error when the receipt is no longer valid. */
  changeVisibility(receipt: string, visibilityMs: number): Promise<void>
  /** Messages waiting, hidden and delayed: approximate on some drivers; for status and doctor only, never for a decision on data. */
  depth(): Promise<{ readonly visible: number; readonly hidden: number; readonly delayed: number }>
}

export interface Queues {
  queue(name: QueueName): Queue
  deadLetter(name: QueueName): Queue
  close(): Promise<void>
}
