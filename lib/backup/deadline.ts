/** The time that a function has, as a signal: it is aborted while there is still time to write down what was done. */
import { TorikiError } from '../errors.ts'
import { CONTINUATION_RESERVE_MS } from '../limits.ts'
import type { Clock } from '../platform/clock.ts'

/** What a handler is told about its invocation, as Lambda has it. */
export interface Invocation {
  /** The same when the host delivers an event again that nobody waits for. */
  readonly awsRequestId: string
  getRemainingTimeInMillis(): number
  /** Aborted with `interrupted` when the host stops; a function's host has none. */
  readonly signal?: AbortSignal
}

/** Runs `work` with a signal that is aborted with `deadline`, CONTINUATION_RESERVE_MS before the end. Leaves no timer behind. */
export async function withDeadline<T>(
  service: { readonly platform: { readonly clock: Clock } },
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
