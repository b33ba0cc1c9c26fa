/**
 * An overlay: what is created stays in this process's memory, what was there is read through, nothing reaches the store below. For looking at a
 * live slice as if it had been backed up. Bytes beyond `bytesMax` are dropped (their objects exist, but cannot be read), so that a large home does not fill the memory.
 */
import { TorikiError } from '../../errors.ts'
import type { Clock } from '../clock.ts'
import type { ListPage, ObjectInfo, ObjectStore } from './port.ts'

const PAGE_OBJECTS_MAX = 1000

export function overlayStore(below: ObjectStore, clock: Clock, bytesMax: number): ObjectStore {
  const created = new Map<string, { readonly body: Buffer | undefined; readonly info: ObjectInfo }>()
  let held = 0
  return {
    async create(key, body) {
      if (created.has(key) || (await below.list(key)).objects.some((object) => object.key === key))
        throw new TorikiError('object-exists')
      const kept = held + body.length <= bytesMax ? Buffer.from(body) : undefined
      held += kept?.length ?? 0
      created.set(key, { body: kept, info: { key, sizeBytes: body.length, modifiedAt: clock.now() } })
    },
    async get(key, options = {}) {
      const own = created.get(key)
      if (own === undefined) return await below.get(key, options)
      if (own.body === undefined)
        throw new TorikiError('object-not-found', {
          message: 'That was too large to be kept for a comparison.',
          remedy: 'Make a backup and compare with it.',
        })
      return options.range === undefined
        ? Buffer.from(own.body)
        : Buffer.from(own.body.subarray(options.range.offset, options.range.offset + options.range.length))
    },
    async list(prefix, options = {}): Promise<ListPage> {
      const page = await below.list(prefix, options)
      const most = Math.min(options.max ?? PAGE_OBJECTS_MAX, PAGE_OBJECTS_MAX)
      const after = options.after ?? ''
      const own = [...created.values()]
        .map(({ info }) => info)
        .filter(({ key }) => key.startsWith(prefix) && key > after && (page.next === undefined || key <= page.next))
      const objects = [...page.objects, ...own].sort((a, b) => (a.key < b.key ? -1 : 1))
      if (objects.length <= most) return { ...page, objects }
      const shown = objects.slice(0, most)
      return { at: page.at, objects: shown, next: (shown.at(-1) as ObjectInfo).key }
    },
    delete: () =>
      Promise.reject(new TorikiError('store-refused', { message: 'Nothing is deleted through an overlay.' })),
  }
}
