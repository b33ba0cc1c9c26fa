/**
 * A number of 53 bits for a path and what will stand there, to be remembered by the million. By chance two of a million have the same once in ten thousand plans, and then something is believed that
 * was to be looked at, and found missing when it is made. Nobody but the owner of the names could want that.
 */

/** FNV's (Fowler, Noll, Vo) way of a XOR and a product for each character, in two lanes with bases and primes of their own, ended by the finaliser of MurmurHash3 (Appleby). */
export function markOf(names: readonly string[], depth: number, what: string): number {
  const lanes = [0x811c9dc5, 0x9747b28c] as [number, number]
  for (let at = 0; at < depth; at++) {
    take(lanes, names[at] as string)
    // No name has one in it.
    take(lanes, '/')
  }
  take(lanes, '/')
  take(lanes, what)
  return ended(lanes[0]) + (ended(lanes[1]) & 0x1fffff) * 0x1_0000_0000
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
