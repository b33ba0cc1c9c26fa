/** A key service that is a file: wraps under the keys of a keyring (keyring.ts), in the form of wrapped-key.ts. */
import { TorikiError } from '../../errors.ts'
import type { Random } from '../random.ts'
import { readKeyring } from './keyring.ts'
import type { Keyring } from './keyring.ts'
import type { KeyService, WrapContext } from './port.ts'
import { NONCE_BYTES, unwrapSecret, wrappedKeyId, wrapSecret } from './wrapped-key.ts'
import type { WrappingKey } from './wrapped-key.ts'

export interface LocalKeyServiceOptions {
  readonly path: string
  /** The deployment it must belong to. */
  readonly deployment: string
  readonly random: Random
}

/** @throws TorikiError `keyring-missing`, `keyring-invalid`; `keyring-foreign` when it was made for another deployment. */
export async function openLocalKeyService(options: LocalKeyServiceOptions): Promise<KeyService> {
  let keyring = await readOwn(options)
  const find = (id: string): WrappingKey | undefined => keyring.keys.find((key) => key.id.toString('hex') === id)
  return {
    description: `keyring of ${keyring.deployment}`,
    async wrap(plaintext: Uint8Array, context: WrapContext) {
      return wrapSecret(keyring.keys.at(-1) as WrappingKey, options.random.bytes(NONCE_BYTES), plaintext, context)
    },
    async unwrap(wrapped: Uint8Array, context: WrapContext) {
      const id = wrappedKeyId(wrapped)
      if (find(id) === undefined) keyring = await readOwn(options) // rotated by another process since it was read
      const key = find(id)
      if (key === undefined)
        throw new TorikiError('keyring-foreign', {
          message: 'A key was wrapped by a key that is not in the keyring.',
          ids: { keyId: id },
        })
      return unwrapSecret(key, wrapped, context)
    },
  }
}

async function readOwn({ path, deployment }: LocalKeyServiceOptions): Promise<Keyring> {
  const keyring = await readKeyring(path)
  if (keyring.deployment !== deployment) {
    throw new TorikiError('keyring-foreign', {
      message: `The keyring ${path} belongs to the deployment ${keyring.deployment}, not to ${deployment}.`,
      remedy: 'Name the keyring of this deployment under `keys.keyring`, or mend `deployment`.',
    })
  }
  return keyring
}
