/**
 * One order for everything that happens: whoever calls the platform or the source waits at a gate until a seeded draw lets him on, and time goes on only
 * by the scheduler's hand. So every interleaving of every await can come, and the same seed gives the same one again.
 */
import { setImmediate } from 'node:timers'
import type { Clock } from '../../lib/platform/clock.ts'
import type { Random } from '../../lib/platform/random.ts'

interface Waiting {
  readonly owner: object
  readonly label: string
  readonly go: () => void
}

interface Sleeper {
  readonly owner: object
  readonly atMs: number
  readonly wake: () => void
}

export interface SchedulerOptions {
  readonly random: Random
  /** How often another than the longest waiting call is let on, in [0, 1]. */
  readonly disorder: number
  /** How often the next sleeper wakes although calls are waiting, in [0, 1]. */
  readonly hurry: number
  /** Longest time one call takes. */
  readonly callMsMax: number
  /** Asked before every step. */
  readonly onStep?: (step: number) => void
}

/** More than any run of the simulation takes: something goes round in circles. */
const STEPS_MAX = 400_000

export class Scheduler {
  readonly trace: string[] = []
  readonly #options: SchedulerOptions
  readonly #startMs: number
  #nowMs: number
  #waiting: Waiting[] = []
  readonly #sleepers = new Set<Sleeper>()
  #steps = 0

  constructor(start: string, options: SchedulerOptions) {
    this.#startMs = this.#nowMs = Date.parse(start)
    this.#options = options
  }

  get steps(): number {
    return this.#steps
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Resolves when it is this call's turn; never for an owner that was dropped. */
  pass(owner: object, label: string): Promise<void> {
    return new Promise((go) => void this.#waiting.push({ owner, label, go }))
  }

  /** The clock as one owner sees it: his sleeps end with him. */
  clockOf(owner: object): Clock {
    return {
      now: () => new Date(this.#nowMs),
      monotonicMs: () => this.#nowMs - this.#startMs,
      sleep: (ms, signal) =>
        new Promise((resolve, reject) => {
          if (signal?.aborted === true) return reject(signal.reason as Error)
          const end = (): void => {
            this.#sleepers.delete(sleeper)
            signal?.removeEventListener('abort', onAbort)
          }
          const sleeper: Sleeper = { owner, atMs: this.#nowMs + Math.max(0, ms), wake: () => (end(), resolve()) }
          const onAbort = (): void => (end(), reject(signal?.reason as Error))
          signal?.addEventListener('abort', onAbort, { once: true })
          this.#sleepers.add(sleeper)
        }),
    }
  }

  /** Its process ended: what it waits for goes on with a chance of a half (a request that was under way), what it sleeps for never. */
  drop(owner: object): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.owner !== owner || this.#options.random.fraction() < 0.5)
    for (const sleeper of this.#sleepers) if (sleeper.owner === owner) this.#sleepers.delete(sleeper)
  }

  /** Time goes on by so much at once. */
  jump(ms: number): void {
    this.#nowMs += ms
    this.note(`time jumps by ${Math.round(ms / 1000)} s`)
  }

  note(line: string): void {
    this.trace.push(`${new Date(this.#nowMs).toISOString().slice(5, 19)} ${line}`)
    if (this.trace.length > 5000) this.trace.splice(0, 1000)
  }

  /** Lets on one call after another until `work` is done. @throws what `work` throws; Error when nothing can go on. */
  async drive<T>(work: Promise<T>): Promise<T> {
    let state: 'running' | 'done' = 'running'
    const ended = work.finally(() => (state = 'done'))
    ended.catch(() => undefined) // told by the await below
    for (;;) {
      await settled()
      if ((state as string) === 'done') return await ended
      this.#step()
    }
  }

  #step(): void {
    const { random, onStep, disorder, hurry, callMsMax } = this.#options
    if (++this.#steps > STEPS_MAX) throw new Error('it goes round in circles')
    onStep?.(this.#steps)
    const first = this.#first()
    if (first !== undefined && (first.atMs <= this.#nowMs || this.#waiting.length === 0 || random.fraction() < hurry)) {
      this.#nowMs = Math.max(this.#nowMs, first.atMs)
      first.wake()
      return
    }
    const at = random.fraction() < disorder ? Math.floor(random.fraction() * this.#waiting.length) : 0
    const [next] = this.#waiting.splice(at, 1)
    if (next === undefined) throw new Error('everybody waits for somebody')
    this.#nowMs += Math.floor(random.fraction() * callMsMax)
    this.note(next.label)
    next.go()
  }

  #first(): Sleeper | undefined {
    let first: Sleeper | undefined
    for (const sleeper of this.#sleepers) if (first === undefined || sleeper.atMs < first.atMs) first = sleeper
    return first
  }
}

/** Everything that waits only for promises has run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
