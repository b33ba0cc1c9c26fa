/**
 * A key object as it stands in the store: JSON with the secrets wrapped by the key service, once or by several services, per purpose. Nothing in it is
 * secret; everything in it is somebody else's word until a wrapping opens.
 *
 * ```json
 * { "format": "toriki keys", "version": 1, "check": "…", "wrappings": { "tree": [{ "service": "…", "wrapped": "…" }], "content": […] } }
 * ```
 * `check` is HKDF-SHA-256(the secrets of the first purpose, 'toriki key check') in base64: the same in every rewrap, so that objects can be compared
 * without unwrapping each, and tells nothing about secrets of 256 random bits.
 */
import * as z from 'zod'
import { isTorikiError, TorikiError } from '../errors.ts'
import type { KeyService, WrapContext } from '../platform/key-service/port.ts'
import { WRAP_BYTES_MAX } from '../platform/key-service/port.ts'
import type { ObjectStore } from '../platform/object-store/port.ts'
import { FORMAT_VERSION, KEY_BYTES } from './format.ts'
import { requireKnownFeatures, requireKnownVersion } from './format-version.ts'
import { parseJson } from './parse-json.ts'
import { subkey } from './keys.ts'

const FORMAT = 'toriki keys'
const WRAPPINGS_MAX = 16
/** A wrapping is the service's own: secret, context's tag and key's name take less than as much again. */
const WRAPPED_TEXT_MAX = WRAP_BYTES_MAX * 3
const KEY_OBJECT_BYTES_MAX = 1024 * 1024

const wrappingsSchema = z
  .array(z.object({ service: z.string().max(2048), wrapped: z.base64().max(WRAPPED_TEXT_MAX) }))
  .min(1)
  .max(WRAPPINGS_MAX)

const versionSchema = z.object({ format: z.literal(FORMAT), version: z.int().min(0) })
const objectSchema = z.object({
  check: z.base64().max(64),
  /** By purpose; those of a later version are left alone. */
  wrappings: z.record(z.string().max(64), wrappingsSchema),
})

export type KeyPurpose = 'deployment' | 'tree' | 'content'
export type WrappedKeys = z.infer<typeof objectSchema>

/** The encryption context; key policies name its members. Slices' keys have `slice`, the deployment's have not. */
export function wrapContext(deploymentId: string, purpose: KeyPurpose, sliceId?: string): WrapContext {
  return { deployment: deploymentId, ...(sliceId === undefined ? {} : { slice: sliceId }), purpose }
}

export function keyCheck(secrets: Uint8Array): string {
  return subkey(secrets, 'key check', KEY_BYTES).toString('base64')
}

/** One wrapping per service and purpose. */
export async function wrapKeys(
  services: readonly KeyService[],
  check: string,
  secrets: readonly { readonly plaintext: Uint8Array; readonly purpose: KeyPurpose; readonly context: WrapContext }[],
): Promise<Buffer> {
  const wrappings: Partial<Record<KeyPurpose, { service: string; wrapped: string }[]>> = {}
  for (const { plaintext, purpose, context } of secrets) {
    const made = []
    for (const service of services) {
      const wrapped = await service.wrap(plaintext, context)
      made.push({ service: service.description, wrapped: wrapped.toString('base64') })
    }
    wrappings[purpose] = made
  }
  return Buffer.from(JSON.stringify({ format: FORMAT, version: FORMAT_VERSION, check, wrappings }), 'utf8')
}

/** @throws TorikiError `seal-broken`, `format-newer`, `object-not-found`, `object-too-large`. */
export async function readWrappedKeys(store: ObjectStore, path: string): Promise<WrappedKeys> {
  const bytes = await store.get(path, { bytesMax: KEY_OBJECT_BYTES_MAX })
  try {
    const value = parseJson(bytes)
    const { version } = versionSchema.parse(value)
    requireKnownVersion(version, path)
    requireKnownFeatures(value, path)
    return objectSchema.parse(value)
  } catch (cause) {
    if (isTorikiError(cause)) throw cause
    throw new TorikiError('seal-broken', { ids: { object: path }, cause })
  }
}

/**
 * The secret of one purpose. One call where the service finds its own wrapping by its description, else one per wrapping until one opens.
 * @throws what the service throws for the first; TorikiError `seal-broken` when nothing is wrapped for the purpose, or not so many bytes.
 */
export async function unwrapKey(
  service: KeyService,
  { wrappings }: WrappedKeys,
  purpose: KeyPurpose,
  context: WrapContext,
  bytes: number,
): Promise<Buffer> {
  const own = ({ service: by }: { service: string }): number => (by === service.description ? 0 : 1)
  let first: TorikiError | undefined
  for (const { wrapped } of (wrappings[purpose] ?? []).toSorted((a, b) => own(a) - own(b))) {
    try {
      const secret = await service.unwrap(Buffer.from(wrapped, 'base64'), context)
      if (secret.length === bytes) return secret
      first ??= new TorikiError('seal-broken', { message: 'A wrapped key has not the length of one.' })
    } catch (error) {
      // Another service's wrapping looks foreign or refused; anything else (no answer) says nothing about the next.
      if (!isTorikiError(error) || error.retry !== 'never') throw error
      first ??= error
    }
  }
  throw first ?? new TorikiError('seal-broken', { message: 'A key object holds no wrapping for its purpose.' })
}
