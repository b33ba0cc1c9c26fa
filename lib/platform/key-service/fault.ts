/** A key service that fails on purpose, as the injector's plan wants it. */
import type { FaultInjector } from '../fault.ts'
import type { KeyService } from './port.ts'

export function faultyKeyService(keys: KeyService, faults: FaultInjector): KeyService {
  const port = 'key-service'
  const subject = keys.description
  return {
    description: keys.description,
    wrap: (plaintext, context) => faults.run({ port, operation: 'wrap', subject }, () => keys.wrap(plaintext, context)),
    unwrap: (wrapped, context) =>
      faults.run({ port, operation: 'unwrap', subject }, () => keys.unwrap(wrapped, context)),
  }
}
