import { beforeEach, describe, expect, test } from '@jest/globals'
import { cancelRun } from '../../../lib/backup/cancel-run.ts'
import { deadLetter } from '../../../lib/backup/dead-letter.ts'
import { replayRun } from '../../../lib/backup/replay-run.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { encodeMessage } from '../../../lib/messages.ts'
import { appendEvent, listEvents } from '../../../lib/runs/event-log.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import { noDeadline, runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'

let house: RunHouse
let run: string

beforeEach(async () => {
  const accounts = fakeComponent({ name: 'keycloak', covers: ['user'] })
  const homes = fakeComponent({ name: 'files', covers: ['user'] })
  for (const name of ['ann', 'bob']) put(accounts, `user/${name}`, {})
  house = await runHouse({
    components: [accounts, homes],
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
  run = (await startRun(house.service, {}, noDeadline)).run
})

const bodyOf = (slice: SliceName) => encodeMessage({ v: 1, kind: 'backup-slice', run, slice })
const dead = (body: string) => deadLetter(house.service, { body }, async () => undefined)
const records = () => house.service.repository.records
const cause = (code: string) => ({ component: 'files' as const, code, message: code, remedy: 'mend it' })
const attempt = async (slice: SliceName, code: string, n = 1) => {
  const sliceId = house.service.repository.sliceId(slice, 1)
  const event = {
    slice,
    event: 'attempt' as const,
    at: house.clock.now().toISOString(),
    attempt: n,
    causes: [cause(code)],
  }
  await appendEvent(records(), { run, sliceId, from: n }, event)
}
const failures = async () => (await runReport(house.service, run)).failures
const eventNames = async () => {
  const names: string[] = []
  for await (const { event } of listEvents(records(), run)) names.push(event)
  return names
}
/** Commits a snapshot of the run as a worker does that is cut off before its event. */
async function commitUnreported(
  slice: SliceName,
  missing: readonly { component: string; code: string }[],
): Promise<void> {
  const repository = await house.service.repository.openSlice(slice, { access: 'write' })
  const capture = await repository.capture({ run, signal: noDeadline.signal })
  const nothing = { add: () => undefined, summaries: () => [] }
  await capture.store('keycloak', (async function* () {})(), { notes: nothing })
  await capture.commit(missing)
}

describe('a message the queue gave up on', () => {
  test('that an earlier try left behind does not end the replay that is under way; that of the replay does', async () => {
    await attempt('user/ann', 'read-failed')
    await dead(bodyOf('user/ann'))
    expect(await failures()).toHaveLength(1)
    await replayRun(house.service, { run })
    await dead(bodyOf('user/ann'))
    expect(await failures()).toEqual([])
    expect((await runReport(house.service, run)).slices).toMatchObject({ pending: 2, failed: 0 })
    const again = house.platform.queues.queue('backup-slice').bodies().at(-1) ?? ''
    expect(JSON.parse(again)).toMatchObject({ slice: 'user/ann', replay: 1 })
    await dead(again)
    expect(await failures()).toEqual([expect.objectContaining({ slice: 'user/ann', code: 'ended-without-report' })])
    await replayRun(house.service, { run })
    await dead(again)
    expect(await failures()).toEqual([])
  })

  test('is recorded as failed with its last cause, its attempts and the message', async () => {
    await attempt('user/ann', 'source-busy', 1)
    await attempt('user/ann', 'read-failed', 2)
    await dead(bodyOf('user/ann'))
    expect(await failures()).toEqual([{ slice: 'user/ann', ...cause('read-failed'), attempts: 3 }])
    const sliceId = house.service.repository.sliceId('user/ann', 1)
    expect(await records().read(`runs/${run}/events/${sliceId}.000003.failed`)).toMatchObject({
      message: bodyOf('user/ann'),
    })
  })

  test('without any recorded cause ended without a word', async () => {
    await dead(bodyOf('user/ann'))
    expect(await failures()).toMatchObject([{ slice: 'user/ann', component: undefined, code: 'ended-without-report' }])
  })

  test('twice is recorded once', async () => {
    await dead(bodyOf('user/ann'))
    await dead(bodyOf('user/ann'))
    expect(await eventNames()).toEqual(['failed'])
  })

  test('is partial when a snapshot of the run is there', async () => {
    await commitUnreported('user/ann', [{ component: 'files', code: 'read-failed' }])
    await dead(bodyOf('user/ann'))
    expect(await eventNames()).toEqual(['partial'])
  })

  test('is saved when the snapshot is whole and only the word was missing', async () => {
    await commitUnreported('user/ann', [])
    await dead(bodyOf('user/ann'))
    expect(await eventNames()).toEqual(['saved'])
    expect(house.alarms).toEqual([])
  })

  test('is told once per cause and run, and names nobody', async () => {
    for (const slice of ['user/ann', 'user/bob'] as const) {
      await attempt(slice, 'read-failed')
      await dead(bodyOf(slice))
    }
    expect(house.alarms).toMatchObject([
      {
        alarm: 'dead-letter',
        run,
        failures: [{ code: 'read-failed', component: 'files', count: 1, remedy: 'mend it' }],
      },
    ])
    expect(JSON.stringify(house.alarms)).not.toMatch(/ann|bob/)
  })

  test('of a cancelled run is dropped', async () => {
    await cancelRun(house.service, run)
    await dead(bodyOf('user/ann'))
    expect(await eventNames()).toEqual([])
  })

  test('that is a tick is followed by the next one while the run is open', async () => {
    await dead(encodeMessage({ v: 1, kind: 'settle-run', run, tick: 7 }))
    expect(house.platform.queues.queue('settle-run').bodies()).toContain(
      encodeMessage({ v: 1, kind: 'settle-run', run, tick: 8 }),
    )
  })

  test.each([
    ['not json', 'message-invalid'],
    ['{"v":9,"kind":"backup-slice"}', 'message-unknown'],
    ['{"v":1,"kind":"backup-slice","run":"20000101T000000000Z-full-0000000000","slice":"user/ann"}', 'run-not-found'],
    [
      '{"v":1,"kind":"backup-slice","run":"20000101T000000000Z-full-0000000000","slice":"home of ann"}',
      'message-invalid',
    ],
  ])('that nobody can read is kept and told once: %s', async (body, code) => {
    await dead(body)
    await dead(body)
    expect(house.alarms).toMatchObject([{ alarm: 'dead-letter', failures: [{ code }] }])
    expect(house.platform.store.keys().filter((key) => key.startsWith('runs/unreadable/'))).toHaveLength(1)
  })
})
