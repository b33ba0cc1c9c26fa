/** What `doctor`, a start and the function `doctor` refuse by name, on servers that we did not write. What these cannot say is in doctor-scripted.test.ts. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateKeyCommand, DisableKeyCommand, KMSClient, ScheduleKeyDeletionCommand } from '@aws-sdk/client-kms'
import type { CreateKeyCommandInput } from '@aws-sdk/client-kms'
import { ListObjectVersionsCommand, PutBucketVersioningCommand, S3Client } from '@aws-sdk/client-s3'
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueUrlCommand,
  SetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { handle } from '../../../functions/doctor.ts'
import { assembleService } from '../../../lib/assemble-service.ts'
import type { Check } from '../../../lib/components/component.ts'
import { loadSettings } from '../../../lib/load-settings.ts'
import { silentLog } from '../../../lib/log.ts'
import { awsClientOptions } from '../../../lib/platform/aws-client-options.ts'
import { startAwsPlaces } from '../../kit/acceptance/aws-places.ts'
import type { AwsPlaces, Places } from '../../kit/acceptance/aws-places.ts'
import { toriki } from '../../kit/command-line.ts'
import { createQueues } from '../../kit/servers/create-queues.ts'
import { TEST_CREDENTIALS as credentials } from '../../kit/servers/versitygw.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

let places: AwsPlaces
let s3: S3Client
let sqs: SQSClient
let kms: KMSClient
let made: Places
let folder: string
let right: string
beforeAll(async () => {
  places = await startAwsPlaces()
  s3 = new S3Client({ ...awsClientOptions({ endpoint: places.s3.endpoint, credentials }), forcePathStyle: true })
  sqs = new SQSClient({
    ...awsClientOptions({ endpoint: places.sqs.endpoint, credentials }),
    useQueueUrlAsEndpoint: false,
  })
  kms = new KMSClient(awsClientOptions({ endpoint: places.kms?.endpoint ?? '', credentials }))
  folder = await temporaryFolder()
  mkdirSync(join(folder, 'nebari/home/ann'), { recursive: true })
  made = await places.make('aws', 'doctored')
  for (const Bucket of ['doctored', 'doctored-keys'])
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }))
  right = settingsWith({})
  expect((await toriki(right, ['init'])).status).toBe(0)
}, 900_000)
afterAll(async () => {
  for (const client of [s3, sqs, kms]) client?.destroy()
  await places?.stop()
})

let written = 0
function settingsWith(change: object): string {
  const file = join(folder, `toriki-${++written}.yaml`)
  const components = { files: { root: join(folder, 'nebari'), home: 'home/{user}' } }
  writeFileSync(file, stringify({ deployment: 'campus', ...made, workers: 'functions', components, ...change }))
  return file
}

async function doctor(settings: string): Promise<{ readonly status: number; readonly checks: readonly Check[] }> {
  const result = await toriki(settings, ['--json', 'doctor'])
  return { status: result.status, checks: result.json() }
}

/** Every version of every object: a second PUT of the same bytes would show. */
async function versions(): Promise<readonly (string | undefined)[]> {
  const lists = await Promise.all(
    ['doctored', 'doctored-keys'].map((Bucket) => s3.send(new ListObjectVersionsCommand({ Bucket }))),
  )
  return lists.flatMap(({ Versions = [] }) => Versions.map(({ Key, VersionId }) => `${Key} ${VersionId}`))
}

describe('with all as it should be', () => {
  test('doctor passes and says who does the work, from a function too, and the buckets have not one version more', async () => {
    const before = await versions()
    expect(before).toHaveLength(3)
    const { status, checks } = await doctor(right)
    expect({ status, failed: checks.filter(({ ok }) => !ok) }).toEqual({ status: 0, failed: [] })
    expect(checks).toContainEqual({ check: 'workers: functions reach every component', ok: true })
    const invocation = { getRemainingTimeInMillis: () => 900_000 }
    const settings = (): ReturnType<typeof loadSettings> => loadSettings({ file: right })
    const answer = await handle({ settings, log: silentLog, asFunction: true }, {}, invocation)
    expect(answer.filter(({ ok }) => !ok)).toEqual([])
    expect(await versions()).toEqual(before)
  })

  test('fits 80 columns', async () => {
    const { out } = await toriki(right, ['doctor'], { width: 80 })
    expect(out.split('\n').filter((line) => line.length > 80 && !line.includes(folder))).toEqual([])
  })
})

/** Makes the trouble, and gives the settings that meet it. */
interface Refusal {
  readonly what: string
  readonly make: () => Promise<string>
  readonly line: RegExp
  readonly sentence: RegExp
}

async function queuesWith(
  prefix: string,
  given: { readonly receivesMax?: number; readonly visibilitySeconds?: number } = {},
): Promise<string> {
  await createQueues({ endpoint: places.sqs.endpoint, prefix, receivesMax: 5, ...given })
  return settingsWith({ queue: { sqs: { prefix, endpoint: places.sqs.endpoint } } })
}
async function urlOf(QueueName: string): Promise<string> {
  return (await sqs.send(new GetQueueUrlCommand({ QueueName }))).QueueUrl ?? ''
}
async function redrive(prefix: string, policy: string): Promise<void> {
  const QueueUrl = await urlOf(`${prefix}-settle-run`)
  await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { RedrivePolicy: policy } }))
}

const refusals: readonly Refusal[] = [
  {
    what: 'a bucket that is not there',
    make: async () => settingsWith({ store: { s3: { bucket: 'nobody-made-it', endpoint: places.s3.endpoint } } }),
    line: /^store: bucket nobody-made-it can be listed$/,
    sentence: /There is no bucket nobody-made-it/,
  },
  {
    what: 'a bucket of keys that is not there',
    make: async () => settingsWith({ keys: { ...made.keys, bucket: 'nobody-made-it-keys' } }),
    line: /^store: bucket nobody-made-it-keys can be listed$/,
    sentence: /There is no bucket nobody-made-it-keys/,
  },
  {
    what: 'a queue that hides messages too short',
    make: () => queuesWith('short', { visibilitySeconds: 5399 }),
    line: /^queue: short-settle-run$/,
    sentence: /The queue short-\S+ hides a message for 5399 seconds: too short\. Set its VisibilityTimeout to 5400/,
  },
  {
    what: 'a queue that gives up too early',
    make: () => queuesWith('early', { receivesMax: 4 }),
    line: /^queue: early-settle-run$/,
    sentence: /The queue early-\S+ gives a message up after 4 receives: too few/,
  },
  {
    what: 'a queue without a dead-letter queue',
    async make() {
      const settings = await queuesWith('undying')
      await sqs.send(new DeleteQueueCommand({ QueueUrl: await urlOf('undying-settle-run') }))
      const Attributes = { VisibilityTimeout: '5400' }
      await sqs.send(new CreateQueueCommand({ QueueName: 'undying-settle-run', Attributes }))
      return settings
    },
    line: /^queue: undying-settle-run$/,
    sentence: /The queue undying-settle-run gives up no message: it has no dead-letter queue/,
  },
  {
    what: 'a queue whose dead letters go elsewhere',
    async make() {
      const settings = await queuesWith('stray')
      const deadLetterTargetArn = 'arn:aws:sqs:elasticmq:000000000000:stray-backup-slice-dead'
      await redrive('stray', JSON.stringify({ deadLetterTargetArn, maxReceiveCount: 5 }))
      return settings
    },
    line: /^queue: stray-settle-run$/,
    sentence: /The queue stray-settle-run gives its failed messages to another queue than stray-settle-run-dead/,
  },
  {
    what: 'a queue that is missing',
    async make() {
      const settings = await queuesWith('lost')
      await sqs.send(new DeleteQueueCommand({ QueueUrl: await urlOf('lost-replay-run') }))
      return settings
    },
    line: /^queue: lost-replay-run$/,
    sentence: /There is no queue lost-replay-run at /,
  },
  {
    what: 'a dead-letter queue that is missing',
    async make() {
      const settings = await queuesWith('unburied')
      await sqs.send(new DeleteQueueCommand({ QueueUrl: await urlOf('unburied-replay-run-dead') }))
      return settings
    },
    line: /^queue: unburied-replay-run$/,
    sentence: /There is no queue unburied-replay-run-dead at /,
  },
]

describe.each(refusals)('$what', ({ make, line, sentence }) => {
  test('is refused by doctor and at a start, in the same words, and nothing is written', async () => {
    const before = await versions()
    const settings = await make()
    const { status, checks } = await doctor(settings)
    expect(status).toBe(1)
    const told = checks.find(({ check }) => line.test(check))
    expect(told).toMatchObject({ ok: false, remedy: expect.stringMatching(sentence) })
    const loaded = await loadSettings({ file: settings })
    const refused: unknown = await assembleService(loaded, { log: silentLog }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ retry: 'never', message: expect.any(String), remedy: expect.any(String) })
    const { message, remedy } = refused as { readonly message: string; readonly remedy: string }
    expect(`${message} ${remedy}`).toMatch(sentence)
    const backup = await toriki(settings, ['backup', '--detach'])
    expect({ status: backup.status, out: backup.out }).toEqual({ status: 1, out: '' })
    expect(await versions()).toEqual(before)
  })
})

async function newKey(input: CreateKeyCommandInput = {}): Promise<string> {
  return (await kms.send(new CreateKeyCommand(input))).KeyMetadata?.KeyId ?? ''
}

// moto goes on wrapping with keys in any state: that a start is refused is shown in doctor-scripted.test.ts, and that the state is seen, here.
describe.each<[string, () => Promise<string>, RegExp]>([
  [
    'is disabled',
    async () => {
      const KeyId = await newKey()
      await kms.send(new DisableKeyCommand({ KeyId }))
      return KeyId
    },
    /The KMS key \S+ is disabled\./,
  ],
  [
    'is pending deletion',
    async () => {
      const KeyId = await newKey()
      await kms.send(new ScheduleKeyDeletionCommand({ KeyId, PendingWindowInDays: 7 }))
      return KeyId
    },
    /The KMS key \S+ is pending deletion and will be gone on \d{4}-\d\d-\d\d\./,
  ],
  ['is asymmetric', () => newKey({ KeySpec: 'RSA_2048', KeyUsage: 'ENCRYPT_DECRYPT' }), /is not a symmetric key/],
  ['is for signing', () => newKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }), /is not a symmetric key/],
  ['is not there', async () => '00000000-1111-2222-3333-444444444444', /There is no KMS key 00000000-/],
])('a key that %s', (_, make, sentence) => {
  test('is refused by doctor, and the rest is tried all the same', async () => {
    const key = await make()
    const settings = settingsWith({ keys: { kms: { key, endpoint: places.kms?.endpoint }, bucket: 'doctored-keys' } })
    const { status, checks } = await doctor(settings)
    expect(status).toBe(1)
    expect(checks).toContainEqual({ check: `keys: KMS key ${key}`, ok: false, remedy: expect.stringMatching(sentence) })
    for (const check of ['store: bucket doctored can be listed', 'queue: doctored-settle-run', 'files: root present'])
      expect(checks).toContainEqual({ check, ok: true })
  })
})
