/**
 * The small binary pieces of which tree nodes and their values are made (docs/format.md, "Tree"): single bytes, varints, counted bytes.
 * A varint is an unsigned number up to 2^53 − 1, seven bits a byte, lowest first, the top bit set on all but the last, in its shortest form.
 */
import assert from 'node:assert/strict'
import { TorikiError } from '../errors.ts'

export class ByteWriter {
  // Small: most of what is written is, and memory of this size comes from Node's pool.
  #buffer = Buffer.allocUnsafe(512)
  #length = 0
  /** Beginnings of it by length. */
  #views: Buffer[] = []

  get length(): number {
    return this.#length
  }

  byte(value: number): this {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
    return this
  }

  varint(value: number): this {
    assert(Number.isSafeInteger(value) && value >= 0, 'a varint is an unsigned safe integer')
    this.#reserve(8)
    let rest = value
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.#length++] = rest
    return this
  }

  /** The bytes as they are, without their count. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** `count` bytes of a longer row. */
  part(bytes: Buffer, from: number, count: number): this {
    this.#reserve(count)
    bytes.copy(this.#buffer, this.#length, from, from + count)
    this.#length += count
    return this
  }

  counted(bytes: Uint8Array): this {
    return this.varint(bytes.length).raw(bytes)
  }

  /** The text's UTF-8 bytes, counted. */
  countedText(text: string): this {
    const count = Buffer.byteLength(text)
    this.varint(count).#reserve(count)
    this.#length += this.#buffer.write(text, this.#length, count)
    return this
  }

  /** A copy of everything written since the last `clear`. */
  bytes(): Buffer {
    const copy = Buffer.allocUnsafe(this.#length)
    this.#buffer.copy(copy, 0, 0, this.#length)
    return copy
  }

  /** The same, good until something else is written. */
  view(): Buffer {
    return (this.#views[this.#length] ??= this.#buffer.subarray(0, this.#length))
  }

  /** Begins anew and keeps the memory. */
  clear(): void {
    this.#length = 0
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
    this.#views = []
  }
}

/** Reads what `ByteWriter` wrote. Everything is checked against the end first. @throws TorikiError `seal-broken` for bytes that no writer makes. */
export class ByteReader {
  readonly #bytes: Buffer
  readonly #what: string
  #at = 0

  /** `what` names the thing in the error: `tree node`. */
  constructor(bytes: Buffer, what: string) {
    this.#bytes = bytes
    this.#what = what
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    const value = this.#bytes[this.#at++]
    if (value === undefined) throw this.malformed()
    return value
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let count = 1; ; count++) {
      const byte = this.byte()
      value += (byte & 0x7f) * scale
      if (value > Number.MAX_SAFE_INTEGER || (byte === 0 && count > 1)) throw this.malformed()
      if (byte < 0x80) return value
      if (count === 8) throw this.malformed()
      scale *= 0x80
    }
  }

  /** What is read next stands here. */
  get at(): number {
    return this.#at
  }

  skip(count: number): void {
    if (count > this.#bytes.length - this.#at) throw this.malformed()
    this.#at += count
  }

  /** A view, not a copy. */
  raw(count: number): Buffer {
    if (count > this.#bytes.length - this.#at) throw this.malformed()
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }

  counted(): Buffer {
    return this.raw(this.varint())
  }

  end(): void {
    if (!this.atEnd) throw this.malformed()
  }

  malformed(): TorikiError {
    return new TorikiError('seal-broken', { message: `A stored ${this.#what} is not well-formed.` })
  }
}
