/**
 * The items of one plan for whoever goes through them again and again: parts that were read are held, as many as there is room for in the process, and the others read anew. Nothing of a plan
 * that is written changes.
 */
import type { SealedRecords } from '../repository/repository.ts'
import { openParts } from './slice-plan.ts'
import type { PlanItem } from './planned-item.ts'
import type { PartsOfPlan, PlanPlace } from './slice-plan.ts'

/** How much more may be held. */
export interface Room {
  bytes: number
}

/** In all of a process: the items of some hundred thousand files. */
const ROOM: Room = { bytes: 32 * 1024 * 1024 }

export class HeldParts {
  readonly #records: SealedRecords
  readonly #where: PlanPlace
  readonly #room: Room
  readonly #held = new Map<number, { readonly items: readonly PlanItem[]; readonly bytes: number }>()
  #parts: PartsOfPlan | undefined

  constructor(records: SealedRecords, where: PlanPlace, room: Room = ROOM) {
    this.#records = records
    this.#where = where
    this.#room = room
  }

  /** In the order in which they are kept. @throws TorikiError `object-not-found` when a part is gone. */
  async *forwards(): AsyncGenerator<readonly PlanItem[]> {
    const parts = (this.#parts ??= await openParts(this.#records, this.#where))
    for (let part = 0; part < parts.count; part++) yield await this.#read(parts, part)
  }

  /** From the last item to the first. @throws as `forwards`. */
  async *backwards(): AsyncGenerator<readonly PlanItem[]> {
    const parts = (this.#parts ??= await openParts(this.#records, this.#where))
    for (let part = parts.count - 1; part >= 0; part--) yield (await this.#read(parts, part)).toReversed()
  }

  /** Makes room for others; what is asked for afterwards is read again. */
  letGo(): void {
    for (const { bytes } of this.#held.values()) this.#room.bytes += bytes
    this.#held.clear()
  }

  async #read(parts: PartsOfPlan, part: number): Promise<readonly PlanItem[]> {
    const known = this.#held.get(part)
    if (known !== undefined) return known.items
    const { items, bytes } = await parts.read(part)
    if (bytes !== undefined && bytes <= this.#room.bytes && !this.#held.has(part)) {
      this.#held.set(part, { items, bytes })
      this.#room.bytes -= bytes
    }
    return items
  }
}
