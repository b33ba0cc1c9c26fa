/** SQS's bounds, asserted on every driver, so that what works here works there. All are ours to keep: a breach is a mistake in the house. */
import assert from 'node:assert/strict'
import { DELAY_SECONDS_MAX, MESSAGE_BYTES_MAX, RECEIVE_MAX, VISIBILITY_MS_MAX, WAIT_MS_MAX } from './port.ts'
import type { OutgoingMessage } from './port.ts'

export interface ReceiveOptions {
  readonly max: number
  readonly waitMs: number
  readonly visibilityMs: number
  readonly signal?: AbortSignal
}

export function assertOutgoing(messages: readonly OutgoingMessage[]): void {
  for (const { body, delaySeconds = 0 } of messages) {
    const bytes = Buffer.byteLength(body, 'utf8')
    assert(bytes > 0 && bytes <= MESSAGE_BYTES_MAX, `a message has 1 to ${MESSAGE_BYTES_MAX} bytes, not ${bytes}`)
    assert(
      Number.isInteger(delaySeconds) && delaySeconds >= 0 && delaySeconds <= DELAY_SECONDS_MAX,
      `a delay is 0 to ${DELAY_SECONDS_MAX} whole seconds, not ${delaySeconds}`,
    )
  }
}

export function assertReceive({ max, waitMs, visibilityMs }: ReceiveOptions): void {
  assert(
    Number.isInteger(max) && max >= 1 && max <= RECEIVE_MAX,
    `a receive asks for 1 to ${RECEIVE_MAX} messages, not ${max}`,
  )
  assert(waitMs >= 0 && waitMs <= WAIT_MS_MAX, `a receive waits 0 to ${WAIT_MS_MAX} ms, not ${waitMs}`)
  assertVisibility(visibilityMs)
}

export function assertVisibility(visibilityMs: number): void {
  assert(
    visibilityMs >= 0 && visibilityMs <= VISIBILITY_MS_MAX,
    `a visibility is 0 to ${VISIBILITY_MS_MAX} ms, not ${visibilityMs}`,
  )
}
