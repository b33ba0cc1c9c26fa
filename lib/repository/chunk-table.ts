/**
 * The chunks known by now, shared by all threads that store contents of one slice: an open-addressing table in shared memory. Who claims an id stores the chunk, everybody
 * else finds it known; no message is sent for it. Ids are keyed hashes: nobody without the key can make them collide.
 *
 * ```
 * slot    state 4 (0 free, 1 being written, 2 taken) ‖ chunk id 32
 * ```
 */
import assert from 'node:assert/strict'
import { CHUNK_ID_BYTES } from './format.ts'
import type { ChunkId } from './chunk-store.ts'

const SLOT_BYTES = 4 + CHUNK_ID_BYTES
const SLOT_WORDS = SLOT_BYTES / 4
const FREE = 0
const WRITING = 1
const TAKEN = 2

export class ChunkTable {
  readonly shared: SharedArrayBuffer
  /** So many ids it shall hold; beyond it looking becomes slow, beyond twice that it cannot. */
  readonly idsMax: number
  readonly #words: Int32Array
  readonly #mask: number

  /** A table of another thread, or a new one for `idsMax` ids at least. */
  constructor(from: SharedArrayBuffer | number) {
    if (typeof from === 'number') {
      let slots = 1024
      while (slots < from * 2) slots *= 2
      this.shared = new SharedArrayBuffer(slots * SLOT_BYTES)
    } else this.shared = from
    this.#words = new Int32Array(this.shared)
    const slots = this.#words.length / SLOT_WORDS
    this.#mask = slots - 1
    this.idsMax = slots / 2
  }

  /** True for the first who claims this id; then the chunk is his to store. */
  claim(id: ChunkId): boolean {
    const words = this.#words
    const first = id.readInt32LE(0)
    for (let slot = first & this.#mask, looked = 0; ; slot = (slot + 1) & this.#mask, looked++) {
      assert(looked <= this.#mask, 'a table with room left')
      const at = slot * SLOT_WORDS
      let state = Atomics.load(words, at)
      if (state === FREE) {
        state = Atomics.compareExchange(words, at, FREE, WRITING)
        if (state === FREE) {
          for (let word = 0; word < CHUNK_ID_BYTES / 4; word++) words[at + 1 + word] = id.readInt32LE(word * 4)
          Atomics.store(words, at, TAKEN)
          return true
        }
      }
      // The other one writes eight words and does nothing else meanwhile.
      while (state === WRITING) state = Atomics.load(words, at)
      if (words[at + 1] === first && this.#matches(at + 1, id)) return false
    }
  }

  /** A larger table that knows the same. While nobody claims. */
  grown(idsMax: number): ChunkTable {
    const larger = new ChunkTable(idsMax)
    const bytes = Buffer.from(this.shared)
    for (let slot = 0; slot <= this.#mask; slot++) {
      if (this.#words[slot * SLOT_WORDS] !== TAKEN) continue
      const at = slot * SLOT_BYTES + 4
      larger.claim(bytes.subarray(at, at + CHUNK_ID_BYTES))
    }
    return larger
  }

  #matches(at: number, id: ChunkId): boolean {
    for (let word = 1; word < CHUNK_ID_BYTES / 4; word++)
      if (this.#words[at + word] !== id.readInt32LE(word * 4)) return false
    return true
  }
}
