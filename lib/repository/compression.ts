/**
 * A block as it is sealed: one byte says how it is packed (0 as it is, 1 zstd), then the bytes. Whether and how hard to compress is the writer's
 * choice. All calls are synchronous: the thread pool costs more than it gains (one thread per core works on whole blocks).
 */
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { TorikiError } from '../errors.ts'

const PLAIN = 0
const ZSTD = 1
const IS_PLAIN = Uint8Array.of(PLAIN)
const IS_ZSTD = Uint8Array.of(ZSTD)
/** Compressed bytes are kept when they save at least 3 %. */
const WORTH = 0.97

const PROBE_RUN_BYTES = 256
const PROBE_RUNS = 16
/**
 * Sum of squares of the histogram of 4096 sampled bytes: 69,616 ± 361 for random ones, 82,000 and more for what zstd's first level saves 3 % of.
 */
const PROBE_SQUARES_MAX = 72_000

/** The block in two parts, so that the longer one need not be copied; `plain` itself where that is as good. */
export function encodeBlock(plain: Uint8Array, level: number): readonly [how: Uint8Array, bytes: Uint8Array] {
  if (!looksIncompressible(plain)) {
    const packed = zstdCompressSync(plain, {
      params: { [constants.ZSTD_c_compressionLevel]: level },
      chunkSize: compressedBytesMax(plain.length),
    })
    if (packed.length <= plain.length * WORTH) return [IS_ZSTD, packed]
  }
  return [IS_PLAIN, plain]
}

/** The block's plaintext, which must have exactly `plainBytes`: no more memory is ever taken. @throws TorikiError `seal-broken`. */
export function decodeBlock(bytes: Buffer, plainBytes: number): Buffer {
  const packed = bytes.subarray(1)
  let plain: Buffer | undefined
  if (bytes[0] === PLAIN) plain = packed
  if (bytes[0] === ZSTD) plain = decompress(packed, plainBytes)
  if (plain?.length !== plainBytes) throw malformed()
  return plain
}

function decompress(packed: Buffer, plainBytes: number): Buffer {
  try {
    // One output buffer of the right size; zlib asks for 64 at least.
    return zstdDecompressSync(packed, { maxOutputLength: Math.max(1, plainBytes), chunkSize: Math.max(64, plainBytes) })
  } catch (cause) {
    throw malformed(cause)
  }
}

function malformed(cause?: unknown): TorikiError {
  return new TorikiError('seal-broken', { message: 'A stored block is not well-formed.', cause })
}

/** As `ZSTD_compressBound`: with room for the worst case zstd goes straight from one buffer into the other, else through windows of its own, at the cost of two copies. */
function compressedBytesMax(plainBytes: number): number {
  return plainBytes + Math.ceil(plainBytes / 256) + 1024
}

/** Spread over the block; too short a block is always tried. Saves trying zstd on images and archives: a tenth of a home's bytes and more. */
function looksIncompressible(plain: Uint8Array): boolean {
  if (plain.length < PROBE_RUNS * PROBE_RUN_BYTES) return false
  const counts = new Uint16Array(256)
  const step = Math.floor((plain.length - PROBE_RUN_BYTES) / (PROBE_RUNS - 1))
  for (let run = 0; run < PROBE_RUNS; run++) {
    for (let at = run * step; at < run * step + PROBE_RUN_BYTES; at++) (counts[plain[at] as number] as number)++
  }
  let squares = 0
  for (const count of counts) squares += count * count
  return squares <= PROBE_SQUARES_MAX
}
