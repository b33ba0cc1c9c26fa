/**
 * A key service that is one key of KMS, or of a server that speaks its protocol: Encrypt and Decrypt with the context as encryption context, so that a key's
 * policy can speak of its members. Every call names the key: what another key wrapped is refused, whatever else this role may open. The SDK tries once.
 */
import { DecryptCommand, DescribeKeyCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms'
import assert from 'node:assert/strict'
import { TorikiError } from '../../errors.ts'
import { awsClientOptions, describePlace } from '../aws-client-options.ts'
import type { AwsPlace } from '../aws-client-options.ts'
import { awsFailure } from '../aws-failure.ts'
import { kmsError } from './aws-error.ts'
import { checkKmsKey } from './aws-rules.ts'
import { decodeKmsWrapping, encodeKmsWrapping, kmsKeyId } from './aws-wrapping.ts'
import { WRAP_BYTES_MAX } from './port.ts'
import type { KeyService, WrapContext } from './port.ts'

export interface AwsKeyServiceOptions extends AwsPlace {
  /** Id, ARN or `alias/NAME`. An alias may be pointed to another key only after everything was wrapped anew. */
  readonly key: string
}

/** Said in the context of an empty secret: KMS wraps no empty text. No context of ours has a member of that name. */
const EMPTY_MEMBER = 'toriki:empty'

export class AwsKeyService implements KeyService {
  readonly description: string
  readonly #client: KMSClient
  readonly #key: string
  readonly #keyId: string | undefined
  readonly #place: string

  constructor(options: AwsKeyServiceOptions) {
    this.description = `kms ${options.key}`
    this.#client = new KMSClient(awsClientOptions(options))
    this.#key = options.key
    this.#keyId = options.key.startsWith('alias/') ? undefined : kmsKeyId(options.key)
    this.#place = describePlace(options)
  }

  /** The region that requests are signed for. @throws TorikiError `key-unusable` when nobody names one. */
  region(): Promise<string> {
    return this.#asking('region', () => this.#client.config.region())
  }

  async wrap(plaintext: Uint8Array, context: WrapContext): Promise<Buffer> {
    assert(plaintext.length <= WRAP_BYTES_MAX, 'a secret to wrap has at most 4,096 bytes')
    const empty = plaintext.length === 0
    const answer = await this.#asking(purposeful('wrap', context), () =>
      this.#client.send(
        new EncryptCommand({
          KeyId: this.#key,
          Plaintext: empty ? Buffer.of(0) : plaintext,
          EncryptionContext: contextOf(context, empty),
        }),
      ),
    )
    const keyId = kmsKeyId(answer.KeyId ?? '')
    if (answer.CiphertextBlob === undefined || keyId === undefined) throw this.#strange('wrap')
    return encodeKmsWrapping({ keyId, empty, ciphertext: answer.CiphertextBlob })
  }

  async unwrap(wrapped: Uint8Array, context: WrapContext): Promise<Buffer> {
    const { keyId, empty, ciphertext } = decodeKmsWrapping(wrapped)
    if (this.#keyId !== undefined && keyId !== this.#keyId)
      throw new TorikiError('keyring-foreign', {
        message: `A key was wrapped by the KMS key ${keyId}, not by ${this.#key}.`,
        remedy: 'Name under `keys.kms.key` the key that this store was made with.',
      })
    const answer = await this.#asking(purposeful('unwrap', context), () =>
      this.#client.send(
        new DecryptCommand({
          KeyId: this.#key,
          CiphertextBlob: ciphertext,
          EncryptionContext: contextOf(context, empty),
        }),
      ),
    )
    if (answer.Plaintext === undefined) throw this.#strange('unwrap')
    if (kmsKeyId(answer.KeyId ?? '') !== keyId)
      throw new TorikiError('key-context-mismatch', { message: 'A wrapped key names another key than wrapped it.' })
    return empty ? Buffer.alloc(0) : Buffer.from(answer.Plaintext)
  }

  async check(): Promise<void> {
    const answer = await this.#asking('describe', async () => {
      try {
        return await this.#client.send(new DescribeKeyCommand({ KeyId: this.#key }))
      } catch (error) {
        if (awsFailure(error).kind === 'denied') return undefined
        throw error
      }
    })
    if (answer === undefined) return
    if (answer.KeyMetadata === undefined) throw this.#strange('describe')
    checkKmsKey(this.#key, answer.KeyMetadata)
  }

  /** Ends idle connections. */
  close(): void {
    this.#client.destroy()
  }

  async #asking<T>(operation: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      throw kmsError(error, { key: this.#key, place: this.#place, operation })
    }
  }

  #strange(operation: string): TorikiError {
    return new TorikiError('key-service-unavailable', {
      message: `What answers at ${this.#place} is not a key service.`,
      remedy: 'Check `keys.kms.endpoint`.',
      ids: { operation },
    })
  }
}

/** A right may be bound to a purpose: which one was refused is what a person must know. */
function purposeful(verb: string, { purpose }: WrapContext): string {
  return purpose === undefined ? verb : `${verb}, purpose ${purpose}`
}

function contextOf(context: WrapContext, empty: boolean): Record<string, string> {
  assert(!Object.hasOwn(context, EMPTY_MEMBER), `${EMPTY_MEMBER} is a member of our own`)
  // A fresh object: `__proto__` as a member stays a member.
  return Object.fromEntries([...Object.entries(context), ...(empty ? [[EMPTY_MEMBER, '1']] : [])]) as Record<
    string,
    string
  >
}
