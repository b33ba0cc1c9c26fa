/** Opens what the key services of this machine wrap (lib/platform/key-service/README.md), given the key itself. */
import { createDecipheriv } from 'node:crypto'
import type { Unwrap } from './keys.ts'

const HEADER_BYTES = 33

/** `id` 16 bytes, `secret` 32. `may`: the role's rights; everything, when absent. */
export function unwrapLocally(
  key: { readonly id: Buffer; readonly secret: Buffer },
  may: (purpose: string) => boolean = () => true,
): Unwrap {
  return (wrapped, context) => {
    const header = wrapped.subarray(0, HEADER_BYTES)
    if (
      !may(context['purpose'] ?? '') ||
      header.toString('latin1', 0, 4) !== 'TKWR' ||
      header[4] !== 1 ||
      !header.subarray(5, 21).equals(key.id)
    )
      return undefined
    const decipher = createDecipheriv('aes-256-gcm', key.secret, header.subarray(21), { authTagLength: 16 })
    const sorted = Object.fromEntries(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)))
    decipher.setAAD(Buffer.concat([header, Buffer.from(JSON.stringify(sorted))]))
    decipher.setAuthTag(wrapped.subarray(wrapped.length - 16))
    try {
      return Buffer.concat([decipher.update(wrapped.subarray(HEADER_BYTES, wrapped.length - 16)), decipher.final()])
    } catch {
      return undefined
    }
  }
}
