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

interface Added {
  readonly begun: Begun
  readonly otherwise: () => Promise<Applied>
  /** Which of the changes. */
  readonly run: number
}

/** A change that has come so far without being waited for, or is being made elsewhere. */
export interface Begun {
  /** By which it is flushed, when it is made; `undefined`: there is nothing to flush. */
  handle(): number | undefined
  /** `undefined`: it could not be, and nothing of it is left. */
  place(): Applied | undefined
  drop(): void
}

/** Why a change was not put in place that only waited: the one before it was in the way. */
class Stopped extends Error {}

export class Together {
  readonly #flushAll: (handles: readonly number[]) => Promise<void>
  readonly #still: () => Promise<void>
  readonly #allMade: () => Promise<void>
  readonly #waiting: (Waiting | Added)[] = []
  readonly #runs: (Promise<Applied> | Applied | undefined)[] = []
  #arrived: () => void = () => undefined
  #ended: { readonly error: unknown } | 'conflict' | undefined

  /**
   * `still`: may anything be put in place? Asked when what waits was flushed, and ends all where it throws. `allMade`: fulfilled when nothing that was added is being made any more; it
   * never rejects.
   */
  constructor(
    flushAll: (handles: readonly number[]) => Promise<void>,
    still: () => Promise<void> = () => Promise.resolve(),
    allMade: () => Promise<void> = () => Promise.resolve(),
  ) {
    this.#flushAll = flushAll
    this.#still = still
    this.#allMade = allMade
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
    if (waits !== undefined && !('begun' in waits)) waits.run = run
    return true
  }

  /** The same of what is whole under its temporary name already, or will be when `allMade` says so. `otherwise`: how it is done where it could not be put in place. */
  add(begun: Begun, otherwise: () => Promise<Applied>): void {
    this.#waiting.push({ begun, otherwise, run: this.#runs.length })
    this.#runs.push(undefined)
  }

  /** May nothing more be begun? */
  get hasEnded(): boolean {
    return this.#ended !== undefined
  }

  /** Flushes what waits, and puts it in place. */
  async goOn(): Promise<void> {
    await this.#allMade()
    const waiting = this.#waiting.splice(0)
    if (this.#ended === undefined && waiting.length > 0) {
      try {
        const handles = waiting.map(handleOf).filter((handle) => handle !== undefined)
        if (handles.length > 0) await this.#flushAll(handles)
        await this.#still()
      } catch (error) {
        this.#ended = { error }
      }
    }
    for (const one of waiting) {
      if ('begun' in one) {
        const placing = this.#place(one)
        if (placing !== undefined) await placing
        continue
      }
      if (this.#ended === undefined) one.go()
      else one.stop(new Stopped('stopped'))
      if (one.run !== undefined) await this.#settle(one.run)
    }
  }

  /** @returns what is to be waited for, if anything is. */
  #place({ begun, otherwise, run }: Added): Promise<void> | undefined {
    if (this.#ended !== undefined) {
      begun.drop()
      return undefined
    }
    let applied: Applied | Promise<Applied>
    try {
      applied = begun.place() ?? otherwise()
    } catch (error) {
      this.#ended ??= { error }
      return undefined
    }
    this.#runs[run] = applied
    if (applied instanceof Promise) return this.#settle(applied)
    if (applied.kind === 'conflict') this.#ended ??= 'conflict'
    return undefined
  }

  /** When it ends otherwise than by `results`: what waits is cleared away, and nothing is being made any more. */
  async giveUp(): Promise<void> {
    await this.#allMade()
    for (const one of this.#waiting.splice(0)) {
      if ('begun' in one) {
        one.begun.drop()
        continue
      }
      one.stop(new Stopped('stopped'))
      await one.run?.catch(() => undefined)
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
    for (const run of this.#runs) {
      // Of what was stopped there is none.
      const applied = run instanceof Promise ? await run.catch(() => undefined) : run
      if (applied !== undefined) results.push(applied)
    }
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

function handleOf(one: Waiting | Added): number | undefined {
  return 'begun' in one ? one.begun.handle() : one.handle()
}
