/** A key service that is asked no more often than its quota allows. */
import { Limit } from '../limit.ts'
import type { LimitOptions } from '../limit.ts'
import type { KeyService } from './port.ts'

export function limitKeyService(keys: KeyService, options: LimitOptions): KeyService {
  const limit = new Limit(options)
  return {
    description: keys.description,
    wrap: (plaintext, context) => limit.call(() => keys.wrap(plaintext, context)),
    unwrap: (wrapped, context) => limit.call(() => keys.unwrap(wrapped, context)),
  }
}
