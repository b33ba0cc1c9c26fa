import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { checkQueueRules } from '../../../../lib/platform/queue/aws-rules.ts'
import { AwsQueues } from '../../../../lib/platform/queue/aws.ts'
import { answeringServer, jsonAnswer } from '../../../kit/servers/answering-server.ts'
import type { Answer, AnsweringServer, SeenRequest } from '../../../kit/servers/answering-server.ts'

const credentials = { accessKeyId: 'id', secretAccessKey: 'very-secret' }
const rules = { visibilityMsMin: 5_400_000, receivesMin: 5 }
const ok = (value: object): Answer => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.0' },
  body: JSON.stringify(value),
})
const call = ({ headers }: SeenRequest): string => String(headers['x-amz-target']).split('.').at(-1) ?? ''
const url = { QueueUrl: 'http://elsewhere.invalid/1/campus-backup-slice' }
/** Knows where queues are; `answer` says the rest. */
const serve = (answer: (request: SeenRequest, number: number) => Answer): Promise<AnsweringServer> => {
  let number = 0
  return answeringServer((request) => (call(request) === 'GetQueueUrl' ? ok(url) : answer(request, ++number)))
}
const open = ({ endpoint }: AnsweringServer): AwsQueues =>
  new AwsQueues({ prefix: 'campus', endpoint, credentials, rules })
const entries = ({ body }: SeenRequest): { Id: string; MessageBody: string }[] =>
  (JSON.parse(body) as { Entries: { Id: string; MessageBody: string }[] }).Entries
const sends = (server: AnsweringServer): SeenRequest[] =>
  server.seen.filter((request) => call(request) === 'SendMessageBatch')
const md5 = (body: string): string => createHash('md5').update(body).digest('hex')
/** What SQS says of messages that it took; the SDK compares the digests. */
const took = (request: SeenRequest): object[] =>
  entries(request).map(({ Id, MessageBody }) => ({ Id, MessageId: Id, MD5OfMessageBody: md5(MessageBody) }))
const tookAll = (request: SeenRequest): Answer => ok({ Successful: took(request), Failed: [] })

describe('sending', () => {
  test('goes in batches of ten and of 256 KiB, and asks once where the queue is', async () => {
    await using server = await serve(tookAll)
    const queue = open(server).queue('backup-slice')
    await queue.send(Array.from({ length: 23 }, (_, number) => ({ body: `message ${number}` })))
    await queue.send(Array.from({ length: 6 }, () => ({ body: 'x'.repeat(60 * 1024) })))
    expect(
      sends(server)
        .map((request) => entries(request).length)
        .toSorted((a, b) => a - b),
    ).toEqual([2, 3, 4, 10, 10])
    expect(server.seen.filter((request) => call(request) === 'GetQueueUrl')).toHaveLength(1)
  })

  test('sends again only what was not taken', async () => {
    await using server = await serve((request, number) =>
      number === 1
        ? ok({
            Successful: took(request).slice(0, 1),
            Failed: [{ Id: '1', SenderFault: false, Code: 'InternalError' }],
          })
        : tookAll(request),
    )
    await open(server)
      .queue('backup-slice')
      .send([{ body: 'a' }, { body: 'b' }, { body: 'c' }])
    expect(sends(server).map((request) => entries(request).map(({ MessageBody }) => MessageBody))).toEqual([
      ['a', 'b', 'c'],
      ['b', 'c'],
    ])
  })

  test('what is never taken is queue-unavailable, what is refused is queue-refused', async () => {
    const part = (SenderFault: boolean): Answer =>
      ok({ Successful: [], Failed: [{ Id: '0', SenderFault, Code: 'InvalidMessageContents' }] })
    await using server = await serve((_, number) => part(number > 3))
    const queue = open(server).queue('backup-slice')
    await expect(queue.send([{ body: 'a' }])).rejects.toMatchObject({ code: 'queue-unavailable', retry: 'now' })
    await expect(queue.send([{ body: 'a' }])).rejects.toMatchObject({
      code: 'queue-refused',
      message: expect.stringContaining('InvalidMessageContents'),
    })
  })
})

describe('receiving', () => {
  const message = {
    MessageId: 'm',
    ReceiptHandle: 'r',
    Body: 'x',
    MD5OfBody: md5('x'),
    Attributes: { ApproximateReceiveCount: '1', SentTimestamp: '0' },
  }

  test('what an aborted wait was given all the same is given back', async () => {
    const stop = new AbortController()
    await using server = await serve((request) => {
      if (call(request) !== 'ReceiveMessage') return ok({})
      stop.abort()
      return ok({ Messages: [message] })
    })
    const received = open(server)
      .queue('backup-slice')
      .receive({ max: 10, waitMs: 20_000, visibilityMs: 60_000, signal: stop.signal })
    expect(await received).toEqual([])
    const [asked, gaveBack] = server.seen.slice(1)
    expect(JSON.parse(asked?.body ?? '')).toMatchObject({
      WaitTimeSeconds: 2,
      VisibilityTimeout: 60,
      MaxNumberOfMessages: 10,
    })
    expect([call(gaveBack as SeenRequest), JSON.parse(gaveBack?.body ?? '')]).toMatchObject([
      'ChangeMessageVisibility',
      { ReceiptHandle: 'r', VisibilityTimeout: 0 },
    ])
  })

  test('a wait that nobody can abort is one request, and a part of a second hides for a whole one', async () => {
    await using server = await serve(() => ok({}))
    expect(await open(server).queue('backup-slice').receive({ max: 1, waitMs: 20_000, visibilityMs: 1 })).toEqual([])
    expect(server.seen.slice(1).map(({ body }) => JSON.parse(body) as object)).toMatchObject([
      { WaitTimeSeconds: 20, VisibilityTimeout: 1 },
    ])
  })

  test('a message without id, receipt, count or time is not from a queue', async () => {
    await using server = await serve(() => ok({ Messages: [{ Body: 'x' }] }))
    await expect(
      open(server).queue('backup-slice').receive({ max: 1, waitMs: 0, visibilityMs: 0 }),
    ).rejects.toMatchObject({ code: 'queue-unavailable' })
  })

  test.each(['ReceiptHandleIsInvalid', 'com.amazonaws.sqs#MessageNotInflight', 'InvalidParameterValue'])(
    'a stale receipt (%s) does nothing',
    async (type) => {
      await using server = await serve(() => jsonAnswer(400, type))
      const queue = open(server).queue('backup-slice')
      await queue.delete('r')
      await queue.changeVisibility('r', 0)
      expect(server.seen).toHaveLength(3)
    },
  )
})

describe('what SQS says, in our words', () => {
  test.each<[string, Answer, object]>([
    [
      'no such queue',
      jsonAnswer(400, 'com.amazonaws.sqs#QueueDoesNotExist'),
      { code: 'queue-refused', retry: 'never', message: expect.stringContaining('no queue campus-settle-run') },
    ],
    [
      'no such queue, as older servers say it',
      jsonAnswer(400, 'AWS.SimpleQueueService.NonExistentQueue'),
      { code: 'queue-refused', message: expect.stringContaining('no queue') },
    ],
    [
      'no right',
      jsonAnswer(403, 'AccessDeniedException'),
      {
        code: 'queue-refused',
        message: expect.stringContaining('campus-settle-run'),
        remedy: expect.stringContaining('right'),
      },
    ],
    [
      'expired credentials',
      jsonAnswer(403, 'ExpiredTokenException'),
      { code: 'queue-refused', remedy: expect.stringContaining('renew') },
    ],
    [
      'a disabled key of the queue',
      jsonAnswer(400, 'KmsDisabled'),
      { code: 'queue-refused', message: expect.stringContaining('key') },
    ],
    ['a throttled key', jsonAnswer(400, 'KmsThrottled'), { code: 'queue-unavailable', retry: 'now' }],
    ['throttling', jsonAnswer(400, 'RequestThrottled'), { code: 'queue-unavailable', retry: 'now' }],
    ['500', { status: 500 }, { code: 'queue-unavailable', retry: 'now' }],
    ['a broken connection', { status: 200, breaks: 'before' }, { code: 'queue-unavailable', retry: 'now' }],
  ])('%s', async (_, answer, expected) => {
    await using server = await serve(() => answer)
    await expect(open(server).queue('settle-run').depth()).rejects.toMatchObject(expected)
    expect(server.seen).toHaveLength(2)
  })
})

describe('opening', () => {
  test.each<[string, Answer]>([
    ['no right to look', jsonAnswer(403, 'AccessDeniedException')],
    ['no answer', { status: 503 }],
  ])('%s is not held against a queue, but doctor is told', async (_, answer) => {
    await using server = await answeringServer(() => answer)
    const queues = open(server)
    await queues.check('settle-run', { tolerant: true })
    await expect(queues.check('settle-run', { tolerant: false })).rejects.toMatchObject({
      code: expect.stringMatching(/^queue-(refused|unavailable)$/),
    })
  })

  test('a missing queue is', async () => {
    await using server = await answeringServer(() => jsonAnswer(400, 'QueueDoesNotExist'))
    await expect(open(server).check('settle-run', { tolerant: true })).rejects.toMatchObject({ code: 'queue-refused' })
  })

  const fine = {
    VisibilityTimeout: '5400',
    RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:x:1:q-dead","maxReceiveCount":"5"}',
  }
  test('a queue that keeps the rules is taken', () => {
    expect(() => checkQueueRules('q', 'q-dead', fine, rules)).not.toThrow()
  })
  test.each([
    ['hides too short', { VisibilityTimeout: '5399' }, /q hides .* 5399 seconds: too short/],
    ['does not say how long it hides', { VisibilityTimeout: undefined }, /too short/],
    ['has no dead-letter queue', { RedrivePolicy: undefined }, /no dead-letter queue/],
    ['has a policy that is none', { RedrivePolicy: '{"maxReceiveCount":0' }, /no dead-letter queue/],
    [
      'has another dead-letter queue',
      { RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:x:1:other-q-dead","maxReceiveCount":5}' },
      /another queue than q-dead/,
    ],
    [
      'gives up too early',
      { RedrivePolicy: '{"deadLetterTargetArn":"arn:aws:sqs:x:1:q-dead","maxReceiveCount":4}' },
      /after 4 receives: too few/,
    ],
  ])('one that %s is refused', (_, change, says) => {
    expect(() => checkQueueRules('q', 'q-dead', { ...fine, ...change }, rules)).toThrow(says)
  })
})
