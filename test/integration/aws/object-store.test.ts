/** The S3 driver keeps every promise of its port on servers that we did not write: Versity's gateway, and moto as second opinion. */
import { CreateBucketCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { OBJECT_BYTES_MAX } from '../../../lib/limits.ts'
import { awsClientOptions } from '../../../lib/platform/aws-client-options.ts'
import { AwsObjectStore } from '../../../lib/platform/object-store/aws.ts'
import type { AwsObjectStoreOptions } from '../../../lib/platform/object-store/aws.ts'
import { objectStoreContract } from '../../contract/object-store.ts'
import { startMoto } from '../../kit/servers/moto.ts'
import type { LocalServer } from '../../kit/servers/serve-on-port.ts'
import { startVersitygw, TEST_CREDENTIALS as credentials } from '../../kit/servers/versitygw.ts'

const bucket = 'contract-bucket'
let versitygw: LocalServer
let moto: LocalServer
beforeAll(async () => {
  ;[versitygw, moto] = await Promise.all([startVersitygw(), startMoto()])
  for (const { endpoint } of [versitygw, moto]) {
    const client = new S3Client({ ...awsClientOptions({ endpoint, credentials }), forcePathStyle: true })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    client.destroy()
  }
})
afterAll(() => Promise.all([versitygw?.stop(), moto?.stop()]))

let opened = 0
/** Each an empty place of its own in the one bucket: so every promise is shown below a prefix. */
const open = (server: LocalServer, more: Partial<AwsObjectStoreOptions> = {}): AwsObjectStore =>
  new AwsObjectStore({ bucket, prefix: `campus-${++opened}/x`, endpoint: server.endpoint, credentials, ...more })

objectStoreContract('aws on versitygw', async () => open(versitygw), { propertyRuns: 3 })
objectStoreContract('aws on moto', async () => open(moto), { propertyRuns: 1 })

describe('aws on real servers', () => {
  test.each([
    ['a bucket that is not there', { bucket: 'nobody-made-it' }, /no bucket nobody-made-it/],
    ['a secret that is wrong', { credentials: { ...credentials, secretAccessKey: 'wrong' } }, /credentials/],
    ['an account that is not there', { credentials: { accessKeyId: 'nobody', secretAccessKey: 'x' } }, /credentials/],
  ])('%s is refused by name, for reading and writing', async (_, wrong, says) => {
    const store = open(versitygw, wrong)
    const refused = { code: 'store-refused', retry: 'never', message: expect.stringMatching(says) }
    await expect(store.create('a', Buffer.of(1))).rejects.toMatchObject(refused)
    await expect(store.get('a')).rejects.toMatchObject(refused)
    await expect(store.list('')).rejects.toMatchObject(refused)
    store.close()
  })

  test('the bucket encrypts by the key that the settings name, with a bucket key', async () => {
    const store = open(moto, { encryptionKey: 'alias/aws/s3' })
    await store.create('a', Buffer.of(1))
    const client = new S3Client({ ...awsClientOptions({ endpoint: moto.endpoint, credentials }), forcePathStyle: true })
    const Key = `campus-${opened}/x/a`
    expect(await client.send(new HeadObjectCommand({ Bucket: bucket, Key }))).toMatchObject({
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: expect.stringContaining('aws/s3'),
      BucketKeyEnabled: true,
    })
    client.destroy()
    store.close()
  })

  test('an object of the largest size goes there and comes back', async () => {
    const store = open(versitygw)
    const body = Buffer.alloc(OBJECT_BYTES_MAX, 'large ')
    await store.create('large', body)
    expect((await store.get('large')).equals(body)).toBe(true)
    store.close()
  })
})
