/**
 * The chunks known by now, shared by all threads that store contents of one slice: open-addressing tables in shared memory. Who claims an id stores the chunk, everybody
 * else finds it known; no message is sent for it. Ids are keyed hashes: nobody without the key can make them collide.
 *
 * It grows by one more table, and what stands in the others stays there: a copy would leave every smaller one in memory until each thread collects its garbage, which it seldom does.
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
/** For each id it shall hold: with fewer looking takes longer, and with more a home of a million files tens of megabytes more. */
const SLOTS_PER_ID = 1.5
const SLOTS_MIN = 1024
const FREE = 0
const WRITING = 1
const TAKEN = 2

export type SharedTables = readonly SharedArrayBuffer[]

export class ChunkTable {
  /** The last one is where new ids go. */
  readonly shared: SharedTables
  /** So many ids it shall hold; beyond it looking becomes slow, beyond half as many again in its last table it cannot. */
  readonly idsMax: number
  readonly #full: readonly Slots[]
  readonly #open: Slots

  /** The tables of another thread, or a new one for `idsMax` ids at least. */
  constructor(from: SharedTables | number) {
    this.shared = typeof from === 'number' ? [newTable(from)] : from
    const slots = this.shared.map((one) => new Slots(one))
    this.idsMax = slots.reduce((sum, one) => sum + one.idsMax, 0)
    this.#open = slots.pop() as Slots
    this.#full = slots
  }

  /** True for the first who claims this id; then the chunk is his to store. */
  claim(id: ChunkId): boolean {
    for (const slots of this.#full) if (slots.has(id)) return false
    return this.#open.claim(id)
  }

  /** One that knows the same, and has room for `idsMax` ids in all. While nobody claims; the ids that are there may be no more than its `idsMax`. */
  grown(idsMax: number): ChunkTable {
    return new ChunkTable([...this.shared, newTable(idsMax - this.idsMax)])
  }
}

function newTable(ids: number): SharedArrayBuffer {
  return new SharedArrayBuffer(Math.max(SLOTS_MIN, Math.ceil(ids * SLOTS_PER_ID)) * SLOT_BYTES)
}

/** One table. */
class Slots {
  readonly idsMax: number
  readonly #words: Int32Array
  readonly #count: number

  constructor(shared: SharedArrayBuffer) {
    this.#words = new Int32Array(shared)
    this.#count = this.#words.length / SLOT_WORDS
    this.idsMax = Math.floor(this.#count / SLOTS_PER_ID)
  }

  /** While nobody claims in it. */
  has(id: ChunkId): boolean {
    const words = this.#words
    const first = id.readInt32LE(0)
    for (let slot = this.#begin(first), looked = 0; looked < this.#count; slot = this.#after(slot), looked++) {
      const at = slot * SLOT_WORDS
      if (words[at] === FREE) return false
      if (words[at + 1] === first && this.#matches(at + 1, id)) return true
    }
    return false
  }

  claim(id: ChunkId): boolean {
    const words = this.#words
    const first = id.readInt32LE(0)
    for (let slot = this.#begin(first), looked = 0; ; slot = this.#after(slot), looked++) {
      assert(looked < this.#count, 'a table with room left')
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

  #begin(first: number): number {
    return Math.floor(((first >>> 0) / 2 ** 32) * this.#count)
  }

  #after(slot: number): number {
    return slot + 1 === this.#count ? 0 : slot + 1
  }

  #matches(at: number, id: ChunkId): boolean {
    for (let word = 1; word < CHUNK_ID_BYTES / 4; word++)
      if (this.#words[at + word] !== id.readInt32LE(word * 4)) return false
    return true
  }
}
