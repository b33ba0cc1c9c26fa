/**
 * Paths, and what will stand there, remembered by the million: each as a number of 53 bits. By chance two of a million have the same once in ten thousand plans, and then something is believed that
 * was to be looked at, and found missing when it is made. Nobody but the owner of the names could want that.
 */

const SLOTS_FIRST = 1024

/** Outside of the heap, where nothing looks at each of them for garbage. */
export class PathMarks {
  /** Open addressing; 0: free. */
  #slots = new Float64Array(SLOTS_FIRST)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The path is the first `depth` of `names`. */
  add(names: readonly string[], depth: number, what: string): void {
    if (this.#size * 2 >= this.#slots.length) this.#grow()
    this.#enter(markOf(names, depth, what))
  }

  has(names: readonly string[], depth: number, what: string): boolean {
    const mark = markOf(names, depth, what)
    return this.#slots[this.#slotOf(mark)] === mark
  }

  #enter(mark: number): void {
    const slot = this.#slotOf(mark)
    if (this.#slots[slot] === 0) this.#size++
    this.#slots[slot] = mark
  }

  /** Where it stands, or would. */
  #slotOf(mark: number): number {
    let slot = mark % this.#slots.length
    while (this.#slots[slot] !== 0 && this.#slots[slot] !== mark) slot = (slot + 1) % this.#slots.length
    return slot
  }

  #grow(): void {
    const marks = this.#slots
    this.#slots = new Float64Array(marks.length * 2)
    this.#size = 0
    for (const mark of marks) if (mark !== 0) this.#enter(mark)
  }
}

/** FNV's (Fowler, Noll, Vo) way of a XOR and a product for each character, in two lanes with bases and primes of their own, ended by the finaliser of MurmurHash3 (Appleby). Never 0. */
function markOf(names: readonly string[], depth: number, what: string): number {
  const lanes = [0x811c9dc5, 0x9747b28c] as [number, number]
  for (let at = 0; at < depth; at++) {
    take(lanes, names[at] as string)
    // No name has one in it.
    take(lanes, '/')
  }
  take(lanes, '/')
  take(lanes, what)
  return ended(lanes[0]) + (ended(lanes[1]) & 0x1fffff) * 0x1_0000_0000 || 1
}

function take(lanes: [number, number], text: string): void {
  let [one, other] = lanes
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    one = Math.imul(one ^ code, 0x01000193)
    other = Math.imul(other ^ code, 0x5bd1e995)
  }
  lanes[0] = one
  lanes[1] = other
}

function ended(lane: number): number {
  let mixed = lane
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
