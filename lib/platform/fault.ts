/**
 * Faults on purpose, for tests and simulation: what a network, a full disk and a killed process do to calls of the platform. One injector is shared
 * by the `fault` wrappers of all ports of one simulated process, so calls have one order and a kill ends them all.
 */
import { TorikiError } from '../errors.ts'
import type { ErrorCode } from '../errors.ts'
import type { Clock } from './clock.ts'
import type { Random } from './random.ts'

export interface FaultCall {
  readonly port: 'object-store' | 'queue' | 'key-service' | 'live-system'
  readonly operation: string
  /** What it is about, where there is a name: a key, a prefix, a queue. */
  readonly subject: string
  /** The how-many-th call of this process, from 1. */
  readonly number: number
}

/**
 * `fail-before`: it did not happen. `fail-after`: it happened, the answer is lost. `duplicate`: it happens twice (a message is delivered twice).
 * `kill-before` and `kill-after`: the process ends there; this call and every later one throw `Killed`.
 */
export type Fault =
  | { readonly kind: 'fail-before' | 'fail-after'; readonly error?: TorikiError }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'duplicate' | 'kill-before' | 'kill-after' }

export type FaultPlan = (call: FaultCall) => Fault | undefined

/** The process is dead. Whoever catches it can do nothing more through its platform. */
export class Killed extends Error {
  override readonly name = 'Killed'
  constructor() {
    super('the simulated process was killed')
  }
}

const unavailable: Readonly<Record<FaultCall['port'], ErrorCode>> = {
  'object-store': 'store-unavailable',
  queue: 'queue-unavailable',
  'key-service': 'key-service-unavailable',
  'live-system': 'source-unreachable',
}

export class FaultInjector {
  readonly #plan: FaultPlan
  readonly #clock: Clock
  #calls = 0
  #killed = false

  constructor(options: { readonly plan: FaultPlan; readonly clock: Clock }) {
    this.#plan = options.plan
    this.#clock = options.clock
  }

  /** Calls so far, refused ones included: run once without faults, and a test knows at how many places it can kill. */
  get calls(): number {
    return this.#calls
  }

  get killed(): boolean {
    return this.#killed
  }

  /** Ends the process from outside. */
  kill(): void {
    this.#killed = true
  }

  /** Does `action` as the plan wants it; `again` is what a duplicate does after it, by default the same. */
  async run<T>(
    call: Omit<FaultCall, 'number'>,
    action: () => Promise<T>,
    again: (first: T) => Promise<T> = () => action(),
  ): Promise<T> {
    if (this.#killed) throw new Killed()
    const fault = this.#plan({ ...call, number: ++this.#calls })
    if (fault?.kind === 'kill-before') this.#die()
    if (fault?.kind === 'fail-before') throw fault.error ?? lost(call)
    if (fault?.kind === 'delay') await this.#clock.sleep(fault.ms)
    if (this.#killed) throw new Killed()
    let result = await action()
    if (fault?.kind === 'duplicate') result = await again(result)
    if (fault?.kind === 'kill-after') this.#die()
    if (this.#killed) throw new Killed() // its answer came after the end
    if (fault?.kind === 'fail-after') throw fault.error ?? lost(call)
    return result
  }

  #die(): never {
    this.#killed = true
    throw new Killed()
  }
}

/** Nothing goes wrong: for counting calls. */
export const noFaults: FaultPlan = () => undefined

/** Ends the process at its `number`-th call, before or after it happened. */
export function killAt(number: number, when: 'before' | 'after'): FaultPlan {
  return (call) => (call.number === number ? { kind: `kill-${when}` } : undefined)
}

export interface FaultShares {
  /** Shares of all calls, in [0, 1]; together at most 1. */
  readonly failBefore?: number
  readonly failAfter?: number
  readonly delay?: number
  readonly delayMsMax?: number
  readonly duplicate?: number
}

/** Faults by chance; the same seed gives the same faults to the same calls. */
export function randomFaults(random: Random, shares: FaultShares): FaultPlan {
  return () => {
    let point = random.fraction()
    const hit = (share = 0): boolean => {
      const inside = point >= 0 && point < share
      point -= share
      return inside
    }
    if (hit(shares.failBefore)) return { kind: 'fail-before' }
    if (hit(shares.failAfter)) return { kind: 'fail-after' }
    if (hit(shares.delay)) return { kind: 'delay', ms: random.fraction() * (shares.delayMsMax ?? 1000) }
    if (hit(shares.duplicate)) return { kind: 'duplicate' }
    return undefined
  }
}

/** The first plan that has a fault for the call. */
export function anyOf(...plans: readonly FaultPlan[]): FaultPlan {
  return (call) => {
    for (const plan of plans) {
      const fault = plan(call)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}

function lost(call: Omit<FaultCall, 'number'>): TorikiError {
  return new TorikiError(unavailable[call.port], {
    message: `A fault was injected into ${call.port} ${call.operation}.`,
  })
}
