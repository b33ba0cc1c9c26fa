/** What SQS, or a server that speaks its protocol, says, in the queue's words. */
import { TorikiError } from '../../errors.ts'
import { awsFailure } from '../aws-failure.ts'

export interface SqsContext {
  /** The queue's own name there, prefix included. */
  readonly queue: string
  readonly place: string
  readonly operation: string
}

const MISSING = /^(QueueDoesNotExist|NonExistentQueue|QueueDeletedRecently)$/
/** The receipt is of another queue, of a message that is gone, or of one that is visible again: there is nothing to do for it. */
const STALE_RECEIPT = /^(ReceiptHandleIsInvalid|MessageNotInflight|InvalidParameterValue(Exception)?)$/

export function isStaleReceipt(error: unknown): boolean {
  return STALE_RECEIPT.test(awsFailure(error).name)
}

export function sqsError(error: unknown, { queue, place, operation }: SqsContext): TorikiError {
  if (error instanceof TorikiError) return error
  const { kind, name, status, retryAfterMs } = awsFailure(error)
  const ids = { operation, ...(status === 0 ? {} : { status }), ...(name === '' ? {} : { reason: name }) }
  const known = { ids, cause: error }
  if (MISSING.test(name))
    return new TorikiError('queue-refused', {
      ...known,
      message: `There is no queue ${queue} at ${place}.`,
      remedy: 'Create the queues (infra), or mend `queue.sqs`: its prefix, region or endpoint.',
    })
  if (kind === 'missing-region')
    return new TorikiError('queue-refused', {
      ...known,
      message: `Nobody says in which region the queue ${queue} lies.`,
      remedy: 'Write it under `queue.sqs.region`.',
    })
  if (kind === 'credentials')
    return new TorikiError('queue-refused', {
      ...known,
      message: `No valid credentials for the queue ${queue}${name === '' ? '' : ` (${name})`}.`,
      remedy:
        'Give this machine credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role), or renew the ones it has.',
    })
  if (kind === 'skewed')
    return new TorikiError('queue-unavailable', {
      ...known,
      message: 'The clock of this machine differs from that of the queue.',
      remedy: 'Set the clock of this machine.',
    })
  if (kind === 'denied')
    return new TorikiError('queue-refused', {
      ...known,
      message: `Our credentials may not do that with the queue ${queue} (${operation}).`,
      remedy: 'Give this role the right, in its own policy and in that of the queue.',
    })
  if (kind === 'certificate')
    return new TorikiError('queue-refused', {
      ...known,
      message: `The certificate of ${place} is not trusted (${name}).`,
      remedy: 'Name the PEM file of your certificate authority in NODE_EXTRA_CA_CERTS.',
    })
  if (kind === 'unavailable' || kind === 'unreadable' || name === 'KmsThrottled')
    return new TorikiError('queue-unavailable', {
      ...known,
      message: `The queue ${queue} does not answer at ${place}${name === '' ? '' : ` (${name})`}.`,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    })
  if (name.startsWith('Kms'))
    return new TorikiError('queue-refused', {
      ...known,
      message: `The key that encrypts the queue ${queue} cannot be used (${name}).`,
      remedy: 'Enable that key, or give this role the right to use it.',
    })
  return new TorikiError('queue-refused', {
    ...known,
    message: `The queue ${queue} refused the request (${name === '' ? `status ${status}` : name}).`,
  })
}
