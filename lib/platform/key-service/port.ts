/**
 * The key service: wraps small secrets under a key that never leaves it, bound to a context that must be repeated to unwrap (KMS's model).
 *
 * Promises: `unwrap` succeeds only with the very context given to `wrap` (order of members does not matter); the context is authenticated, not
 * hidden, so it holds ids and purposes, never names.
 */

export type WrapContext = Readonly<Record<string, string>>

/** Longest plaintext, as KMS has it. */
export const WRAP_BYTES_MAX = 4096

export interface KeyService {
  /** Names the service and key, for the deployment record; holds no secret. */
  readonly description: string
  wrap(plaintext: Uint8Array, context: WrapContext): Promise<Buffer>
  /** @throws TorikiError `key-context-mismatch`, `key-unusable`, `keyring-foreign`, `key-service-unavailable`. */
  unwrap(wrapped: Uint8Array, context: WrapContext): Promise<Buffer>
  /**
   * Where the key is made by others: looks at it. Is it there, enabled, and of the kind that wraps? Nothing is held against it that this role may not look at: using it tells.
   * @throws TorikiError `key-unusable`, `key-service-unavailable`.
   */
  check?(): Promise<void>
}
