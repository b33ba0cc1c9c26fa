/** Cuts after every zero byte, and at the latest after `chunkBytesMax`: content-defined borders small enough for tests. */
import type { Cutting } from '../../lib/repository/content-writer.ts'

export function cutAfterZero(chunkBytesMax = 64): Cutting {
  return {
    chunkBytesMax,
    cut(bytes) {
      const zero = bytes.subarray(0, chunkBytesMax).indexOf(0)
      return zero === -1 ? Math.min(bytes.length, chunkBytesMax) : zero + 1
    },
  }
}
