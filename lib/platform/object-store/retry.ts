/** A store whose passing failures are tried again. The hard one is `create`: its answer may be lost after it succeeded. */
import { isTorikiError } from '../../errors.ts'
import { retrying } from '../retry.ts'
import type { RetryOptions } from '../retry.ts'
import type { ObjectStore } from './port.ts'

/**
 * The same store, tried again up to RETRY_TRIES_MAX times. When a create that was tried before finds an object there, it reads it: the same bytes are
 * its own (or as good as), other bytes are `object-exists`. Where this role may not read (packs), the same length counts as its own: such keys are random and used once.
 */
export function retryObjectStore(store: ObjectStore, options: RetryOptions): ObjectStore {
  const again = <T>(operation: (tries: number) => Promise<T>): Promise<T> => retrying(operation, options)
  return {
    create: (key, body) =>
      again(async (tries) => {
        try {
          await store.create(key, body)
        } catch (error) {
          if (tries === 1 || !isTorikiError(error, 'object-exists') || !(await holds(store, key, body))) throw error
        }
      }),
    get: (key, getOptions) => again(() => store.get(key, getOptions)),
    list: (prefix, listOptions) => again(() => store.list(prefix, listOptions)),
    delete: (key) => again(() => store.delete(key)),
  }
}

async function holds(store: ObjectStore, key: string, body: Uint8Array): Promise<boolean> {
  try {
    return (await store.get(key, { bytesMax: body.length })).equals(body)
  } catch (error) {
    if (isTorikiError(error, 'object-too-large') || isTorikiError(error, 'object-not-found')) return false
    if (!isTorikiError(error, 'store-refused')) throw error
    const { objects } = await store.list(key)
    return objects.some((object) => object.key === key && object.sizeBytes === body.length)
  }
}
