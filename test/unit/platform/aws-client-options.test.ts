import { expect, test } from '@jest/globals'
import { awsClientOptions, regionOfEndpoint } from '../../../lib/platform/aws-client-options.ts'

test.each([
  ['https://s3.eu-central-1.amazonaws.com', 'eu-central-1'],
  ['https://s3.dualstack.us-west-2.amazonaws.com/', 'us-west-2'],
  ['https://kms-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
  ['https://bucket.vpce-0a1b-cdef.s3.eu-west-3.vpce.amazonaws.com', 'eu-west-3'],
  ['https://sqs.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
])('%s is an address of AWS in %s, and requests are signed for it', (endpoint, region) => {
  expect(regionOfEndpoint(endpoint)).toBe(region)
  expect(awsClientOptions({ endpoint }).region).toBe(region)
  expect(awsClientOptions({ endpoint, region: 'eu-north-1' }).region).toBe('eu-north-1')
})

test.each([
  'https://s3.example.org',
  'http://127.0.0.1:9000',
  'https://s3.eu-central-1.amazonaws.com.example.org',
  'https://eu-central-1.notamazonaws.com',
])('%s is not, and a signature names a region all the same', (endpoint) => {
  expect(regionOfEndpoint(endpoint)).toBeUndefined()
  expect(awsClientOptions({ endpoint }).region).toBe('us-east-1')
})
