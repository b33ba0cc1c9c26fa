/**
 * What a key of KMS must be, so that it wraps now and what it wrapped can be opened later. The sentences are those of a call that fails for the same reason: whether a
 * key is looked at or used, it is refused alike.
 */
import { TorikiError } from '../../errors.ts'

/** What DescribeKey says of a key; the parts that are used. */
export interface KmsKey {
  readonly KeyState?: string | undefined
  readonly KeySpec?: string | undefined
  readonly KeyUsage?: string | undefined
  readonly DeletionDate?: Date | undefined
}

/** @throws TorikiError `key-unusable`, naming the key and what is wrong. */
export function checkKmsKey(key: string, { KeyState, KeySpec, KeyUsage, DeletionDate }: KmsKey): void {
  if (KeyState === 'Disabled') throw disabledKey(key)
  if (KeyState === 'PendingDeletion' || KeyState === 'PendingReplicaDeletion') throw dyingKey(key, DeletionDate)
  if (KeyState !== undefined && KeyState !== 'Enabled')
    throw new TorikiError('key-unusable', {
      message: `The KMS key ${key} is not ready for use (${state(KeyState)}).`,
      remedy: 'Wait until it is enabled, import its material, or connect its key store.',
    })
  const isSymmetric = KeySpec === undefined || KeySpec === 'SYMMETRIC_DEFAULT'
  if (!isSymmetric || (KeyUsage !== undefined && KeyUsage !== 'ENCRYPT_DECRYPT')) throw unfitKey(key)
}

export function disabledKey(key: string, details: Details = {}): TorikiError {
  return new TorikiError('key-unusable', {
    ...details,
    message: `The KMS key ${key} is disabled.`,
    remedy: 'Enable it; nothing that is stored is lost.',
  })
}

function dyingKey(key: string, deletedAt: Date | undefined): TorikiError {
  const when = deletedAt === undefined ? '' : ` and will be gone on ${deletedAt.toISOString().slice(0, 10)}`
  return new TorikiError('key-unusable', {
    message: `The KMS key ${key} is pending deletion${when}.`,
    remedy: 'Cancel its deletion and enable it, at once: when the key is gone, so is everything that it locks.',
  })
}

export function unfitKey(key: string, details: Details = {}): TorikiError {
  return new TorikiError('key-unusable', {
    ...details,
    message: `The KMS key ${key} does not wrap secrets: it is not a symmetric key for encryption and decryption.`,
    remedy: 'Name a symmetric key for encryption and decryption.',
  })
}

type Details = ConstructorParameters<typeof TorikiError>[1]

/** The server's word, bounded. */
function state(given: string): string {
  return /^[A-Za-z]{1,40}$/.test(given) ? given : 'unknown state'
}
