/** A key service whose passing failures are tried again. Both calls are safe to repeat: a lost wrapping was never used. */
import { retrying } from '../retry.ts'
import type { RetryOptions } from '../retry.ts'
import type { KeyService } from './port.ts'

export function retryKeyService(keys: KeyService, options: RetryOptions): KeyService {
  const check = keys.check?.bind(keys)
  return {
    description: keys.description,
    wrap: (plaintext, context) => retrying(() => keys.wrap(plaintext, context), options),
    unwrap: (wrapped, context) => retrying(() => keys.unwrap(wrapped, context), options),
    ...(check === undefined ? {} : { check: () => retrying(check, options) }),
  }
}
