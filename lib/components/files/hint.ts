/**
 * By what an entry is told to be as it was: its inode and the times that nobody but the kernel sets. The change time moves with content, owner, mode, attributes and
 * links alike, so what has the same one need not even be opened. Little-endian, times in nanoseconds.
 *
 * ```
 * hint   form 1 ‖ inode 8 ‖ change time 8 ‖ modification time 8 ‖ size 8 (a double) ‖ [SHA-256 of the first name of the same file]
 * ```
 */
import { hash } from 'node:crypto'
import type { EntryStat } from './entry-stat.ts'

/** Moves when what `state` says of an unchanged entry would be another. The lowest bit: attributes are read here. */
const FORM = 2
/**
 * So old must a change be to be told from the next one: two within one tick of a file system's clock look the same, and a page of a mapped file that is dirty already is
 * written again without another time, until the system has cleaned it (30 s by default).
 */
const SETTLED_NS = 60_000_000_000n

const LENGTH = 33
const scratch = Buffer.allocUnsafeSlow(LENGTH + 32)
const plain = scratch.subarray(0, LENGTH)
const view = new DataView(scratch.buffer)

export interface HintOptions {
  readonly isNative: boolean
  /** Written path of the first name, of a file with several whose content stands there. */
  readonly first?: string | undefined
}

export function hintOf(stat: EntryStat, options: HintOptions): Buffer {
  return Buffer.from(passingHintOf(stat, options))
}

/** The same, good until the next one is asked for: to be compared and thrown away. */
export function passingHintOf(stat: EntryStat, { isNative, first }: HintOptions): Buffer {
  scratch[0] = FORM | (isNative ? 1 : 0)
  // Its lowest 64 bits are written of each.
  view.setBigUint64(1, stat.inode, true)
  view.setBigInt64(9, stat.ctimeNs, true)
  view.setBigInt64(17, stat.mtimeNs, true)
  view.setFloat64(25, stat.sizeBytes, true)
  if (first === undefined) return plain
  hash('sha256', first, 'buffer').copy(scratch, LENGTH)
  return scratch
}

/** Did nothing change for so long before `now` that a later change cannot look the same? */
export function isSettled({ ctimeNs }: EntryStat, now: Date): boolean {
  const nowMs = now.getTime()
  if (nowMs !== settled.nowMs) settled = { nowMs, beforeNs: BigInt(nowMs) * 1_000_000n - SETTLED_NS }
  return ctimeNs < settled.beforeNs
}

/** Asked of one entry after the other, thousands within a millisecond. */
let settled = { nowMs: Number.NaN, beforeNs: 0n }

/** Kinds of entries of which nothing has to be noted each time. */
export function isHinted({ type, sizeBytes }: EntryStat): boolean {
  return type === 'directory' || type === 'link' || (type === 'file' && Number.isSafeInteger(sizeBytes))
}
