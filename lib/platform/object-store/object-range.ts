/** The rules of `get` that all drivers share: which bytes are asked for, and how many may be taken into memory. */
import assert from 'node:assert/strict'
import { TorikiError } from '../../errors.ts'
import { OBJECT_BYTES_MAX } from '../../limits.ts'
import type { ByteRange } from './port.ts'

export interface GetOptions {
  readonly range?: ByteRange
  readonly bytesMax?: number
}

/**
 * The part of an object of `sizeBytes` that these options ask for; a range that passes the end is cut there.
 * @throws TorikiError `object-too-large` when that part is longer than `bytesMax`, or `OBJECT_BYTES_MAX` when none is given.
 */
export function resolveRange(key: string, sizeBytes: number, options: GetOptions): ByteRange {
  const { range, bytesMax = OBJECT_BYTES_MAX } = options
  if (range !== undefined) {
    assert(Number.isSafeInteger(range.offset) && range.offset >= 0, 'a range begins at a whole number of bytes')
    assert(Number.isSafeInteger(range.length) && range.length >= 0, 'a range has a whole number of bytes')
  }
  const offset = Math.min(range?.offset ?? 0, sizeBytes)
  const length = Math.min(range?.length ?? sizeBytes, sizeBytes - offset)
  if (length > bytesMax) throw new TorikiError('object-too-large', { ids: { key, bytes: length, bytesMax } })
  return { offset, length }
}
