/** What S3, or a server that speaks its protocol, says, in the store's words. */
import { TorikiError } from '../../errors.ts'
import { awsFailure } from '../aws-failure.ts'

export interface S3Context {
  readonly bucket: string
  /** Where it was asked: an endpoint or a region, for sentences. */
  readonly place: string
  readonly operation: string
  readonly key: string
}

const FULL = /^(QuotaExceeded\w*|\w*QuotaExceeded|XMinioStorageFull|InsufficientStorage|EntityTooLargeForQuota)$/
const WRONG_REGION =
  /^(PermanentRedirect|Redirect|TemporaryRedirect|AuthorizationHeaderMalformed|IllegalLocationConstraintException|InvalidRegion)$/
/** The body was changed on its way, or cut short: sent again it may arrive. */
const DAMAGED_ON_THE_WAY =
  /^(BadDigest|InvalidDigest|XAmzContentSHA256Mismatch|XAmzContentChecksumMismatch|IncompleteBody|InvalidChunkSizeError)$/

/** A coded error for anything a call threw. `object-exists` and `object-not-found` are answers of the protocol, the rest is trouble. */
export function s3Error(error: unknown, context: S3Context): TorikiError {
  if (error instanceof TorikiError) return error
  const failure = awsFailure(error)
  const { kind, name, status } = failure
  const { bucket, place, operation, key } = context
  const ids = { operation, key, ...(status === 0 ? {} : { status }), ...(name === '' ? {} : { reason: name }) }
  const known = { ids, cause: error }
  const where = `the bucket ${bucket} (${place})`
  if (name === 'PreconditionFailed' || status === 412) return new TorikiError('object-exists', known)
  if (name === 'NoSuchKey') return new TorikiError('object-not-found', known)
  if (name === 'ConditionalRequestConflict' || status === 409)
    return new TorikiError('store-unavailable', {
      ...known,
      message: 'Somebody else is creating the same object just now.',
      remedy: 'Nothing to do: it is tried again.',
    })
  if (name === 'NoSuchBucket')
    return new TorikiError('store-refused', {
      ...known,
      message: `There is no bucket ${bucket} at ${place}.`,
      remedy: `Create the bucket ${bucket}, or mend \`store.s3.bucket\`, its region or its endpoint.`,
    })
  if (WRONG_REGION.test(name) || status === 301 || status === 307)
    return new TorikiError('store-refused', {
      ...known,
      message:
        `${where} lies in ${failure.region === undefined ? 'another region' : `the region ${failure.region}`}.`.replace(
          /^t/,
          'T',
        ),
      remedy:
        failure.region === undefined
          ? 'Write the region of the bucket under `store.s3.region`.'
          : `Write \`region: ${failure.region}\` under \`store.s3\`, if that region is allowed to hold the backup.`,
    })
  if (status === 507 || FULL.test(name)) return new TorikiError('store-full', known)
  if (kind === 'missing-region')
    return new TorikiError('store-refused', {
      ...known,
      message: `Nobody says in which region ${where} lies.`,
      remedy: 'Write it under `store.s3.region`.',
    })
  if (kind === 'credentials')
    return new TorikiError('store-refused', {
      ...known,
      message: `No valid credentials for ${where}${name === '' ? '' : ` (${name})`}.`,
      remedy:
        'Give this machine credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, or a role), or renew the ones it has.',
    })
  if (kind === 'denied')
    return new TorikiError('store-refused', {
      ...known,
      message: `Our credentials may not do that in ${where} (${operation}).`,
      remedy: 'Give this role the right, in its own policy and in that of the bucket and its key.',
    })
  if (kind === 'certificate')
    return new TorikiError('store-refused', {
      ...known,
      message: `The certificate of ${place} is not trusted (${name}).`,
      remedy: 'Name the PEM file of your certificate authority in NODE_EXTRA_CA_CERTS.',
    })
  if (kind === 'skewed')
    return new TorikiError('store-unavailable', {
      ...known,
      message: 'The clock of this machine differs from that of the store.',
      remedy: 'Set the clock of this machine.',
    })
  if (DAMAGED_ON_THE_WAY.test(name))
    return new TorikiError('store-unavailable', {
      ...known,
      message: 'An object was damaged on its way to the store, which did not take it.',
      remedy: 'Check what stands between here and the store.',
    })
  if (kind === 'unreadable')
    return new TorikiError('store-unavailable', {
      ...known,
      message: `What answers at ${place} is not a store, or its answer was damaged.`,
      remedy: 'Check `store.s3.endpoint`: a login page or a proxy may answer there.',
    })
  if (kind === 'unavailable')
    return new TorikiError('store-unavailable', {
      ...known,
      message: `The store does not answer: ${place}${name === '' ? '' : ` (${name})`}.`,
      ...(failure.retryAfterMs === undefined ? {} : { retryAfterMs: failure.retryAfterMs }),
    })
  if (name.startsWith('KMS.'))
    return new TorikiError('store-refused', {
      ...known,
      message: `The key that encrypts ${where} cannot be used (${name}).`,
      remedy: 'Enable that key, or give this role the right to use it.',
    })
  return new TorikiError('store-refused', {
    ...known,
    message: `The store refused the request (${name === '' ? `status ${status}` : name}): ${where}.`,
    ...(status === 501 ? { remedy: 'Use a store that knows conditional PUTs (`If-None-Match: *`), such as S3.' } : {}),
  })
}
