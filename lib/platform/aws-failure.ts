/**
 * What a failed call of a supplier's SDK was, before a driver says it in its port's words. Told by members, not by classes: the SDK has a class per service and
 * error, servers that speak its protocols invent more, and under jest Node's errors are of another realm. An answer is hostile: nothing of it is shown but short names.
 */

/**
 * `unavailable`: passes by itself. `credentials`: there are none, or they are wrong or expired. `denied`: they are good and lack the right. `missing-region`: nobody
 * named one. `certificate`: the server's is not trusted. `skewed`: our clock and the server's differ. `unreadable`: what answered does not speak the protocol. `answer`: any other answer; the driver knows its `name`.
 */
export type AwsFailureKind =
  | 'unavailable'
  | 'credentials'
  | 'denied'
  | 'missing-region'
  | 'certificate'
  | 'skewed'
  | 'unreadable'
  | 'answer'

export interface AwsFailure {
  readonly kind: AwsFailureKind
  /** The service's name for it, without namespace and suffix noise: `NoSuchBucket`, `DisabledException`; else the system's code; else the class. */
  readonly name: string
  /** 0 when there was no answer. */
  readonly status: number
  /** The answer asked for this pause. */
  readonly retryAfterMs?: number
  /** The region that the answer names as the right one. */
  readonly region?: string
  /** Whose role was refused, and whose the thing is that it asked for, where a refusal names both: numbers of accounts, which are no secret. */
  readonly accounts?: { readonly ours: string; readonly theirs: string }
}

const CREDENTIALS =
  /^(CredentialsProviderError|CredentialsError|InvalidAccessKeyId|SignatureDoesNotMatch|InvalidSignature(Exception)?|ExpiredToken(Exception)?|InvalidToken|TokenRefreshRequired|UnrecognizedClient(Exception)?|InvalidClientTokenId|IncompleteSignature(Exception)?|MissingAuthenticationToken(Exception)?|MissingSecurityHeader|XAdminUserNotFound|AuthFailure|TokenProviderError)$/
const DENIED = /^(AccessDenied(Exception)?|AllAccessDisabled|AccountProblem|NotAuthorized|OptInRequired|Forbidden)$/
/** The SDK sets its clock by the refusal, so the next try is signed with the right time. */
const SKEWED = /^(RequestTimeTooSkewed|RequestExpired|RequestInTheFuture)$/
/** Some services say it in a sentence only, under the name of a bad signature. */
const SKEWED_SENTENCE = /^Signature (expired|not yet current): /
const REFUSED_ACROSS =
  /arn:aws[a-z-]*:(?:sts|iam)::([0-9]{12}):[^ ]{1,200} is not authorized to perform: .{1,80} on (?:the )?resource: arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12}):/
const PASSING =
  /^(SlowDown|Throttl\w*|TooManyRequests(Exception)?|RequestThrottled(Exception)?|RequestLimitExceeded|BandwidthLimitExceeded|PriorRequestNotComplete|RequestTimeout(Exception)?|TimeoutError|AbortError|ServiceUnavailable(Exception)?|InternalError|InternalFailure|InternalServerError|OverLimit)$/
const CERTIFICATE = /^(CERT_|ERR_TLS_CERT|SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER))/
const REGION = /^[a-z0-9-]{2,32}$/

export function awsFailure(error: unknown): AwsFailure {
  const given = isObject(error) ? error : {}
  const metadata = isObject(given['$metadata']) ? given['$metadata'] : {}
  const response = isObject(given['$response']) ? given['$response'] : {}
  const headers = isObject(response['headers']) ? response['headers'] : {}
  const status = number(metadata['httpStatusCode']) ?? number(response['statusCode']) ?? 0
  const code = text(given['code'])
  const systemCode = code !== undefined && /^[A-Z_]{3,40}$/.test(code) ? code : undefined
  const name = plainName(systemCode ?? text(given['Code']) ?? text(given['name']))
  const retryAfterMs = seconds(headers['retry-after'])
  const region = [text(given['Region']), text(headers['x-amz-bucket-region'])].find(
    (one) => one !== undefined && REGION.test(one),
  )
  const message = text(given['message']) ?? ''
  const [, ours, theirs] = REFUSED_ACROSS.exec(message) ?? []
  return {
    kind: kindOf(name, status, systemCode, message),
    name,
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(region === undefined ? {} : { region }),
    ...(ours === undefined || theirs === undefined ? {} : { accounts: { ours, theirs } }),
  }
}

function kindOf(name: string, status: number, systemCode: string | undefined, message: string): AwsFailureKind {
  if (systemCode !== undefined && CERTIFICATE.test(systemCode)) return 'certificate'
  if (SKEWED.test(name) || SKEWED_SENTENCE.test(message)) return 'skewed'
  if (CREDENTIALS.test(name)) return 'credentials'
  if (DENIED.test(name)) return 'denied'
  if (PASSING.test(name)) return 'unavailable'
  if (status === 0 && message.startsWith('Region is missing')) return 'missing-region'
  if (status === 0) return systemCode === undefined ? 'unreadable' : 'unavailable'
  if (status < 300) return 'unreadable'
  if (status === 429 || status === 408 || (status >= 500 && status !== 501 && status !== 507)) return 'unavailable'
  // An answer without a name the service gives: a proxy's page, or a HEAD.
  if (status === 403) return name === '' || name === 'Unknown' || name === 'UnknownError' ? 'denied' : 'answer'
  return 'answer'
}

/** `com.amazonaws.sqs#QueueDoesNotExist` and `AWS.SimpleQueueService.NonExistentQueue` without what stands before; bounded, harmless characters only. */
function plainName(given: string | undefined): string {
  if (given === 'Error') return '' // says nothing
  const last = given?.split('#').at(-1)?.split(':')[0] ?? ''
  return /^[A-Za-z][A-Za-z0-9_.]{0,79}$/.test(last) ? last.replace(/^AWS\.SimpleQueueService\./, '') : ''
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
function seconds(value: unknown): number | undefined {
  return typeof value === 'string' && /^[0-9]{1,6}$/.test(value) ? Number(value) * 1000 : undefined
}
