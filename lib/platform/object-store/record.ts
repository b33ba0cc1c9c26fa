/** Counts what is asked of a store, for benchmarks and for tests of "at most so many requests". */
import type { ObjectStore } from './port.ts'

export interface StoreRecord {
  create: number
  get: number
  list: number
  delete: number
  /** Bytes of bodies that were sent, and of answers; those of failed calls are not among them. */
  bytesSent: number
  bytesReceived: number
}

export interface RecordingStore extends ObjectStore {
  /** Requests by verb, failed ones included, since the start or the last `reset`. */
  readonly record: Readonly<StoreRecord>
  reset(): void
}

export function recordObjectStore(store: ObjectStore): RecordingStore {
  const record: StoreRecord = { create: 0, get: 0, list: 0, delete: 0, bytesSent: 0, bytesReceived: 0 }
  return {
    record,
    reset: () => void Object.assign(record, { create: 0, get: 0, list: 0, delete: 0, bytesSent: 0, bytesReceived: 0 }),
    async create(key, body) {
      record.create++
      await store.create(key, body)
      record.bytesSent += body.length
    },
    async get(key, options) {
      record.get++
      const body = await store.get(key, options)
      record.bytesReceived += body.length
      return body
    },
    list(prefix, options) {
      record.list++
      return store.list(prefix, options)
    },
    delete(key) {
      record.delete++
      return store.delete(key)
    },
  }
}
