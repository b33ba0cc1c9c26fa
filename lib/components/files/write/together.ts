/**
 * Changes that wait for one flush of the disk: each is begun in its turn and goes on until its file is whole under a temporary name; when many are so far they are flushed
 * together, and then put in place one after the other. What needs no flush is done at once, so a directory is there before what lies in it.
 */
import type { Applied } from '../../writer.ts'
import type { Flushing } from './flushing.ts'

type Begin = (before: Flushing['before']) => Promise<Applied>

interface Waiting {
  readonly handle: number
  readonly go: () => void
  readonly stop: (error: unknown) => void
  run?: Promise<Applied>
}

/** Why a change was not put in place that only waited: the one before it was in the way. */
class Stopped extends Error {}

export class Together {
  readonly #flushAll: (handles: readonly number[]) => Promise<void>
  readonly #waiting: Waiting[] = []
  readonly #runs: Promise<Applied>[] = []
  #arrived: () => void = () => undefined
  #ended: { readonly error: unknown } | 'conflict' | undefined

  constructor(flushAll: (handles: readonly number[]) => Promise<void>) {
    this.#flushAll = flushAll
  }

  /** Goes on until it has ended, or waits for the flush. @returns false when something before it ended all. */
  async begin(change: Begin): Promise<boolean> {
    if (this.#ended !== undefined) return false
    const { promise: arrived, resolve } = Promise.withResolvers<void>()
    this.#arrived = resolve
    const before = this.#waiting.length
    const run = change((handle) => this.#wait(handle))
    this.#runs.push(run)
    await Promise.race([this.#settle(run), arrived])
    const waits = this.#waiting[before]
    if (waits !== undefined) waits.run = run
    return true
  }

  /** The same of what is whole under its temporary name already: `place` puts it in place, `drop` clears it away. */
  add(
    handle: number,
    { place, drop }: { readonly place: () => Applied | Promise<Applied>; readonly drop: () => void },
  ): void {
    const { promise: run, resolve, reject } = Promise.withResolvers<Applied>()
    this.#runs.push(run)
    const go = (): void => {
      try {
        resolve(place())
      } catch (error) {
        reject(error)
      }
    }
    const stop = (error: unknown): void => {
      drop()
      reject(error)
    }
    this.#waiting.push({ handle, go, stop, run })
  }

  /** May nothing more be begun? */
  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Flushes what waits, and puts it in place. */
  async goOn(): Promise<void> {
    const waiting = this.#waiting.splice(0)
    if (this.#ended === undefined && waiting.length > 0) {
      try {
        await this.#flushAll(waiting.map(({ handle }) => handle))
      } catch (error) {
        this.#ended = { error }
      }
    }
    for (const { go, stop, run } of waiting) {
      if (this.#ended === undefined) go()
      else stop(new Stopped('stopped'))
      if (run !== undefined) await this.#settle(run)
    }
  }

  /** Up to the first conflict. @throws what the first that failed threw, when nothing waits any more. */
  async results(): Promise<readonly Applied[]> {
    await this.goOn()
    if (typeof this.#ended === 'object') throw this.#ended.error
    const results: Applied[] = []
    for (const run of await Promise.allSettled(this.#runs)) if (run.status === 'fulfilled') results.push(run.value)
    const conflict = results.findIndex(({ kind }) => kind === 'conflict')
    return conflict < 0 ? results : results.slice(0, conflict + 1)
  }

  #wait(handle: number): Promise<void> {
    return new Promise((go, stop) => {
      this.#waiting.push({ handle, go, stop })
      this.#arrived()
    })
  }

  async #settle(run: Promise<Applied>): Promise<void> {
    try {
      const { kind } = await run
      if (kind === 'conflict') this.#ended ??= 'conflict'
    } catch (error) {
      if (!(error instanceof Stopped)) this.#ended ??= { error }
    }
  }
}
