/** An object store in memory, for tests and simulation: keeps the port's promises, and lets a test look at and damage what is stored. */
import { TorikiError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import { assertObjectKey, assertObjectPrefix } from './object-key.ts'
import { resolveRange } from './object-range.ts'
import type { GetOptions } from './object-range.ts'
import type { ListOptions, ListPage, ObjectStore } from './port.ts'
import { LIST_PAGE_MAX } from './port.ts'

interface StoredObject {
  readonly body: Buffer
  readonly modifiedAt: Date
}

export class MemoryObjectStore implements ObjectStore {
  readonly #clock: Clock
  readonly #objects = new Map<string, StoredObject>()
  /** All keys, ascending. */
  readonly #keys: string[] = []

  constructor(options: { readonly clock: Clock }) {
    this.#clock = options.clock
  }

  create(key: string, body: Uint8Array): Promise<void> {
    return attempt(() => {
      assertObjectKey(key)
      if (this.#objects.has(key)) throw new TorikiError('object-exists', { ids: { key } })
      this.replace(key, body)
    })
  }

  get(key: string, options: GetOptions = {}): Promise<Buffer> {
    return attempt(() => {
      assertObjectKey(key)
      const object = this.#objects.get(key)
      if (object === undefined) throw new TorikiError('object-not-found', { ids: { key } })
      const { offset, length } = resolveRange(key, object.body.length, options)
      return Buffer.from(object.body.subarray(offset, offset + length))
    })
  }

  list(prefix: string, { after, max = LIST_PAGE_MAX }: ListOptions = {}): Promise<ListPage> {
    return attempt(() => {
      assertObjectPrefix(prefix)
      const most = Math.min(max, LIST_PAGE_MAX)
      const begin = after === undefined || after < prefix ? this.#position(prefix) : this.#position(after, true)
      const objects = []
      let more = false
      for (let index = begin; index < this.#keys.length; index++) {
        const key = this.#keys[index] as string
        if (!key.startsWith(prefix)) break
        more = objects.length === most
        if (more) break
        const { body, modifiedAt } = this.#objects.get(key) as StoredObject
        objects.push({ key, sizeBytes: body.length, modifiedAt })
      }
      const next = more ? objects.at(-1)?.key : undefined
      return { objects, at: this.#clock.now(), ...(next === undefined ? {} : { next }) }
    })
  }

  delete(key: string): Promise<void> {
    return attempt(() => {
      assertObjectKey(key)
      if (this.#objects.delete(key)) this.#keys.splice(this.#position(key), 1)
    })
  }

  /** Every key, ascending: for tests. */
  keys(): readonly string[] {
    return [...this.#keys]
  }

  /** The stored bytes, or undefined: for tests. */
  peek(key: string): Buffer | undefined {
    const body = this.#objects.get(key)?.body
    return body === undefined ? undefined : Buffer.from(body)
  }

  /** Puts bytes there whether or not something is: how a test damages or swaps an object. Never called by the house. */
  replace(key: string, body: Uint8Array): void {
    if (!this.#objects.has(key)) this.#keys.splice(this.#position(key), 0, key)
    this.#objects.set(key, { body: Buffer.from(body), modifiedAt: this.#clock.now() })
  }

  /** Another store with the same objects, as old as they are: for tests of what might happen from here on. */
  copy(): MemoryObjectStore {
    const other = new MemoryObjectStore({ clock: this.#clock })
    other.#keys.push(...this.#keys)
    for (const [key, object] of this.#objects) other.#objects.set(key, object)
    return other
  }

  /** Index of the first key that is not less than `key` (greater than it, when `past`). Keys are ASCII: code units are bytes. */
  #position(key: string, past = false): number {
    let low = 0
    let high = this.#keys.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const here = this.#keys[middle] as string
      if (here < key || (past && here === key)) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The result, or the error as a rejection: a port's promises never throw at the call. */
function attempt<T>(action: () => T): Promise<T> {
  return new Promise((resolve) => resolve(action()))
}
