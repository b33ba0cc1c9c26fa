/** What a topic is sent; SNS is a small server here. */
import { afterEach, describe, expect, test } from '@jest/globals'
import { AlarmTopic } from '../../../../lib/platform/alarm-topic/aws.ts'
import type { Log, LogFields } from '../../../../lib/log.ts'
import { answeringServer } from '../../../kit/servers/answering-server.ts'
import type { Answer, AnsweringServer } from '../../../kit/servers/answering-server.ts'

const arn = 'arn:aws:sns:eu-central-1:111122223333:campus-alarms'
const taken: Answer = {
  status: 200,
  headers: { 'content-type': 'text/xml' },
  body: '<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult><MessageId>m</MessageId></PublishResult></PublishResponse>',
}

let server: AnsweringServer
let topic: AlarmTopic
let written: [level: string, event: string, fields: LogFields | undefined][]

async function open(answer: () => Answer): Promise<void> {
  server = await answeringServer(answer)
  written = []
  const log: Log = { write: (...line) => void written.push([line[0], line[1], line[2]]) }
  const credentials = { accessKeyId: 'id', secretAccessKey: 'key' }
  topic = new AlarmTopic({ arn, log, endpoint: server.endpoint, credentials })
}

afterEach(async () => {
  topic.close()
  await server[Symbol.asyncDispose]()
})

describe('a topic', () => {
  test('gets the document as JSON, and a subject of one ASCII line', async () => {
    await open(() => taken)
    await topic.publish(`Toriki campus: no-backup\n${'ü'.repeat(3)}${'x'.repeat(200)}`, {
      alarm: 'no-backup',
      run: 'r',
    })
    const [asked] = server.seen
    const sent = new URLSearchParams(asked?.body)
    expect(sent.get('TopicArn')).toBe(arn)
    expect(JSON.parse(sent.get('Message') ?? '')).toEqual({ alarm: 'no-backup', run: 'r' })
    expect(sent.get('Subject')).toMatch(/^Toriki campus: no-backupx+$/)
    expect(sent.get('Subject')).toHaveLength(100)
    expect(written).toEqual([])
  })

  test('that refuses is logged, without the alarm and without an error', async () => {
    await open(() => ({
      status: 403,
      headers: { 'content-type': 'text/xml' },
      body: '<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>planted</Message></Error></ErrorResponse>',
    }))
    await topic.publish('Toriki campus: rpo', { alarm: 'rpo', message: 'planted' })
    expect(written).toEqual([
      ['error', 'alarm-topic-failed', expect.objectContaining({ status: 403, reason: expect.stringMatching(/^Auth/) })],
    ])
    expect(JSON.stringify(written)).not.toContain('planted')
  })

  test('that is not there is logged', async () => {
    await open(() => taken)
    await server[Symbol.asyncDispose]()
    await topic.publish('Toriki campus: rpo', { alarm: 'rpo' })
    expect(written).toMatchObject([['error', 'alarm-topic-failed', { status: 0 }]])
  })
})
