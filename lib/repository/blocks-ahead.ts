/**
 * Sealed blocks of packs, fetched before anybody asks: whoever walks a tree in order asks for block after block, and one request for many is quicker than one for each. A block is
 * fetched ahead only behind a row of blocks that were asked for, and twice as many as that row is long: who looks at one entry gets no more than he asks for.
 */
import type { BlockDescription } from './pack-table.ts'

/** In one request. */
const AHEAD_BLOCKS_MAX = 32
const AHEAD_BYTES_MAX = 1024 * 1024
/** What nobody has asked for yet, of all packs together. */
const HELD_BYTES_MAX = 4 * 1024 * 1024

interface HeldSealed {
  readonly sealed: Promise<Buffer>
  readonly bytes: number
}

export class BlocksAhead {
  /** By pack and number, oldest first. */
  readonly #held = new Map<string, HeldSealed>()
  #heldBytes = 0

  /** The sealed block, if it was fetched ahead: once, and for whoever asks first. */
  take(packId: string, number: number): Promise<Buffer> | undefined {
    const name = nameOf(packId, number)
    const held = this.#held.get(name)
    if (held !== undefined) this.#drop(name, held)
    return held?.sealed
  }

  /**
   * The block, and with it twice as many of those behind it as there are asked-for ones in a row before it. `get` gets a range of the pack, `wasAsked` says whether a block of it was asked for
   * lately. A range that fails is nobody's failure but the block's: the others are fetched again when they are asked for.
   */
  async read(
    packId: string,
    block: BlockDescription,
    options: {
      readonly behind: (most: number) => readonly BlockDescription[]
      readonly wasAsked: (number: number) => boolean
      readonly get: (offset: number, length: number) => Promise<Buffer>
    },
  ): Promise<Buffer> {
    let row = 0
    while (row < AHEAD_BLOCKS_MAX && options.wasAsked(block.number - 1 - row)) row++
    let length = block.sealedBytes
    const ahead: BlockDescription[] = []
    for (const one of row === 0 ? [] : options.behind(Math.min(row * 2, AHEAD_BLOCKS_MAX))) {
      const isFollowing = one.offset === block.offset + length
      if (!isFollowing || length + one.sealedBytes > AHEAD_BYTES_MAX || options.wasAsked(one.number)) break
      ahead.push(one)
      length += one.sealedBytes
    }
    const getting = options.get(block.offset, length)
    for (const { number, offset, sealedBytes } of ahead) {
      const from = offset - block.offset
      const sealed = getting.then((bytes) => bytes.subarray(from, from + sealedBytes))
      sealed.catch(() => undefined) // told to who takes it, if anybody does
      this.#hold(nameOf(packId, number), { sealed, bytes: sealedBytes })
    }
    return (await getting).subarray(0, block.sealedBytes)
  }

  #hold(name: string, held: HeldSealed): void {
    const before = this.#held.get(name)
    if (before !== undefined) this.#drop(name, before)
    this.#held.set(name, held)
    this.#heldBytes += held.bytes
    for (const [oldest, one] of this.#held) {
      if (this.#heldBytes <= HELD_BYTES_MAX) break
      this.#drop(oldest, one)
    }
  }

  #drop(name: string, { bytes }: HeldSealed): void {
    this.#held.delete(name)
    this.#heldBytes -= bytes
  }
}

function nameOf(packId: string, number: number): string {
  return `${packId}/${number}`
}
