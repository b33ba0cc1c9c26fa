/** Times as Node alone can set them: seconds in a double, and before 1970 only as a date, which has milliseconds. */

export interface PlainTime {
  /** For `utimes`. */
  readonly argument: number | Date
  /** What will be read back. */
  readonly mtimeNs: bigint
}

export function asPlainTime(mtimeNs: bigint): PlainTime {
  if (mtimeNs < 0n) {
    const ms = Number(mtimeNs / 1_000_000n) - (mtimeNs % 1_000_000n === 0n ? 0 : 1)
    return { argument: new Date(ms), mtimeNs: split(ms / 1000) }
  }
  const seconds = Number(mtimeNs) / 1e9
  return { argument: seconds, mtimeNs: split(seconds) }
}

/** As libuv splits it into whole seconds and nanoseconds. */
function split(seconds: number): bigint {
  const whole = Math.trunc(seconds)
  return BigInt(whole) * 1_000_000_000n + BigInt(Math.trunc((seconds - whole) * 1e9))
}
