/** What KMS, or a server that speaks its protocol, says, in the key service's words. */
import { TorikiError } from '../../errors.ts'
import { awsFailure } from '../aws-failure.ts'
import { disabledKey, unfitKey } from './aws-rules.ts'

export interface KmsContext {
  /** As the settings name it: id, ARN or alias. */
  readonly key: string
  readonly place: string
  readonly operation: string
}

export function kmsError(error: unknown, { key, place, operation }: KmsContext): TorikiError {
  if (error instanceof TorikiError) return error
  const { kind, name, status, retryAfterMs, accounts } = awsFailure(error)
  const ids = { operation, ...(status === 0 ? {} : { status }), ...(name === '' ? {} : { reason: name }) }
  const known = { ids, cause: error }
  const unusable = (message: string, remedy: string): TorikiError =>
    new TorikiError('key-unusable', { ...known, message, remedy })
  switch (name) {
    case 'InvalidCiphertextException':
      // KMS cannot tell another context from changed bytes.
      return new TorikiError('key-context-mismatch', known)
    case 'IncorrectKeyException':
      return new TorikiError('keyring-foreign', {
        ...known,
        message: `A key was wrapped by another KMS key than ${key}.`,
        remedy: 'Name under `keys.kms.key` the key that this store was made with.',
      })
    case 'DisabledException':
      return disabledKey(key, known)
    case 'KMSInvalidStateException':
      return unusable(
        `The KMS key ${key} is pending deletion, or in another state in which it serves nobody.`,
        'Cancel its deletion and enable it, at once: when the key is gone, so is everything that it locks.',
      )
    case 'NotFoundException':
      return unusable(
        `There is no KMS key ${key} at ${place}, in the account of our credentials.`,
        'Mend `keys.kms`: key, region or endpoint; a key of another account is named by its ARN. If the key was deleted, what it locked is lost.',
      )
    case 'InvalidKeyUsageException':
    case 'UnsupportedOperationException':
      return unfitKey(key, known)
    case 'InvalidArnException':
      return unusable(`${key} names no KMS key.`, 'Write an id, an ARN or `alias/NAME` under `keys.kms.key`.')
    case 'KeyUnavailableException':
    case 'DependencyTimeoutException':
    case 'KMSInternalException':
    case 'LimitExceededException':
      return new TorikiError('key-service-unavailable', known)
  }
  if (kind === 'denied' && accounts !== undefined && accounts.theirs !== accounts.ours)
    return unusable(
      `The KMS key ${key} belongs to another account, ${accounts.theirs}, which gives ours, ${accounts.ours}, no right for this (${operation}).`,
      'Name a key of this account under `keys.kms.key`; or give this role the right, in its own policy and in that of the key.',
    )
  if (kind === 'denied')
    return unusable(
      `Our credentials may not use the KMS key ${key} for this (${operation}).`,
      'Give this role the right, in its own policy and in that of the key; the right may be bound to an encryption context.',
    )
  if (kind === 'skewed')
    return new TorikiError('key-service-unavailable', {
      ...known,
      message: 'The clock of this machine differs from that of the key service.',
      remedy: 'Set the clock of this machine.',
    })
  if (kind === 'credentials')
    return unusable(
      `No valid credentials for the KMS key ${key}${name === '' ? '' : ` (${name})`}.`,
      'Give this machine credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role), or renew the ones it has.',
    )
  if (kind === 'missing-region')
    return unusable(`Nobody says in which region the KMS key ${key} lies.`, 'Write it under `keys.kms.region`.')
  if (kind === 'certificate')
    return unusable(
      `The certificate of ${place} is not trusted (${name}).`,
      'Name the PEM file of your certificate authority in NODE_EXTRA_CA_CERTS.',
    )
  if (kind === 'unavailable' || kind === 'unreadable')
    return new TorikiError('key-service-unavailable', {
      ...known,
      message: `The key service does not answer: ${place}${name === '' ? '' : ` (${name})`}.`,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  return unusable(
    `The key service refused the request (${name === '' ? `status ${status}` : name}): KMS key ${key}.`,
    'Check the state of the key and the rights of this role.',
  )
}
