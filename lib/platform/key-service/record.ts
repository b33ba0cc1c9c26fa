/** Counts what is asked of a key service, for benchmarks and for tests of "one call per slice and run". */
import type { KeyService } from './port.ts'

export interface RecordingKeyService extends KeyService {
  /** Calls by verb, failed ones included. */
  readonly record: Readonly<{ wrap: number; unwrap: number }>
}

export function recordKeyService(keys: KeyService): RecordingKeyService {
  const record = { wrap: 0, unwrap: 0 }
  return {
    description: keys.description,
    record,
    wrap(plaintext, context) {
      record.wrap++
      return keys.wrap(plaintext, context)
    },
    unwrap(wrapped, context) {
      record.unwrap++
      return keys.unwrap(wrapped, context)
    },
  }
}
