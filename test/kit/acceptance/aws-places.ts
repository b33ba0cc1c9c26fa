/**
 * Servers that we did not write for what AWS sells (versitygw for S3, ElasticMQ for SQS, moto for KMS), and in them the places of one deployment after the
 * other. Whatever runs in this process, or is started by it, takes its credentials from the environment, as on a machine of AWS.
 */
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { awsClientOptions } from '../../../lib/platform/aws-client-options.ts'
import { createQueues } from '../servers/create-queues.ts'
import { startElasticMq } from '../servers/elasticmq.ts'
import type { ElasticMq } from '../servers/elasticmq.ts'
import { startMoto } from '../servers/moto.ts'
import type { LocalServer } from '../servers/serve-on-port.ts'
import { startVersitygw, TEST_CREDENTIALS as credentials } from '../servers/versitygw.ts'

/** `aws`: S3, SQS and KMS, keys in a bucket of their own. The others are what runs on one's own machines. */
export type PlaceKind = 'aws' | 's3-sqs-keyring' | 's3-sqlite-keyring'

/** As they stand in the settings. */
export type Places = Readonly<Record<'store' | 'keys' | 'queue', object>>

export interface AwsPlaces {
  readonly s3: LocalServer
  readonly sqs: ElasticMq
  readonly kms: LocalServer | undefined
  /** Makes buckets and queues of that name, as the infrastructure would. */
  make(kind: PlaceKind, name: string): Promise<Places>
  stop(): Promise<void>
}

const KEY_ALIAS = 'alias/campus-backup'
const RECEIVES_MAX = 5

/** `queuesStandAt`: the queues' clock stands there until it is turned. */
export async function startAwsPlaces(
  options: { readonly kms?: boolean; readonly queuesStandAt?: Date } = {},
): Promise<AwsPlaces> {
  process.env['AWS_ACCESS_KEY_ID'] = credentials.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = credentials.secretAccessKey
  const { kms: withKms = true, queuesStandAt } = options
  const [s3, sqs, kms] = await Promise.all([
    startVersitygw(),
    startElasticMq(queuesStandAt === undefined ? {} : { standsAt: queuesStandAt }),
    withKms ? startMoto() : undefined,
  ])
  const client = new S3Client({ ...awsClientOptions({ endpoint: s3.endpoint, credentials }), forcePathStyle: true })
  if (kms !== undefined) await createKey(kms.endpoint)
  const bucket = async (name: string): Promise<string> => {
    await client.send(new CreateBucketCommand({ Bucket: name }))
    return name
  }
  return {
    s3,
    sqs,
    kms,
    async make(kind, name) {
      const store = { s3: { bucket: await bucket(name), prefix: 'campus', endpoint: s3.endpoint } }
      if (kind === 's3-sqlite-keyring') return { store, keys: { keyring: './keyring' }, queue: { sqlite: './queue' } }
      await createQueues({ endpoint: sqs.endpoint, prefix: name, receivesMax: RECEIVES_MAX })
      const queue = { sqs: { prefix: name, endpoint: sqs.endpoint } }
      if (kind === 's3-sqs-keyring') return { store, keys: { keyring: './keyring' }, queue }
      if (kms === undefined) throw new Error('these places were started without a key service')
      const keys = { kms: { key: KEY_ALIAS, endpoint: kms.endpoint }, bucket: await bucket(`${name}-keys`) }
      return { store, keys, queue }
    },
    async stop() {
      client.destroy()
      await Promise.all([s3.stop(), sqs.stop(), kms?.stop()])
    },
  }
}

async function createKey(endpoint: string): Promise<void> {
  const keys = new KMSClient(awsClientOptions({ endpoint, credentials }))
  const { KeyMetadata } = await keys.send(new CreateKeyCommand({}))
  await keys.send(new CreateAliasCommand({ AliasName: KEY_ALIAS, TargetKeyId: KeyMetadata?.KeyId }))
  keys.destroy()
}
