/**
 * Cuts content into chunks where the content itself says so, so that an insertion moves no cut but its neighbours: FastCDC (Xia and others, USENIX
 * ATC 2016) with normalised cutting, restarted at every 64 MiB of the file so that one file can be cut by several workers.
 *
 * The table is keyed: without the slice's secret nobody can tell where a known file would be cut. Holes are the caller's: he finishes before a hole
 * and restarts behind it.
 */
import assert from 'node:assert/strict'
import { CHUNK_BYTES_AVERAGE, CHUNK_BYTES_MAX, CHUNK_BYTES_MIN, SEGMENT_BYTES } from './format.ts'
import { GearScanner } from './gear-scanner.ts'
import { subkey } from './keys.ts'

/** 22 and 18 bits: two more and two fewer than the 20 of an average of 1 MiB ("normalisation level 2"). The topmost bits have seen most bytes. */
const MASK_STRICT = -1 << 10
const MASK_LAX = -1 << 14
const HELD_FIRST_BYTES = CHUNK_BYTES_MIN
/** Of this thread, made when a file is first cut. */
let theScanner: GearScanner | undefined

/** 256 numbers of 32 bits, big-endian from HKDF-SHA-256(gear key, no salt, 'toriki gear numbers', 1024 bytes). */
export function gearTable(gearKey: Buffer): Int32Array {
  const bytes = subkey(gearKey, 'gear numbers', 1024)
  return Int32Array.from({ length: 256 }, (_, at) => bytes.readInt32BE(at * 4))
}

/**
 * One stretch of content after another. Where the cuts fall depends on the bytes and the offset of the first, never on how they were parted. Holds at
 * most one chunk.
 */
export class Chunker {
  readonly #gear: Int32Array
  /** The chunk's bytes so far, from parts before this one. */
  #held: Buffer = Buffer.alloc(0)
  #heldBytes = 0
  #print = 0
  /** Bytes of the chunk scanned so far. */
  #size = 0
  #bytesMax = 0
  /** Of the chunk's first byte, in its segment. */
  #offset = 0

  /** `offset` is that of the first byte in the file. */
  constructor(gear: Int32Array, offset = 0) {
    this.#gear = gear
    this.restart(offset)
  }

  /** Begins another stretch: another file, or behind a hole. What was not finished is forgotten. */
  restart(offset = 0): void {
    assert(Number.isSafeInteger(offset) && offset >= 0, 'an offset in a file')
    this.#heldBytes = 0
    this.#begin(offset % SEGMENT_BYTES)
  }

  /** The chunks that end in `bytes`. Each is a view, good until the next one is asked for; all must be taken. `bytes` may be reused afterwards. */
  *push(bytes: Buffer): Generator<Buffer> {
    let at = 0
    while (at < bytes.length) {
      const end = this.#scan(bytes, at)
      if (end === undefined) {
        this.#hold(bytes.subarray(at))
        return
      }
      const chunkBytes = this.#size
      const nextOffset = (this.#offset + chunkBytes) % SEGMENT_BYTES
      if (this.#heldBytes === 0) {
        yield bytes.subarray(at, end)
      } else {
        this.#hold(bytes.subarray(at, end))
        yield this.#held.subarray(0, chunkBytes)
      }
      this.#heldBytes = 0
      this.#begin(nextOffset)
      at = end
    }
  }

  /** The last chunk of the stretch, unless the cuts left nothing; a view, good until the next call. Call `restart` before pushing more. */
  finish(): Buffer | undefined {
    return this.#heldBytes === 0 ? undefined : this.#held.subarray(0, this.#heldBytes)
  }

  #begin(offsetInSegment: number): void {
    this.#offset = offsetInSegment
    this.#bytesMax = Math.min(CHUNK_BYTES_MAX, SEGMENT_BYTES - offsetInSegment)
    this.#size = 0
    this.#print = 0
  }

  /** Goes on in the chunk; the index behind its last byte, or `undefined` when it does not end here. */
  #scan(bytes: Buffer, from: number): number | undefined {
    // Index in `bytes` of the chunk's first byte: negative when it began in an earlier part.
    const start = from - this.#size
    const limit = Math.min(bytes.length, start + this.#bytesMax)
    const relaxed = Math.min(limit, start + CHUNK_BYTES_AVERAGE)
    const at = Math.max(from, Math.min(limit, start + CHUNK_BYTES_MIN))
    const scanner = (theScanner ??= new GearScanner())
    scanner.begin(this.#gear, this.#print)
    let end =
      scanner.find(bytes, at, relaxed, MASK_STRICT) ?? scanner.find(bytes, Math.max(at, relaxed), limit, MASK_LAX)
    if (end === undefined && limit === start + this.#bytesMax) end = limit
    this.#print = scanner.print
    this.#size = (end ?? bytes.length) - start
    return end
  }

  #hold(bytes: Buffer): void {
    const needed = this.#heldBytes + bytes.length
    if (needed > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(needed <= HELD_FIRST_BYTES ? HELD_FIRST_BYTES : CHUNK_BYTES_MAX)
      this.#held.copy(larger, 0, 0, this.#heldBytes)
      this.#held = larger
    }
    bytes.copy(this.#held, this.#heldBytes)
    this.#heldBytes = needed
  }
}
