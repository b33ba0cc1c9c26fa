/** Reading buffers, lent to one home at a time and used again: ten thousand homes must not leave ten thousand of them to be collected. */
import { PART_BYTES_MAX } from './content.ts'

/** More than are read side by side in one process; what comes back beyond is let go. */
const KEPT_MAX = 16

export class PartBuffers {
  readonly #free: Buffer[] = []

  /** Of `PART_BYTES_MAX`, with whatever was in it. */
  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(PART_BYTES_MAX)
  }

  /** The caller does not use it any more. */
  give(buffer: Buffer): void {
    if (this.#free.length < KEPT_MAX) this.#free.push(buffer)
  }
}
