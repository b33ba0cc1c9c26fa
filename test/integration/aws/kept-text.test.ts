/** Secrets, parameters and a topic on moto: what is put there by AWS's own client is what our drivers take, and what they publish arrives. */
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { CreateQueueCommand, GetQueueAttributesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { AlarmTopic } from '../../../lib/platform/alarm-topic/aws.ts'
import { awsClientOptions } from '../../../lib/platform/aws-client-options.ts'
import { readParameter } from '../../../lib/platform/parameter-store/aws.ts'
import { readSecret } from '../../../lib/platform/secrets-manager/aws.ts'
import { startMoto } from '../../kit/servers/moto.ts'
import type { LocalServer } from '../../kit/servers/serve-on-port.ts'
import { TEST_CREDENTIALS as credentials } from '../../kit/servers/versitygw.ts'

let moto: LocalServer
let place: { readonly endpoint: string; readonly region: string; readonly credentials: typeof credentials }

beforeAll(async () => {
  moto = await startMoto()
  place = { endpoint: moto.endpoint, region: 'eu-central-1', credentials }
})
afterAll(() => moto?.stop())

describe('a kept text', () => {
  test('is the secret of that name, or of that ARN', async () => {
    const client = new SecretsManagerClient(awsClientOptions(place))
    const { ARN = '' } = await client.send(new CreateSecretCommand({ Name: 'campus/hub', SecretString: '{"a":"b"}' }))
    client.destroy()
    expect(await readSecret({ name: 'campus/hub', ...place })).toBe('{"a":"b"}')
    expect(await readSecret({ name: ARN, ...place })).toBe('{"a":"b"}')
  })

  test('is the parameter of that name, decrypted', async () => {
    const client = new SSMClient(awsClientOptions(place))
    await client.send(new PutParameterCommand({ Name: '/campus/toriki', Value: 'kept', Type: 'SecureString' }))
    client.destroy()
    expect(await readParameter({ name: '/campus/toriki', ...place })).toBe('kept')
  })

  test('that is not there is refused by its name', async () => {
    await expect(readSecret({ name: 'campus/none', ...place })).rejects.toMatchObject({
      code: 'reference-unresolved',
      message: 'The secret campus/none is not there.',
    })
    await expect(readParameter({ name: '/none', ...place })).rejects.toMatchObject({
      code: 'reference-unresolved',
      message: 'The parameter /none is not there.',
    })
  })
})

test('an alarm that is published arrives at who subscribed to the topic', async () => {
  const sns = new SNSClient(awsClientOptions(place))
  const sqs = new SQSClient(awsClientOptions(place))
  const { TopicArn: arn = '' } = await sns.send(new CreateTopicCommand({ Name: 'campus-alarms' }))
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'subscriber' }))
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }))
  await sns.send(new SubscribeCommand({ TopicArn: arn, Protocol: 'sqs', Endpoint: Attributes?.QueueArn }))
  const written: string[] = []
  const log = { write: (_level: string, event: string) => void written.push(event) }
  const topic = new AlarmTopic({ arn, log, endpoint: moto.endpoint, credentials })
  await topic.publish('Toriki campus: no-backup', { alarm: 'no-backup', run: 'r' })
  topic.close()
  expect(written).toEqual([])
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }))
  const envelope = JSON.parse(Messages[0]?.Body ?? '{}') as { Subject?: string; Message?: string }
  expect(envelope.Subject).toBe('Toriki campus: no-backup')
  expect(JSON.parse(envelope.Message ?? '{}')).toEqual({ alarm: 'no-backup', run: 'r' })
  sns.destroy()
  sqs.destroy()
})
