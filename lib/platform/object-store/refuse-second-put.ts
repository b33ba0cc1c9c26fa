/** A store that takes one PUT per key, ever, whatever became of it: on such a store it shows that nothing we write is ever written again. */
import { TorikiError } from '../../errors.ts'
import type { ObjectStore } from './port.ts'

export interface RefusingStore extends ObjectStore {
  /** Keys of refused creates, in order. */
  readonly refused: readonly string[]
}

/** `code` is what a second create gets: `store-refused`, as from a bucket policy, or `object-exists`. */
export function refuseSecondPut(
  store: ObjectStore,
  code: 'store-refused' | 'object-exists' = 'store-refused',
): RefusingStore {
  const seen = new Set<string>()
  const refused: string[] = []
  return {
    refused,
    async create(key, body) {
      if (seen.has(key)) {
        refused.push(key)
        throw new TorikiError(code, { ids: { key } })
      }
      seen.add(key)
      await store.create(key, body)
    },
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key) => store.delete(key),
  }
}
