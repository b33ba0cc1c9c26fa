/** The last blocks that a thread opened: both sides keep this by the same rule, so that who sends knows which of them need not be sent again. */
import assert from 'node:assert/strict'

export class HeldBlocks<T> {
  readonly #held = new Map<string, { readonly value: T; readonly bytes: number }>()
  readonly #bytesMax: number
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get(name: string): T | undefined {
    return this.#held.get(name)?.value
  }

  has(name: string): boolean {
    return this.#held.has(name)
  }

  /** The first in is the first out. Once, while it is held. */
  add(name: string, bytes: number, value: T): void {
    assert(!this.#held.has(name), 'a block that is held is not sent again')
    this.#held.set(name, { value, bytes })
    this.#bytes += bytes
    for (const [oldest, one] of this.#held) {
      if (this.#bytes <= this.#bytesMax || oldest === name) break
      this.#held.delete(oldest)
      this.#bytes -= one.bytes
    }
  }
}

/** Of one thread: a few groups of small files. */
export const HELD_BYTES = 6 * 1024 * 1024
