/** Pseudo-random integers that a seed repeats on every machine: sfc32 (Chris Doty-Humphrey), on 32-bit integers alone. Never used where a secret matters. */

export class IntegerRandom {
  #a: number
  #b: number
  #c: number
  #count = 1

  constructor(seed: number) {
    let state = seed | 0
    const next = (): number => {
      // The finalizer of MurmurHash3, so that near seeds begin far apart.
      state = (state + 0x6d2b79f5) | 0
      let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
      return mixed ^ (mixed >>> 16)
    }
    this.#a = next()
    this.#b = next()
    this.#c = next()
    for (let i = 0; i < 12; i++) this.word()
  }

  /** 0 to 2^32 − 1. */
  word(): number {
    const sum = (this.#a + this.#b + this.#count) | 0
    this.#count = (this.#count + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** 0 to `end` − 1, evenly as far as `end` is far below 2^32. */
  below(end: number): number {
    return this.word() % end
  }

  /** `first` to `last`, both included. */
  between(first: number, last: number): number {
    return first + this.below(last - first + 1)
  }

  /** 0 to `end` − 1, small ones far more often, as words are in a text. */
  mostlySmall(end: number): number {
    return Math.min(this.below(end), this.below(end), this.below(end))
  }

  /** From `least` on, doubled as long as luck lasts: few are large, and those hold most of the bytes. */
  heavyTailed(least: number, most: number): number {
    let size = least
    while (size < most && this.below(100) < 62) size *= 2
    return Math.min(most, size + this.below(size))
  }

  /** Fills with noise that no compressor shortens. */
  fill(bytes: Uint8Array): void {
    let at = 0
    for (; at + 4 <= bytes.length; at += 4) {
      const word = this.word()
      bytes[at] = word
      bytes[at + 1] = word >>> 8
      bytes[at + 2] = word >>> 16
      bytes[at + 3] = word >>> 24
    }
    for (; at < bytes.length; at++) bytes[at] = this.word()
  }
}
