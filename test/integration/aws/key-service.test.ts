/** The KMS driver keeps every promise of its port on moto. What moto cannot show is shown on answers of our own in test/unit/platform/key-service/aws.test.ts. */
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { afterAll, beforeAll } from '@jest/globals'
import { awsClientOptions } from '../../../lib/platform/aws-client-options.ts'
import { AwsKeyService } from '../../../lib/platform/key-service/aws.ts'
import { keyServiceContract } from '../../contract/key-service.ts'
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
