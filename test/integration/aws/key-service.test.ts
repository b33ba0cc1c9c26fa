/** The KMS driver keeps every promise of its port on moto. What moto cannot show is shown on answers of our own in test/unit/platform/key-service/aws.test.ts. */
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DisableKeyCommand,
  KMSClient,
  RotateKeyOnDemandCommand,
} from '@aws-sdk/client-kms'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { awsClientOptions } from '../../../lib/platform/aws-client-options.ts'
import { AwsKeyService } from '../../../lib/platform/key-service/aws.ts'
import { keyServiceContract } from '../../contract/key-service.ts'
import { keptPromises } from '../../contract/kept-promises.ts'
import { startMoto } from '../../kit/servers/moto.ts'
import type { LocalServer } from '../../kit/servers/serve-on-port.ts'
import { TEST_CREDENTIALS as credentials } from '../../kit/servers/versitygw.ts'

let moto: LocalServer
let client: KMSClient
beforeAll(async () => {
  moto = await startMoto()
  client = new KMSClient(awsClientOptions({ endpoint: moto.endpoint, credentials }))
})
afterAll(async () => {
  client?.destroy()
  await moto?.stop()
})

const newKey = async (): Promise<string> => (await client.send(new CreateKeyCommand({}))).KeyMetadata?.KeyId ?? ''
const service = (key: string): AwsKeyService => new AwsKeyService({ key, endpoint: moto.endpoint, credentials })

keyServiceContract('aws on moto', async () => service(await newKey()))

const context = { deployment: 'campus', slice: 'abc', purpose: 'tree' }

test('by its alias the key opens what it wrapped by its id, and the other way round', async () => {
  const id = await newKey()
  await client.send(new CreateAliasCommand({ AliasName: 'alias/both-ways', TargetKeyId: id }))
  const [byId, byAlias] = [service(id), service('alias/both-ways')]
  expect(await byAlias.unwrap(await byId.wrap(Buffer.from('x'), context), context)).toEqual(Buffer.from('x'))
  expect(await byId.unwrap(await byAlias.wrap(Buffer.from('y'), context), context)).toEqual(Buffer.from('y'))
})

test('a key that was rotated opens what it wrapped before', async () => {
  const id = await newKey()
  const wrapped = await service(id).wrap(Buffer.from('x'), context)
  await client.send(new RotateKeyOnDemandCommand({ KeyId: id }))
  expect(await service(id).unwrap(wrapped, context)).toEqual(Buffer.from('x'))
})

test.each(['alias/nobody', '00000000-1111-2222-3333-444444444444'])(
  'a key that is not there (%s) is named',
  async (key) => {
    const refused = { code: 'key-unusable', retry: 'never', message: expect.stringContaining(key) }
    await expect(service(key).wrap(Buffer.of(1), context)).rejects.toMatchObject(refused)
  },
)

const disabled = 'a disabled key is key-unusable, and says so'
keptPromises({ [disabled]: 'moto goes on with it; shown on an answer of our own in the unit tests' })(
  disabled,
  async () => {
    const id = await newKey()
    const wrapped = await service(id).wrap(Buffer.of(1), context)
    await client.send(new DisableKeyCommand({ KeyId: id }))
    await expect(service(id).unwrap(wrapped, context)).rejects.toMatchObject({ code: 'key-unusable' })
  },
)
