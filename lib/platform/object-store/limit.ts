/** A store that is asked no more often, and for no more bytes, than its neighbour allows. */
import { Limit } from '../limit.ts'
import type { LimitOptions } from '../limit.ts'
import type { ObjectStore } from './port.ts'

/** The same store under the caps. Bytes of a body are paid before it is sent, bytes of an answer by the calls after it. */
export function limitObjectStore(store: ObjectStore, options: LimitOptions): ObjectStore {
  const limit = new Limit(options)
  return {
    create: (key, body) => limit.call(() => store.create(key, body), body.length),
    get: (key, getOptions) =>
      limit.call(async () => {
        const body = await store.get(key, getOptions)
        limit.received(body.length)
        return body
      }),
    list: (prefix, listOptions) => limit.call(() => store.list(prefix, listOptions)),
    delete: (key) => limit.call(() => store.delete(key)),
  }
}
