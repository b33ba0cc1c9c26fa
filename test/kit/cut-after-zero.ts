/** Cuts after every zero byte, and at the latest after `chunkBytesMax`: content-defined borders small enough for tests. */
import type { Cutter } from '../../lib/repository/content-writer.ts'

export function cutAfterZero(chunkBytesMax = 64): Cutter {
  let held: Buffer = Buffer.alloc(0)
  return {
    restart() {
      held = Buffer.alloc(0)
    },
    *push(bytes) {
      held = Buffer.concat([held, bytes])
      for (;;) {
        const zero = held.subarray(0, chunkBytesMax).indexOf(0)
        if (zero === -1 && held.length < chunkBytesMax) return
        const length = zero === -1 ? chunkBytesMax : zero + 1
        yield held.subarray(0, length)
        held = held.subarray(length)
      }
    },
    finish() {
      return held.length === 0 ? undefined : held
    },
  }
}
