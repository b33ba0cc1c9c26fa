import { expect, test } from '@jest/globals'
import { awsFailure } from '../../../lib/platform/aws-failure.ts'

test.each<[unknown, object]>([
  [
    { name: 'TimeoutError', message: 'x' },
    { kind: 'unavailable', status: 0 },
  ],
  [
    { name: 'Error', code: 'ECONNRESET' },
    { kind: 'unavailable', name: 'ECONNRESET' },
  ],
  [{ name: 'Error', code: 'EAI_AGAIN' }, { kind: 'unavailable' }],
  [{ name: 'Error', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, { kind: 'certificate' }],
  [{ name: 'Error', code: 'CERT_HAS_EXPIRED' }, { kind: 'certificate' }],
  [{ name: 'Error', code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, { kind: 'certificate' }],
  [
    { name: 'CredentialsProviderError', message: 'Could not load credentials from any providers' },
    { kind: 'credentials' },
  ],
  [new Error('Region is missing'), { kind: 'missing-region' }],
  [new SyntaxError('<'), { kind: 'unreadable' }],
  [
    { name: 'x', $metadata: { httpStatusCode: 418 } },
    { kind: 'answer', status: 418 },
  ],
  [{ name: 'ThrottlingException', $metadata: { httpStatusCode: 400 } }, { kind: 'unavailable' }],
  [{ name: 'Unknown', $metadata: { httpStatusCode: 403 } }, { kind: 'denied' }],
  [{ name: 'com.amazonaws.sqs#QueueDoesNotExist', $metadata: { httpStatusCode: 400 } }, { name: 'QueueDoesNotExist' }],
  [{ name: 'AWS.SimpleQueueService.NonExistentQueue' }, { name: 'NonExistentQueue' }],
  [
    { name: 'x', $response: { statusCode: 503, headers: { 'retry-after': '3' } } },
    { kind: 'unavailable', retryAfterMs: 3000 },
  ],
  [{ name: 'RequestTimeTooSkewed', $metadata: { httpStatusCode: 403 } }, { kind: 'skewed' }],
  [
    { name: 'SignatureDoesNotMatch', message: 'Signature not yet current: x is still later than y' },
    { kind: 'skewed' },
  ],
  [{ name: 'SignatureDoesNotMatch', message: 'no' }, { kind: 'credentials' }],
  // An answer is hostile: only short names and numbers come through.
  [
    { name: `<b>${'x'.repeat(1000)}`, $metadata: { httpStatusCode: 400 } },
    { name: '', kind: 'answer' },
  ],
  [{ name: 'x', $response: { headers: { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' } } }, { name: 'x' }],
  [{ name: 'x', Region: '../../etc' }, { name: 'x' }],
  ['thrown text', { kind: 'unreadable', name: '' }],
  [undefined, { kind: 'unreadable' }],
])('%j is %j', (error, expected) => {
  const failure = awsFailure(error)
  expect(failure).toMatchObject(expected)
  if (!('retryAfterMs' in expected)) expect(failure.retryAfterMs).toBeUndefined()
  expect(failure.region).toBeUndefined()
})
