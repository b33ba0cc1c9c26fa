/**
 * Changes that wait for one flush of the disk: each is begun in its turn and goes on until its file is whole under a temporary name; when many are so far they are flushed
 * together, and then put in place one after the other. What needs no flush is done at once, so a directory is there before what lies in it.
 */
import type { Applied } from '../../writer.ts'
import type { Flushing } from './flushing.ts'

type Begin = (before: Flushing['before']) => Promise<Applied>

interface Waiting {
  /** By which it is flushed; `undefined`: there is nothing to flush. */
  readonly handle: () => number | undefined
  readonly go: () => void
  readonly stop: (error: unknown) => void
  run?: Promise<Applied>
}

export interface Begun {
  readonly handle: () => number | undefined
  readonly made?: Promise<void> | undefined
  readonly place: () => Applied | Promise<Applied>
  readonly drop: () => void
}

/** Why a change was not put in place that only waited: the one before it was in the way. */
class Stopped extends Error {}

export class Together {
  readonly #flushAll: (handles: readonly number[]) => Promise<void>
  readonly #still: () => Promise<void>
  readonly #waiting: Waiting[] = []
  readonly #runs: Promise<Applied>[] = []
  readonly #made: Promise<void>[] = []
  #arrived: () => void = () => undefined
  #ended: { readonly error: unknown } | 'conflict' | undefined

  /** `still`: may anything be put in place? Asked when what waits was flushed, and ends all where it throws. */
  constructor(
    flushAll: (handles: readonly number[]) => Promise<void>,
    still: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#flushAll = flushAll
    this.#still = still
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

  /** The same of what is whole under its temporary name already, or will be when `made` ends, which never rejects: `place` puts it in place, `drop` clears it away. */
  add({ handle, made, place, drop }: Begun): void {
    if (made !== undefined) this.#made.push(made)
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
    await this.#allMade()
    const waiting = this.#waiting.splice(0)
    const handles = waiting.map(({ handle }) => handle()).filter((handle) => handle !== undefined)
    if (this.#ended === undefined && waiting.length > 0) {
      try {
        if (handles.length > 0) await this.#flushAll(handles)
        await this.#still()
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

  async #allMade(): Promise<void> {
    await Promise.all(this.#made.splice(0))
  }

  /** When it ends otherwise than by `results`: what waits is cleared away, and nothing is being made any more. */
  async giveUp(): Promise<void> {
    await this.#allMade()
    for (const { stop, run } of this.#waiting.splice(0)) {
      stop(new Stopped('stopped'))
      await run?.catch(() => undefined)
    }
  }

  /** So many wait for the flush. */
  get waiting(): number {
    return this.#waiting.length
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
      this.#waiting.push({ handle: () => handle, go, stop })
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
