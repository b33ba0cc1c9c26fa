/** Sealed JSON records outside slices (`runs/…`, `restores/…`), under the run key. */
import * as z from 'zod'
import { isTorikiError } from '../errors.ts'
import { OBJECT_BYTES_MAX } from '../limits.ts'
import { CanonicalText, canonicalJson } from '../resources/json.ts'
import { openJson } from './sealed-json.ts'
import type { KeyObject } from 'node:crypto'
import type { ListPage } from '../platform/object-store/port.ts'
import type { Platform } from '../platform/platform.ts'
import type { JsonObject } from '../resources/json.ts'
import type { SealedRecords } from './repository.ts'
import { openObject, sealObject } from './seal.ts'
import type { SealPlace } from './seal.ts'

const recordSchema = z.object({
  /** Whose create this was: tells a lost answer from somebody else's record of the same content. */
  nonce: z.string().regex(/^[0-9a-f]{32}$/),
  value: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
})

/** A record is its value between these, as it is written; one that somebody wrote otherwise says the same, and is read as such. */
const BEFORE_VALUE = /^\{"nonce":"[0-9a-f]{32}","value":$/
const BEFORE_VALUE_BYTES = '{"nonce":"","value":'.length + 32
const BEHIND_VALUE = '}'

export function sealedRecords(platform: Pick<Platform, 'store' | 'random'>, runKey: KeyObject): SealedRecords {
  const { store, random } = platform
  const place = (path: string): SealPlace => ({
    parentKey: runKey,
    kind: path.startsWith('restores/') ? 'restore-record' : 'run-record',
    path,
  })
  const get = async (path: string): Promise<Buffer | undefined> => {
    try {
      return await store.get(path, { bytesMax: OBJECT_BYTES_MAX })
    } catch (error) {
      if (isTorikiError(error, 'object-not-found')) return undefined
      throw error
    }
  }
  const read = async (path: string): Promise<z.infer<typeof recordSchema> | undefined> => {
    const bytes = await get(path)
    return bytes && openJson({ ...place(path), bytes }, recordSchema)
  }
  return {
    async create(path, value) {
      const nonce = random.bytes(16).toString('hex')
      try {
        const json = value instanceof CanonicalText ? value.text : canonicalJson(value)
        const record = Buffer.from(`{"nonce":"${nonce}","value":${json}${BEHIND_VALUE}`, 'utf8')
        await store.create(path, sealObject({ ...place(path), random, records: [record] }))
        return 'created'
      } catch (error) {
        if (!isTorikiError(error, 'object-exists')) throw error
        return (await read(path))?.nonce === nonce ? 'created' : 'exists'
      }
    },
    async read(path) {
      return (await read(path))?.value
    },
    async readText(path) {
      const bytes = await get(path)
      if (bytes === undefined) return undefined
      const record = openObject({ ...place(path), bytes })[0] ?? Buffer.alloc(0)
      if (BEFORE_VALUE.test(record.toString('latin1', 0, BEFORE_VALUE_BYTES)))
        return record.subarray(BEFORE_VALUE_BYTES, -BEHIND_VALUE.length)
      return Buffer.from(canonicalJson(openJson({ ...place(path), bytes }, recordSchema).value), 'utf8')
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
