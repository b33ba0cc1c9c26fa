/** Each function is a shell: what it is given, what it answers, what it refuses. What the use cases do is tested with them. */
import { beforeEach, describe, expect, test } from '@jest/globals'
import { handle as deadLetter } from '../../../functions/dead-letter.ts'
import { handle as replayRun } from '../../../functions/replay-run.ts'
import { handle as schedule } from '../../../functions/schedule.ts'
import { handle as settleRun } from '../../../functions/settle-run.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { drainQueues } from '../../kit/drain-queues.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'

let homes: FakeComponent
let house: RunHouse

beforeEach(async () => {
  homes = fakeComponent({ name: 'files', covers: ['user'] })
  for (const name of ['ann', 'bob']) put(homes, `user/${name}`, { notes: {} })
  house = await runHouse({
    components: [homes],
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
})

const invocation = (awsRequestId = 'request-1') => ({ awsRequestId, getRemainingTimeInMillis: () => 900_000 })
const nightly = {
  version: '0',
  id: 'x',
  'detail-type': 'Scheduled Event',
  source: 'aws.scheduler',
  time: '2026-03-01T02:00:00Z',
  detail: '{}',
}
const records = (...bodies: string[]) => ({
  Records: bodies.map((body, index) => ({
    messageId: `m${index}`,
    receiptHandle: `r${index}`,
    body,
    attributes: { ApproximateReceiveCount: '1' },
  })),
})

describe('schedule', () => {
  test('opens a run and answers with it', async () => {
    expect(await schedule(house.service, {}, invocation())).toEqual({
      run: expect.stringMatching(/-full-/),
      policy: 'full',
      slices: 2,
      resumed: false,
    })
  })

  test('the same event again is the same run', async () => {
    const first = await schedule(house.service, nightly, invocation('a'))
    expect(await schedule(house.service, nightly, invocation('b'))).toEqual({ ...first, resumed: true })
    expect(first).toMatchObject({ run: expect.stringMatching(/^20260301T020000000Z-/) })
  })

  test('a dry run lists and writes nothing', async () => {
    const before = house.platform.store.keys().length
    expect(await schedule(house.service, { users: ['ann'], dryRun: true }, invocation())).toEqual({
      dryRun: true,
      total: 1,
      slices: [{ slice: 'user/ann', known: ['files'] }],
    })
    expect(house.platform.store.keys()).toHaveLength(before)
  })

  test('while a full run is open it refuses, and tells that there is no backup', async () => {
    const first = (await schedule(house.service, {}, invocation('a'))) as { run: string }
    expect(await schedule(house.service, {}, invocation('b'))).toMatchObject({
      refused: 'run-open',
      run: first.run,
      remedy: expect.any(String),
    })
    expect(house.alarms).toMatchObject([{ alarm: 'no-backup', run: first.run }])
  })

  test("the console's sample event is refused and names the field", async () => {
    await expect(schedule(house.service, { key1: 'value1' }, invocation())).rejects.toMatchObject({
      code: 'message-invalid',
      message: expect.stringContaining('key1'),
    })
  })
})

describe('settle-run, dead-letter and replay-run', () => {
  test('answer with what comes back', async () => {
    const { run } = (await schedule(house.service, {}, invocation())) as { run: string }
    expect(
      await settleRun(house.service, records(JSON.stringify({ v: 1, kind: 'settle-run', run, tick: 1 })), invocation()),
    ).toEqual({ batchItemFailures: [] })
    expect(await deadLetter(house.service, records('not json'))).toEqual({ batchItemFailures: [] })
    expect(
      await replayRun(house.service, records(JSON.stringify({ v: 1, kind: 'replay-run', run })), invocation()),
    ).toEqual({ batchItemFailures: [] })
  })

  test('dead-letter gives back what it could not record, and records the others', async () => {
    const { run } = (await schedule(house.service, {}, invocation())) as { run: string }
    const body = (slice: string) => JSON.stringify({ v: 1, kind: 'backup-slice', run, slice })
    const annsId = house.service.repository.sliceId('user/ann', 1)
    const create: typeof house.service.repository.records.create = async (path, value) => {
      if (path.includes(annsId)) throw new TorikiError('store-unavailable')
      return await house.service.repository.records.create(path, value)
    }
    const { records: all } = house.service.repository
    const broken = {
      ...house.service,
      repository: {
        ...house.service.repository,
        name: 'campus',
        sliceId: house.service.repository.sliceId.bind(house.service.repository),
        openSlice: house.service.repository.openSlice.bind(house.service.repository),
        records: { create, read: all.read.bind(all), list: all.list.bind(all) },
      },
    }
    expect(await deadLetter(broken as typeof house.service, records(body('user/ann'), body('user/bob')))).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm0' }],
    })
  })

  test('replay-run by hand answers with what it sent again', async () => {
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/bob' ? new TorikiError('home-is-link') : undefined
    const { run } = (await schedule(house.service, {}, invocation())) as { run: string }
    await drainQueues(house.service, house.clock)
    expect(await replayRun(house.service, { run }, invocation())).toEqual({ run, replayed: ['user/bob'] })
    await expect(replayRun(house.service, { run, user: 'bob' }, invocation())).rejects.toMatchObject({
      code: 'message-invalid',
    })
  })
})
