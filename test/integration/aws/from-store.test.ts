/** Settings lost: `init --from-store` rebuilds them from a bucket and its keys, and with them the backups are there again. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CopyObjectCommand, CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { parse, stringify } from 'yaml'
import { awsClientOptions } from '../../../lib/platform/aws-client-options.ts'
import { startAwsPlaces } from '../../kit/acceptance/aws-places.ts'
import type { AwsPlaces } from '../../kit/acceptance/aws-places.ts'
import { toriki } from '../../kit/command-line.ts'
import { TEST_CREDENTIALS as credentials } from '../../kit/servers/versitygw.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

const files = { root: '/mnt/nebari', home: 'home/{user}' }
let places: AwsPlaces
beforeAll(async () => {
  places = await startAwsPlaces()
}, 900_000)
afterAll(() => places?.stop())

async function initialised(made: object): Promise<{ readonly folder: string; readonly written: object }> {
  const folder = await temporaryFolder()
  const written = { deployment: 'campus', ...made, limits: { attempts: 5 }, components: { files } }
  writeFileSync(join(folder, 'toriki.yaml'), stringify(written))
  expect((await toriki(join(folder, 'toriki.yaml'), ['init'])).status).toBe(0)
  return { folder, written }
}

test('a bucket and a keyring give back the whole settings, which are taken at once', async () => {
  const { folder, written } = await initialised(await places.make('s3-sqs-keyring', 'lost-keyring'))
  const rebuilt = join(folder, 'rebuilt.yaml')
  const { s3 } = places
  const words = ['--endpoint', s3.endpoint, '--keyring', join(folder, 'keyring'), '--deployment', 'campus']
  const result = await toriki(rebuilt, ['--json', 'init', '--from-store', 's3://lost-keyring/campus', ...words])
  expect(result).toMatchObject({ status: 0, err: '' })
  expect(result.json()).toEqual({ settings: rebuilt, deployment: 'campus', created: [rebuilt] })
  expect(parse(readFileSync(rebuilt, 'utf8'))).toEqual({ ...written, keys: { keyring: join(folder, 'keyring') } })
  expect((await toriki(rebuilt, ['--json', 'runs'])).json()).toEqual([])
})

test('a bucket, a key of KMS and a bucket of keys do; what was written of the same places is kept', async () => {
  const { folder, written } = await initialised(await places.make('aws', 'lost-kms'))
  const rebuilt = join(folder, 'rebuilt.yaml')
  const keys = ['--kms-key', 'alias/campus-backup', '--key-bucket', 'lost-kms-keys', '--deployment', 'campus']
  process.env['AWS_ENDPOINT_URL_KMS'] = places.kms?.endpoint
  process.env['AWS_REGION'] = 'us-east-1'
  try {
    const words = ['--endpoint', places.s3.endpoint, ...keys]
    const result = await toriki(rebuilt, ['init', '--from-store', 's3://lost-kms/campus/', ...words])
    expect(result).toMatchObject({ status: 0 })
  } finally {
    delete process.env['AWS_ENDPOINT_URL_KMS']
    delete process.env['AWS_REGION']
  }
  expect(parse(readFileSync(rebuilt, 'utf8'))).toEqual(written)
})

test('a copy under another bucket is named as it is now', async () => {
  const { folder, written } = await initialised(await places.make('s3-sqlite-keyring', 'lost-original'))
  const client = new S3Client({
    ...awsClientOptions({ endpoint: places.s3.endpoint, credentials }),
    forcePathStyle: true,
  })
  await client.send(new CreateBucketCommand({ Bucket: 'lost-copy' }))
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'lost-original' }))
  for (const { Key = '' } of Contents)
    await client.send(
      new CopyObjectCommand({
        Bucket: 'lost-copy',
        Key: Key.replace('campus/', ''),
        CopySource: `lost-original/${Key}`,
      }),
    )
  client.destroy()
  const rebuilt = join(folder, 'rebuilt.yaml')
  const words = ['--endpoint', places.s3.endpoint, '--keyring', join(folder, 'keyring'), '--deployment', 'campus']
  expect((await toriki(rebuilt, ['init', '--from-store', 's3://lost-copy', ...words])).status).toBe(0)
  expect(parse(readFileSync(rebuilt, 'utf8'))).toEqual({
    ...written,
    store: { s3: { bucket: 'lost-copy', prefix: '', endpoint: places.s3.endpoint } },
    keys: { keyring: join(folder, 'keyring') },
  })
})

test('what cannot be opened is refused by name, and no settings are written', async () => {
  const { folder } = await initialised(await places.make('s3-sqlite-keyring', 'lost-name'))
  const rebuilt = join(folder, 'rebuilt.yaml')
  const from = async (store: string, deployment: string): Promise<object> =>
    await toriki(rebuilt, [
      ...['init', '--from-store', store, '--endpoint', places.s3.endpoint],
      ...['--keyring', join(folder, 'keyring'), '--deployment', deployment],
    ])
  expect(await from('s3://nobody-made-it', 'campus')).toMatchObject({
    status: 1,
    err: expect.stringContaining('no bucket nobody-made-it'),
  })
  expect(await from('s3://lost-name/elsewhere', 'campus')).toMatchObject({
    status: 1,
    err: expect.stringContaining('deployment-missing'),
  })
  expect(() => readFileSync(rebuilt)).toThrow(/ENOENT/)
})
