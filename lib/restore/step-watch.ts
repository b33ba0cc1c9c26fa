/**
 * Keeps a worker that was slow from writing on after somebody else has taken the step that it works on: between two writes it looks whether that step is still the last. Who takes back waits
 * first until everybody else has looked.
 */
import { TorikiError } from '../errors.ts'
import type { RestoreService } from './service.ts'
import { isTaken } from './slice-log.ts'
import type { Progress } from './slice-log.ts'
import type { SliceDelivery, SliceWork } from './slice-work.ts'

/** So long a worker goes on writing before it looks again: seldom enough that the look costs nothing beside the writes, often enough that waiting for it costs little. */
const LOOK_EVERY_MS = 5_000

/** Where messages come from a queue: time to look, and to end the writes that were begun just before. */
export const OTHERS_MS = 30_000

/** A slice, while one step of it is worked on. */
export interface WatchedWork extends SliceWork {
  readonly watch: StepWatch
}

/** Watches one step. */
export class StepWatch {
  readonly #service: RestoreService
  readonly #delivery: SliceDelivery
  readonly #progress: Progress
  #lookedMs: number

  /** `readAtMs`: before `progress` was read, by the monotonic clock. */
  constructor(service: RestoreService, delivery: SliceDelivery, progress: Progress, readAtMs: number) {
    this.#service = service
    this.#delivery = delivery
    this.#progress = progress
    this.#lookedMs = readAtMs
  }

  /** Right before each write, or group of writes. Reads one record, when the last look is too old. @throws TorikiError `restore-overtaken`. */
  async look(): Promise<void> {
    const { platform, repository } = this.#service
    const nowMs = platform.clock.monotonicMs()
    if (nowMs - this.#lookedMs < LOOK_EVERY_MS) return
    const { restore } = this.#delivery
    if (await isTaken(repository.records, this.#delivery, this.#progress))
      throw new TorikiError('restore-overtaken', { ids: { restore } })
    this.#lookedMs = nowMs
  }

  /** After `undoing` was read, before anything is taken back: who wrote forwards has looked then. Does not wait where nobody else can have the message. @throws the signal's reason. */
  async letOthersLook(): Promise<void> {
    const { platform, limits } = this.#service
    if (limits.othersMs !== undefined) await platform.clock.sleep(limits.othersMs, this.#delivery.signal)
  }
}
