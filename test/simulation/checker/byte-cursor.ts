/** Reads the small binary pieces of tables, nodes and entries, never past the end. */
export class ByteCursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  /** Where the cursor stands. */
  get at(): number {
    return this.#at
  }

  take(count: number): Buffer {
    if (this.#at + count > this.#bytes.length) throw new Error('ends too early')
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  byte(): number {
    return this.take(1).readUInt8(0)
  }

  uint32(): number {
    return this.take(4).readUInt32BE(0)
  }

  /** Seven bits a byte, lowest first. */
  varint(): number {
    let value = 0
    for (let shift = 1; ; shift *= 128) {
      const byte = this.byte()
      value += (byte & 127) * shift
      if (!Number.isSafeInteger(value)) throw new Error('holds too large a number')
      if (byte < 128) return value
    }
  }

  counted(): Buffer {
    return this.take(this.varint())
  }

  end(): void {
    if (!this.atEnd) throw new Error('goes on behind its end')
  }
}

export function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  return Buffer.from([...bytes, rest])
}
