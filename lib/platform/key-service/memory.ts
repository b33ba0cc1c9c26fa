/** A key service in memory, for tests and simulation: really wraps, and can refuse a purpose as a key policy would. */
import { TorikiError } from '../../errors.ts'
import type { Random } from '../random.ts'
import type { KeyService, WrapContext } from './port.ts'
import { KEY_BYTES, KEY_ID_BYTES, NONCE_BYTES, unwrapSecret, wrappedKeyId, wrapSecret } from './wrapped-key.ts'
import type { WrappingKey } from './wrapped-key.ts'

export interface MemoryKey extends WrappingKey {
  /** Set by a test: what a disabled key does. */
  enabled: boolean
}

export function memoryKey(random: Random): MemoryKey {
  return { id: random.bytes(KEY_ID_BYTES), secret: random.bytes(KEY_BYTES), enabled: true }
}

/** One role's view of one key: several services over the same key play the roles of a deployment. */
export class MemoryKeyService implements KeyService {
  readonly description = 'a key in memory'
  /** How often each was called, refused calls included. */
  readonly calls = { wrap: 0, unwrap: 0 }
  /** The key all roles share. */
  readonly key: MemoryKey
  readonly #random: Random
  readonly #mayUnwrap: (context: WrapContext) => boolean

  /** `mayUnwrap` is the role's policy: false gives `key-unusable`. */
  constructor(options: {
    readonly random: Random
    readonly key?: MemoryKey
    readonly mayUnwrap?: (context: WrapContext) => boolean
  }) {
    this.#random = options.random
    this.key = options.key ?? memoryKey(options.random)
    this.#mayUnwrap = options.mayUnwrap ?? (() => true)
  }

  async wrap(plaintext: Uint8Array, context: WrapContext): Promise<Buffer> {
    this.calls.wrap++
    this.#refuseDisabled()
    return wrapSecret(this.key, this.#random.bytes(NONCE_BYTES), plaintext, context)
  }

  async unwrap(wrapped: Uint8Array, context: WrapContext): Promise<Buffer> {
    this.calls.unwrap++
    this.#refuseDisabled()
    if (!this.#mayUnwrap(context))
      throw new TorikiError('key-unusable', { message: 'This role may not unwrap keys of that purpose.' })
    if (wrappedKeyId(wrapped) !== this.key.id.toString('hex')) throw new TorikiError('keyring-foreign')
    return unwrapSecret(this.key, wrapped, context)
  }

  #refuseDisabled(): void {
    if (!this.key.enabled) throw new TorikiError('key-unusable')
  }
}
