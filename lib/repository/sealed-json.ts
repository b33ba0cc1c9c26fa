/** JSON documents in sealed objects: canonical when written, checked against a schema when read. */
import type * as z from 'zod'
import { TorikiError } from '../errors.ts'
import { canonicalJson } from '../resources/json.ts'
import { requireKnownFeatures } from './format-version.ts'
import { parseJson } from './parse-json.ts'
import { openObject, sealObject } from './seal.ts'
import type { Random } from '../platform/random.ts'
import type { JsonObject } from '../resources/json.ts'
import type { SealPlace } from './seal.ts'

export function sealJson(place: SealPlace & { readonly random: Random }, document: JsonObject): Buffer {
  return sealObject({ ...place, records: [Buffer.from(canonicalJson(document), 'utf8')] })
}

/** @throws TorikiError `seal-broken` for damage, another place, or a document that the schema refuses; `format-newer`. */
export function openJson<T>(place: SealPlace & { readonly bytes: Buffer }, schema: z.ZodType<T>): T {
  return parseDocument(openObject(place)[0], place.path, schema)
}

/** A document that stands in a record. @throws TorikiError `seal-broken`, `format-newer`. */
export function parseDocument<T>(record: Buffer | undefined, path: string, schema: z.ZodType<T>): T {
  let value: unknown
  try {
    value = parseJson(record ?? Buffer.alloc(0))
  } catch (cause) {
    throw new TorikiError('seal-broken', { message: 'A stored document is not JSON.', ids: { object: path }, cause })
  }
  requireKnownFeatures(value, path)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new TorikiError('seal-broken', {
    message: 'A stored document does not say what it should.',
    ids: { object: path },
    cause: parsed.error,
  })
}
