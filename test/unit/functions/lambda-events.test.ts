/** What Lambda really sends: the whole events, as AWS documents them, handed to the handlers' bodies over memory drivers. */
import { beforeEach, describe, expect, test } from '@jest/globals'
import { handle as backupSlice } from '../../../functions/backup-slice.ts'
import { handle as deadLetter } from '../../../functions/dead-letter.ts'
import { handle as replayRun } from '../../../functions/replay-run.ts'
import { handle as schedule } from '../../../functions/schedule.ts'
import { handle as settleRun } from '../../../functions/settle-run.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import { TorikiError } from '../../../lib/errors.ts'
import type { QueueName } from '../../../lib/platform/queue/port.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { drainQueues } from '../../kit/drain-queues.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'

let homes: FakeComponent
let house: RunHouse
const people = ['ann', 'bob', 'cid', 'dan', 'eva', 'fay', 'gus', 'hal', 'ida', 'joe']

beforeEach(async () => {
  homes = fakeComponent({ name: 'files', covers: ['user'] })
  for (const name of people) put(homes, `user/${name}`, { notes: {} })
  house = await runHouse({
    components: [homes],
    limits: { parallel: 4, attempts: 5 },
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
})

/** Lambda's context object, the parts that do not matter included. */
const context = (awsRequestId = 'b1f1f3c0-0000-4000-8000-000000000001', remainingMs = 900_000) => {
  const endsAtMs = house.clock.monotonicMs() + remainingMs
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: '$LATEST',
    functionName: 'toriki-campus-schedule',
    memoryLimitInMB: '512',
    logGroupName: '/aws/lambda/toriki-campus-schedule',
    logStreamName: '2026/11/24/[$LATEST]0123456789abcdef',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:toriki-campus-schedule',
    awsRequestId,
    getRemainingTimeInMillis: () => Math.max(0, endsAtMs - house.clock.monotonicMs()),
  }
}

/** A batch as the event source of a queue hands it over. */
async function delivered(name: QueueName, more: Readonly<Record<string, string>> = {}) {
  const received = await house.platform.queues.queue(name).receive({ max: 10, waitMs: 0, visibilityMs: 5_400_000 })
  return {
    Records: received.map(({ id, receipt, body, receiveCount }) => ({
      messageId: id,
      receiptHandle: receipt,
      body,
      attributes: {
        ApproximateReceiveCount: String(receiveCount),
        SentTimestamp: '1732413600000',
        SenderId: 'AROAEXAMPLE:toriki-campus-schedule',
        ApproximateFirstReceiveTimestamp: '1732413601000',
        AWSTraceHeader: 'Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0',
        ...more,
      },
      messageAttributes: {},
      md5OfBody: '00000000000000000000000000000000',
      eventSource: 'aws:sqs',
      eventSourceARN: `arn:aws:sqs:eu-central-1:111122223333:campus-${name}`,
      awsRegion: 'eu-central-1',
    })),
  }
}

const consoleSample = { key1: 'value1', key2: 'value2', key3: 'value3' }
const opened = async () => (await schedule(house.service, {}, context())) as { run: string; slices: number }

describe('schedule', () => {
  test('from a console opens one run per invocation, also when Lambda delivers that twice', async () => {
    const first = await schedule(house.service, {}, context('request-1'))
    await house.clock.advance(61_000)
    expect(await schedule(house.service, {}, context('request-1'))).toEqual({ ...first, resumed: true })
  })

  test.each([
    [
      'a rule of EventBridge',
      {
        version: '0',
        id: '53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa',
        'detail-type': 'Scheduled Event',
        source: 'aws.events',
        account: '111122223333',
        time: '2026-03-01T02:00:00Z',
        region: 'eu-central-1',
        resources: ['arn:aws:events:eu-central-1:111122223333:rule/campus'],
        detail: {},
      },
    ],
    [
      'the Scheduler without an input of its own',
      {
        version: '0',
        id: 'd3f1c1e0-0000-4000-8000-000000000002',
        'detail-type': 'Scheduled Event',
        source: 'aws.scheduler',
        account: '111122223333',
        time: '2026-03-01T02:00:00Z',
        region: 'eu-central-1',
        resources: ['arn:aws:scheduler:eu-central-1:111122223333:schedule/default/toriki-campus'],
        detail: '{}',
      },
    ],
    [
      'the Scheduler with an input that names the time it meant',
      { 'detail-type': 'Scheduled Event', source: 'aws.scheduler', time: '2026-03-01T02:00:00Z' },
    ],
  ])('from %s opens the run of that time, whatever the invocation', async (_from, event) => {
    const first = (await schedule(house.service, event, context('request-1'))) as { run: string }
    expect(first.run).toMatch(/^20260301T020000000Z-full-/)
    expect(await schedule(house.service, event, context('request-2'))).toEqual({ ...first, resumed: true })
  })

  test.each([
    ['key1', consoleSample],
    ['source', { version: '0', 'detail-type': 'Object Created', source: 'aws.s3', detail: {} }],
    ['Records', { Records: [] }],
  ])('refuses what means something else and names the field %s, and nothing is written', async (field, event) => {
    const before = house.platform.store.keys().length
    const refusal = schedule(house.service, event, context())
    await expect(refusal).rejects.toMatchObject({ code: 'message-invalid' })
    if (field !== 'source') await expect(refusal).rejects.toThrow(JSON.stringify(field))
    expect(house.platform.store.keys()).toHaveLength(before)
  })

  test('stops in time when a source does not answer, so that the cause is known', async () => {
    const { clock } = house
    homes.members = async function* ({ signal }) {
      await clock.sleep(3_600_000, signal)
      yield* []
    }
    const answer = schedule(house.service, {}, context('request-1', 120_000))
    await Promise.all([expect(answer).rejects.toMatchObject({ code: 'deadline' }), clock.advance(60_001)])
  })

  test('that is refused while a run is open is counted', async () => {
    await opened()
    await schedule(house.service, {}, context('request-2'))
    expect(house.figures).toEqual([['RunRefused', 1]])
  })
})

describe('a queue’s functions', () => {
  test.each([
    ['backup-slice', () => backupSlice(house.service, consoleSample, context())],
    ['settle-run', () => settleRun(house.service, consoleSample, context())],
    ['dead-letter', () => deadLetter(house.service, consoleSample)],
    ['replay-run', () => replayRun(house.service, consoleSample, context())],
  ])('%s refuses the console’s sample event and names the field', async (_name, invoke) => {
    const refusal = invoke()
    await expect(refusal).rejects.toMatchObject({ code: 'message-invalid', remedy: expect.any(String) })
    await expect(refusal).rejects.toThrow('"key1"')
  })

  test.each([{}, null, 'text', { Records: [] }, { Records: [{ body: 1 }] }, { Records: 'x' }])(
    'refuse %j, which no queue sends',
    async (event) => {
      for (const invoke of [
        () => backupSlice(house.service, event, context()),
        () => settleRun(house.service, event, context()),
        () => deadLetter(house.service, event),
      ])
        await expect(invoke()).rejects.toMatchObject({ code: 'message-invalid' })
    },
  )

  test('back up a batch of ten of which one fails: that one alone comes back, hidden for its own pause', async () => {
    const { run } = await opened()
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/eva' ? new TorikiError('source-unreachable') : undefined
    const batch = await delivered('backup-slice')
    const eva = batch.Records.find(({ body }) => body.includes('user/eva'))
    expect(await backupSlice(house.service, batch, context())).toEqual({
      batchItemFailures: [{ itemIdentifier: eva?.messageId }],
    })
    expect(await runReport(house.service, run)).toMatchObject({ slices: { total: 10, saved: 9, pending: 1 } })
    await house.clock.advance(15_001)
    expect((await delivered('backup-slice')).Records).toMatchObject([
      { body: eva?.body, attributes: { ApproximateReceiveCount: '2' } },
    ])
  })

  test('give back all of a batch that fails whole, and never throw for it', async () => {
    await opened()
    homes.live.fail = () => new TorikiError('source-unreachable')
    const batch = await delivered('backup-slice')
    const { batchItemFailures } = await backupSlice(house.service, batch, context())
    expect(batchItemFailures).toHaveLength(10)
  })

  test('take a redriven message of a failed slice as its replay', async () => {
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/bob' ? new TorikiError('home-is-link') : undefined
    const { run } = await opened()
    await drainQueues(house.service, house.clock)
    expect(await runReport(house.service, run)).toMatchObject({ open: false, slices: { failed: 1 } })
    homes.live.fail = () => undefined
    const body = JSON.stringify({ v: 1, kind: 'backup-slice', run, slice: 'user/bob' })
    await house.platform.queues.queue('backup-slice').send([{ body }])
    const batch = await delivered('backup-slice', {
      DeadLetterQueueSourceArn: 'arn:aws:sqs:eu-central-1:111122223333:campus-backup-slice',
    })
    expect(await backupSlice(house.service, batch, context())).toEqual({ batchItemFailures: [] })
    expect(await runReport(house.service, run)).toMatchObject({ open: false, outcome: 'complete' })
  })

  test('record a message of an unknown version, and count it', async () => {
    await house.platform.queues.queue('backup-slice').send([{ body: '{"v":2,"kind":"backup-slice","run":"r"}' }])
    expect(await backupSlice(house.service, await delivered('backup-slice'), context())).toEqual({
      batchItemFailures: [],
    })
    await drainQueues(house.service, house.clock)
    expect(house.alarms).toMatchObject([{ alarm: 'dead-letter', failures: [{ code: 'message-unknown' }] }])
    expect(house.figures).toEqual([['DeadLetters', 1]])
  })
})

describe('a batch of ten with slow ones', () => {
  test('ends in time with checkpoints, and a message whose turn did not come is sent anew and charged no attempt', async () => {
    for (const name of people) put(homes, `user/${name}`, { a: {}, b: {}, c: {} })
    const { run } = await opened()
    const begun = new Set<string>()
    homes.live.beforeResource = async (slice, index) => {
      begun.add(slice)
      // The second thing of a home takes until the time is nearly over.
      if (index === 1) await house.clock.sleep(840_001)
    }
    const batch = await delivered('backup-slice')
    const answer = backupSlice(house.service, batch, context())
    await house.clock.advance(840_002)
    expect(await answer).toEqual({ batchItemFailures: [] })
    expect(begun.size).toBe(4)
    const bodies = (await delivered('backup-slice')).Records.map(({ body, attributes }) => ({
      ...(JSON.parse(body) as { slice: string; part?: number }),
      attempt: attributes.ApproximateReceiveCount,
    }))
    expect(bodies).toHaveLength(10)
    expect(
      bodies.every(({ slice, part, attempt }) => part === (begun.has(slice) ? 1 : undefined) && attempt === '1'),
    ).toBe(true)
    expect(await runReport(house.service, run)).toMatchObject({ slices: { pending: 10 }, failures: [] })
  })

  test('begins what it can at once whatever the time, so that no message goes round for ever', async () => {
    await opened()
    homes.live.beforeResource = () => house.clock.sleep(1)
    const batch = await delivered('backup-slice')
    const answer = backupSlice(house.service, batch, context('request-1', 1_000))
    await house.clock.advance(2)
    const { batchItemFailures } = await answer
    expect(batchItemFailures).toHaveLength(4)
    expect((await delivered('backup-slice')).Records).toHaveLength(6)
  })

  test('leaves no timer behind', async () => {
    await opened()
    await backupSlice(house.service, await delivered('backup-slice'), context())
    expect(house.clock.sleeping).toBe(0)
  })
})
