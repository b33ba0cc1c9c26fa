/** The S3 driver keeps every promise of its port on servers that we did not write: Versity's gateway, and moto as second opinion. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { awsClientOptions } from '../../../lib/platform/aws-client-options.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import { AwsObjectStore } from '../../../lib/platform/object-store/aws.ts'
import type { ObjectStore } from '../../../lib/platform/object-store/port.ts'
import { retryObjectStore } from '../../../lib/platform/object-store/retry.ts'
import { systemRandom } from '../../../lib/platform/random.ts'
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
const open = (server: LocalServer, more: { encryptionKey?: string } = {}): AwsObjectStore =>
  new AwsObjectStore({ bucket, prefix: `campus-${++opened}/x`, endpoint: server.endpoint, credentials, ...more })
const retried = (store: ObjectStore): ObjectStore =>
  retryObjectStore(store, { clock: systemClock, random: systemRandom })

objectStoreContract('aws on versitygw', async () => open(versitygw), { propertyRuns: 5 })
objectStoreContract('aws on versitygw with retries', async () => retried(open(versitygw)), { propertyRuns: 2 })
objectStoreContract('aws on moto', async () => open(moto), { propertyRuns: 2 })
