/** Sealed JSON records outside slices (`runs/…`, `restores/…`), under the run key. */
import * as z from 'zod'
import { isTorikiError } from '../errors.ts'
import { OBJECT_BYTES_MAX } from '../limits.ts'
import { openJson, sealJson } from './sealed-json.ts'
import type { KeyObject } from 'node:crypto'
import type { ListPage } from '../platform/object-store/port.ts'
import type { Platform } from '../platform/platform.ts'
import type { JsonObject } from '../resources/json.ts'
import type { SealedRecords } from './repository.ts'
import type { SealPlace } from './seal.ts'

const recordSchema = z.object({
  /** Whose create this was: tells a lost answer from somebody else's record of the same content. */
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  value: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
})

export function sealedRecords(platform: Pick<Platform, 'store' | 'random'>, runKey: KeyObject): SealedRecords {
  const { store, random } = platform
  const place = (path: string): SealPlace => ({
    parentKey: runKey,
    kind: path.startsWith('restores/') ? 'restore-record' : 'run-record',
    path,
  })
  const read = async (path: string): Promise<z.infer<typeof recordSchema> | undefined> => {
    try {
      return openJson({ ...place(path), bytes: await store.get(path, { bytesMax: OBJECT_BYTES_MAX }) }, recordSchema)
    } catch (error) {
      if (isTorikiError(error, 'object-not-found')) return undefined
      throw error
    }
  }
  return {
    async create(path, value) {
      const nonce = random.bytes(16).toString('hex')
      try {
        await store.create(path, sealJson({ ...place(path), random }, { nonce, value }))
        return 'created'
      } catch (error) {
        if (!isTorikiError(error, 'object-exists')) throw error
        return (await read(path))?.nonce === nonce ? 'created' : 'exists'
      }
    },
    async read(path) {
      return (await read(path))?.value
    },
    async delete(path) {
      await store.delete(path)
    },
    async *list(prefix, options = {}) {
      let after = options.after
      do {
        const page: ListPage = await store.list(prefix, {
          ...(after === undefined ? {} : { after }),
          ...(options.pageMax === undefined ? {} : { max: options.pageMax }),
        })
        for (const { key, modifiedAt } of page.objects) yield { path: key, modifiedAt }
        after = page.next
      } while (after !== undefined)
    },
  }
}
