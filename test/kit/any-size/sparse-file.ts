/** A file that is mostly holes, with islands of data in it, and the comparison of two of them that reads the islands alone. */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import type { Random } from '../../../lib/platform/random.ts'

const LARGE = 24
const LARGE_BYTES = 1024 * 1024
const SMALL = 2_000
const SMALL_BYTES = 4096
/** What a file system may round an island up to, at each end. */
const ROUNDING_BYTES = 64 * 1024

export interface SparseFile {
  readonly sizeBytes: number
  readonly islands: readonly { readonly offset: number; readonly length: number }[]
}

/** Some MiB here and there, and many single pages; never at its end. */
export function makeSparseFile(path: string, sizeBytes: number, random: Random): SparseFile {
  const islands: { offset: number; length: number }[] = []
  const place = (count: number, bytes: number): void => {
    for (let at = 0; at < count; at++)
      islands.push({ offset: Math.floor(random.fraction() * (sizeBytes - 2 * bytes)), length: bytes - (at % 3) })
  }
  place(LARGE, LARGE_BYTES)
  place(SMALL, SMALL_BYTES)
  const handle = openSync(path, 'w')
  try {
    for (const { offset, length } of islands) writeSync(handle, random.bytes(length), 0, length, offset)
    ftruncateSync(handle, sizeBytes)
  } finally {
    closeSync(handle)
  }
  return { sizeBytes, islands }
}

/**
 * What is not alike, one sentence each. Outside of the islands there is nothing but holes in the first; and the second takes no more room than the islands, each of which is compared, so there is
 * nothing in it either.
 */
export function sparseDifferences(
  { sizeBytes, islands }: SparseFile,
  wanted: string,
  found: string,
): readonly string[] {
  const [one, other] = [openSync(wanted, 'r'), openSync(found, 'r')]
  try {
    const [before, after] = [fstatSync(one), fstatSync(other)]
    const differences: string[] = []
    for (const [what, first, second] of [
      ['size', sizeBytes, after.size],
      ['mode', before.mode, after.mode],
      ['time', before.mtimeMs, after.mtimeMs],
    ] as const)
      if (first !== second) differences.push(`its ${what} is ${second} instead of ${first}`)
    // A block of the map of extents, or two.
    if (after.blocks > before.blocks + 64)
      differences.push(`it takes ${after.blocks} blocks instead of ${before.blocks}`)
    for (const { offset, length } of islands) {
      const begin = Math.max(0, offset - ROUNDING_BYTES)
      const [first, second] = [one, other].map((handle) => {
        const bytes = Buffer.alloc(length + 2 * ROUNDING_BYTES)
        return bytes.subarray(0, readSync(handle, bytes, 0, bytes.length, begin))
      }) as [Buffer, Buffer]
      if (!first.equals(second)) differences.push(`what stands at ${offset} is something else`)
    }
    return differences
  } finally {
    closeSync(one)
    closeSync(other)
  }
}
