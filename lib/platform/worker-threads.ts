/** Node's worker threads: started when they are first needed, all running one program, ended together. */
import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { Threads, Work } from './threads.ts'

/** A message in either direction, with the number of the work it belongs to. */
export interface Addressed {
  readonly work: number
  readonly message: unknown
}

export interface WorkerThreads extends Threads {
  /** Ends every thread, whatever it is doing. */
  close(): Promise<void>
}

/** Work side by side takes memory on each thread. */
const WORKS_MAX = 2
/** Young garbage of a thread: most of what it makes lies outside of it. */
const YOUNG_MIB = 16
const OLD_MIB = 192

class Members implements Work {
  receive: ((thread: number, message: unknown) => void) | undefined
  fail: ((thread: number, error: unknown) => void) | undefined
  readonly #pool: Pool
  readonly #number: number

  constructor(pool: Pool, number: number) {
    this.#pool = pool
    this.#number = number
  }

  post(thread: number, message: unknown, transfer: readonly ArrayBuffer[] = []): void {
    const addressed: Addressed = { work: this.#number, message }
    this.#pool.thread(thread)?.postMessage(addressed, [...transfer])
  }

  onMessage(receive: (thread: number, message: unknown) => void): void {
    this.receive = receive
  }

  onFailure(fail: (thread: number, error: unknown) => void): void {
    this.fail = fail
  }

  leave(): void {
    this.#pool.leave(this.#number)
  }
}

class Pool implements WorkerThreads {
  readonly count: number
  readonly #program: URL
  readonly #threads: (Worker | undefined)[] = []
  readonly #works = new Map<number, Members>()
  #next = 1
  #isClosed = false

  constructor(program: URL, count: number) {
    this.#program = program
    this.count = count
  }

  enter(): Work | undefined {
    // A program that was copied without its thread's goes on alone.
    this.#isClosed ||= !existsSync(this.#program)
    if (this.#isClosed || this.#works.size >= WORKS_MAX) return undefined
    const number = this.#next++
    const work = new Members(this, number)
    this.#works.set(number, work)
    this.#hold()
    return work
  }

  leave(number: number): void {
    this.#works.delete(number)
    this.#hold()
  }

  thread(at: number): Worker | undefined {
    const running = this.#threads[at]
    if (running !== undefined || this.#isClosed) return running
    const thread = new Worker(this.#program, {
      // Whatever this process was started with is its own.
      execArgv: ['--disable-warning=ExperimentalWarning'],
      // Handles are opened by calls that Node knows nothing of.
      trackUnmanagedFds: false,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB, maxOldGenerationSizeMb: OLD_MIB },
    })
    this.#threads[at] = thread
    thread.on('message', ({ work, message }: Addressed) => this.#works.get(work)?.receive?.(at, message))
    const ended = (error: unknown): void => {
      if (this.#threads[at] !== thread) return
      this.#threads[at] = undefined
      for (const work of this.#works.values()) work.fail?.(at, error)
    }
    thread.on('error', ended)
    thread.on('exit', (status) => ended(new Error(`a thread ended with ${status}`)))
    this.#hold()
    return thread
  }

  async close(): Promise<void> {
    const threads = this.#threads.splice(0)
    this.#isClosed = true
    await Promise.all(threads.map(async (thread) => await thread?.terminate()))
    // Only now: until they have ended they work with handles that whoever hears of it may close.
    for (const work of this.#works.values())
      for (let thread = 0; thread < this.count; thread++) work.fail?.(thread, new Error('the threads were ended'))
  }

  /** A thread that waits for work keeps no process alive. */
  #hold(): void {
    for (const thread of this.#threads) {
      if (this.#works.size === 0) thread?.unref()
      else thread?.ref()
    }
  }
}

/** `program` is a file that Node starts as it is; it gets and sends `Addressed`. */
export function workerThreads(program: URL, count: number): WorkerThreads {
  return new Pool(program, count)
}
