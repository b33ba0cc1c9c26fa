/** Caps on calls to a neighbour: requests a second, bytes a second, and calls at once. Shared by the `limit` wrappers of all ports. */
import pLimit from 'p-limit'
import type { LimitFunction } from 'p-limit'
import type { Clock } from './clock.ts'
import { Rate } from './rate.ts'

export interface LimitOptions {
  readonly clock: Clock
  readonly requestsPerSecond?: number
  readonly bytesPerSecond?: number
  readonly callsAtOnce?: number
  /** Aborted, it ends the waiting of every call that has not begun; calls under way go on. */
  readonly signal?: AbortSignal
}

export class Limit {
  readonly #requests: Rate | undefined
  readonly #bytes: Rate | undefined
  readonly #slots: LimitFunction | undefined
  readonly #signal: AbortSignal | undefined

  constructor(options: LimitOptions) {
    const { clock, requestsPerSecond, bytesPerSecond, callsAtOnce } = options
    // Requests come evenly, with a burst of a tenth of a second: a neighbour feels bursts.
    this.#requests =
      requestsPerSecond === undefined
        ? undefined
        : new Rate(clock, { perSecond: requestsPerSecond, burst: Math.max(1, requestsPerSecond / 10) })
    this.#bytes = bytesPerSecond === undefined ? undefined : new Rate(clock, { perSecond: bytesPerSecond })
    this.#slots = callsAtOnce === undefined ? undefined : pLimit(callsAtOnce)
    this.#signal = options.signal
  }

  /** Calls when there is room for one more request that sends `bytes`. @throws what the call throws, or the signal's reason. */
  async call<T>(call: () => Promise<T>, bytes = 0): Promise<T> {
    const admitted = async (): Promise<T> => {
      await this.admit(bytes)
      return call()
    }
    return this.#slots === undefined ? admitted() : this.#slots(admitted)
  }

  /** As `call`, for a call that may wait long for its answer (a long poll): it takes no slot. */
  async admit(bytes = 0): Promise<void> {
    this.#signal?.throwIfAborted()
    await this.#requests?.take(1, this.#signal)
    if (bytes > 0) await this.#bytes?.take(bytes, this.#signal)
  }

  /** Counts bytes that came with an answer: the next calls wait for them. */
  received(bytes: number): void {
    this.#bytes?.spend(bytes)
  }
}
