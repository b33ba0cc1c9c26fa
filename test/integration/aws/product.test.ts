/** The whole product on the aws drivers, against servers that we did not write: init, a backup, a second one after a day's work, and what changed. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { stringify } from 'yaml'
import { changeDemoHomes, demoUserNames, makeDemoHomes } from '../../../lib/embedded/demo/homes.ts'
import { awsClientOptions } from '../../../lib/platform/aws-client-options.ts'
import { startToriki } from '../../kit/acceptance/toriki-process.ts'
import { createQueues } from '../../kit/servers/create-queues.ts'
import { startElasticMq } from '../../kit/servers/elasticmq.ts'
import { startMoto } from '../../kit/servers/moto.ts'
import type { LocalServer } from '../../kit/servers/serve-on-port.ts'
import { startVersitygw, TEST_CREDENTIALS as credentials } from '../../kit/servers/versitygw.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

const USERS = 8
const KEY_ALIAS = 'alias/campus-backup'
let s3: LocalServer
let sqs: LocalServer
let kms: LocalServer
let client: S3Client
beforeAll(async () => {
  ;[s3, sqs, kms] = await Promise.all([startVersitygw(), startElasticMq(), startMoto()])
  client = new S3Client({ ...awsClientOptions({ endpoint: s3.endpoint, credentials }), forcePathStyle: true })
  const keys = new KMSClient(awsClientOptions({ endpoint: kms.endpoint, credentials }))
  const { KeyMetadata } = await keys.send(new CreateKeyCommand({}))
  await keys.send(new CreateAliasCommand({ AliasName: KEY_ALIAS, TargetKeyId: KeyMetadata?.KeyId }))
  keys.destroy()
})
afterAll(async () => {
  client?.destroy()
  await Promise.all([s3?.stop(), sqs?.stop(), kms?.stop()])
})

/** The real program in a process of its own, as a person starts it: credentials come from its environment. */
async function toriki(settings: string, ...words: readonly string[]): Promise<{ status: unknown; json: unknown }> {
  const child = startToriki(settings, ['--json', ...words], {
    environment: { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey },
  })
  const status = await child.ended
  const out = child.out()
  if (out === '') throw new Error(`${words.join(' ')} ended with ${status} and said: ${child.err()}`)
  return { status, json: JSON.parse(out) }
}

async function bucket(name: string): Promise<string> {
  await client.send(new CreateBucketCommand({ Bucket: name }))
  return name
}

async function keysIn(name: string): Promise<string[]> {
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: name }))
  return Contents.map(({ Key = '' }) => Key)
}

type Places = Readonly<Record<'store' | 'keys' | 'queue', object>>
const places: readonly [string, (name: string) => Promise<Places>][] = [
  [
    'S3, SQS and a keyring',
    async (name) => ({
      store: { s3: { bucket: await bucket(name), prefix: 'campus', endpoint: s3.endpoint } },
      keys: { keyring: './keyring' },
      queue: { sqs: { prefix: name, endpoint: sqs.endpoint } },
    }),
  ],
  [
    'S3, SQLite and a keyring',
    async (name) => ({
      store: { s3: { bucket: await bucket(name), endpoint: s3.endpoint } },
      keys: { keyring: './keyring' },
      queue: { sqlite: './queue' },
    }),
  ],
  [
    'S3, SQS and KMS, keys in a bucket of their own',
    async (name) => ({
      store: { s3: { bucket: await bucket(name), prefix: 'campus', endpoint: s3.endpoint } },
      keys: { kms: { key: KEY_ALIAS, endpoint: kms.endpoint }, bucket: await bucket(`${name}-keys`) },
      queue: { sqs: { prefix: name, endpoint: sqs.endpoint } },
    }),
  ],
]

describe.each(places)('the product on %s', (_, makePlaces) => {
  test('initialises, backs up, backs up again only what changed, and says what that was', async () => {
    const folder = await temporaryFolder()
    const root = join(folder, 'nebari')
    mkdirSync(root)
    const homes = { root, users: USERS, seed: 'aws' }
    await makeDemoHomes(homes)
    const name = `product-${places.findIndex(([, make]) => make === makePlaces)}`
    const made = await makePlaces(name)
    await createQueues({ endpoint: sqs.endpoint, prefix: name, receivesMax: 5 })
    const settings = join(folder, 'toriki.yaml')
    const files = { root, home: 'home/{user}', group: 'shared/{group}' }
    writeFileSync(settings, stringify({ deployment: 'campus', ...made, components: { files } }))

    expect(await toriki(settings, 'init')).toMatchObject({ status: 0 })
    expect(await toriki(settings, 'doctor')).toMatchObject({ status: 0 })
    const first = await toriki(settings, 'backup')
    const slices = USERS + 3
    expect(first).toMatchObject({ status: 0, json: { outcome: 'complete', slices: { total: slices, saved: slices } } })
    expect((await changeDemoHomes(homes)).length).toBeGreaterThan(0)
    const second = await toriki(settings, 'backup')
    expect(second).toMatchObject({ status: 0, json: { outcome: 'complete', slices: { total: slices, saved: slices } } })

    const [ann = ''] = demoUserNames(1)
    const snapshots = (await toriki(settings, 'snapshots', '--user', ann)).json as { readonly id: string }[]
    expect(snapshots).toHaveLength(2)
    const [newer, older] = snapshots.map(({ id }) => id) as [string, string]
    const difference = await toriki(settings, 'diff', older, newer)
    expect(difference).toMatchObject({ status: 0, json: { added: [{ key: 'notebooks/ideas.ipynb' }], removed: [] } })
    const shown = await toriki(settings, 'cat', newer, 'files', 'notebooks/ideas.ipynb')
    expect(shown.status).toBe(0)

    if ('bucket' in made.keys) {
      expect((await keysIn(`${name}-keys`)).every((key) => /^campus\/(keys|erased)\//.test(key))).toBe(true)
      expect((await keysIn(name)).filter((key) => key.startsWith('campus/keys/'))).toEqual([])
    }
  })
})
