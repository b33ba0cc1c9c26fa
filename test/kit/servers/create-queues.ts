import { CreateQueueCommand, GetQueueAttributesCommand, SQSClient } from '@aws-sdk/client-sqs'
import { queueNames } from '../../../lib/platform/queue/port.ts'
import { TEST_CREDENTIALS } from './versitygw.ts'

/** Makes what the infrastructure makes: a queue and a dead-letter queue for each kind of work, `<prefix>-<kind>` and `<prefix>-<kind>-dead`. */
export async function createQueues(options: {
  readonly endpoint: string
  readonly prefix: string
  readonly receivesMax: number
  readonly visibilitySeconds?: number
}): Promise<void> {
  const { endpoint, prefix, receivesMax, visibilitySeconds = 5400 } = options
  const client = new SQSClient({
    endpoint,
    region: 'us-east-1',
    credentials: TEST_CREDENTIALS,
    useQueueUrlAsEndpoint: false,
  })
  const create = async (name: string, attributes: Record<string, string>): Promise<string> => {
    const { QueueUrl = '' } = await client.send(new CreateQueueCommand({ QueueName: name, Attributes: attributes }))
    const look = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] })
    return (await client.send(look)).Attributes?.QueueArn ?? ''
  }
  await Promise.all(
    queueNames.map(async (kind) => {
      const deadLetterTargetArn = await create(`${prefix}-${kind}-dead`, {})
      await create(`${prefix}-${kind}`, {
        VisibilityTimeout: String(visibilitySeconds),
        RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount: receivesMax }),
      })
    }),
  )
  client.destroy()
}
