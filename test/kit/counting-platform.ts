/** The same platform, counting what is asked of the store and the key service. */
import type { ObjectStore } from '../../lib/platform/object-store/port.ts'
import type { Platform } from '../../lib/platform/platform.ts'

export interface CallCounts {
  create: number
  get: number
  list: number
  /** Wraps and unwraps. */
  keys: number
}

export interface CountingPlatform {
  readonly platform: Platform
  readonly calls: CallCounts
  /** Bytes of all objects that were sent, those that came too late included: by place in a slice (`packs`, `trees`, `index`, …), or by first folder. */
  readonly sentBytes: Readonly<Record<string, number>>
}

export function countingPlatform(platform: Platform): CountingPlatform {
  const calls: CallCounts = { create: 0, get: 0, list: 0, keys: 0 }
  const sentBytes: Record<string, number> = {}
  const countingStore = (store: ObjectStore): ObjectStore => ({
    create(key, body) {
      calls.create++
      const place = /^(?:slices\/[^/]+\/)?([^/]+)/.exec(key)?.[1] ?? ''
      sentBytes[place] = (sentBytes[place] ?? 0) + body.length
      return store.create(key, body)
    },
    get: (key, options) => (calls.get++, store.get(key, options)),
    list: (prefix, options) => (calls.list++, store.list(prefix, options)),
    delete: (key) => store.delete(key),
  })
  const store = countingStore(platform.store)
  return {
    calls,
    sentBytes,
    platform: {
      ...platform,
      store,
      keyStore: platform.keyStore === platform.store ? store : countingStore(platform.keyStore),
      keys: {
        description: platform.keys.description,
        wrap: (plaintext, context) => (calls.keys++, platform.keys.wrap(plaintext, context)),
        unwrap: (wrapped, context) => (calls.keys++, platform.keys.unwrap(wrapped, context)),
      },
    },
  }
}
