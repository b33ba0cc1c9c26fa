/** Which files of a slice are one file under several names: the first in key order has the content, the others name it. */
import { formatKey } from '../../resources/key.ts'
import type { ResourceKey } from '../../resources/key.ts'
import type { EntryStat } from './entry-stat.ts'

/** Of paths kept in mind, with what holding one costs besides. Beyond it each name counts as a file of its own, and that is said. */
const HELD_BYTES_MAX = 32 * 1024 * 1024
const ENTRY_BYTES = 200

interface Held {
  readonly path: string
  /** Names not met yet: when all are, the file is forgotten. */
  left: number
}

export class HardLinks {
  readonly #held = new Map<string, Held>()
  readonly #heldBytesMax: number
  #heldBytes = 0
  #full = false

  constructor(heldBytesMax = HELD_BYTES_MAX) {
    this.#heldBytesMax = heldBytesMax
  }

  /** Some group was not taken up for want of memory. */
  get isFull(): boolean {
    return this.#full
  }

  /** Written path of the first name of this file, if another came before. */
  first(stat: EntryStat): string | undefined {
    return this.#held.get(identity(stat))?.path
  }

  /** This name was met. To be called once per name, in key order, after `first`. */
  met(stat: EntryStat, key: ResourceKey): void {
    if (stat.links < 2) return
    const id = identity(stat)
    const held = this.#held.get(id)
    if (held !== undefined) {
      held.left--
      if (held.left > 0) return
      this.#held.delete(id)
      this.#heldBytes -= held.path.length + ENTRY_BYTES
      return
    }
    const path = formatKey(key)
    if (this.#heldBytes + path.length + ENTRY_BYTES > this.#heldBytesMax) {
      this.#full = true
      return
    }
    this.#held.set(id, { path, left: stat.links - 1 })
    this.#heldBytes += path.length + ENTRY_BYTES
  }
}

/** With the time of birth, so that an inode freed and used again meanwhile is not taken for the old one. */
function identity(stat: EntryStat): string {
  return `${stat.device}:${stat.inode}:${stat.bornNs}`
}
