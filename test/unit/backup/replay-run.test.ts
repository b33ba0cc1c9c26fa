import { beforeEach, describe, expect, test } from '@jest/globals'
import { cancelRun } from '../../../lib/backup/cancel-run.ts'
import { replayRun } from '../../../lib/backup/replay-run.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { parseMessage } from '../../../lib/messages.ts'
import { appendEvent } from '../../../lib/runs/event-log.ts'
import { foldOf } from '../../../lib/runs/slice-states.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import type { SliceEventName } from '../../../lib/runs/run.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import { noDeadline, recordsHouse } from '../../kit/run-house.ts'

let house: Awaited<ReturnType<typeof recordsHouse>>
let run: string

beforeEach(async () => {
  const accounts = fakeComponent({ name: 'keycloak', covers: ['user'] })
  for (const name of ['ann', 'bob', 'cid', 'dan']) put(accounts, `user/${name}`, { thing: {} })
  house = await recordsHouse([accounts])
  run = (await startRun(house.service, {}, noDeadline)).run
  await tell('user/ann', 'saved')
  await tell('user/bob', 'failed')
  await tell('user/cid', 'partial')
  await tell('user/dan', 'skipped')
  const queue = house.platform.queues.queue('backup-slice')
  for (const { receipt } of await queue.receive({ max: 10, waitMs: 0, visibilityMs: 1000 })) await queue.delete(receipt)
})

const tell = async (slice: SliceName, event: SliceEventName) => {
  const sliceId = house.service.repository.sliceId(slice, 1)
  const { highest } = await foldOf(house.records, run, sliceId)
  const causes = [{ code: 'internal', message: 'm', remedy: 'r' }]
  await appendEvent(
    house.records,
    { run, sliceId, from: highest + 1 },
    { slice, event, at: house.clock.now().toISOString(), attempt: 1, causes },
  )
}
const sent = () =>
  house.platform.queues
    .queue('backup-slice')
    .bodies()
    .map((body) => String((parseMessage(body) as { slice?: string }).slice))
const replay = (users?: readonly string[]) =>
  replayRun(house.service, { run, ...(users === undefined ? {} : { users }) })

describe('a replay', () => {
  test('sends the failed and partial slices again, in that run, and re-opens it', async () => {
    expect((await replay()).replayed.toSorted()).toEqual(['user/bob', 'user/cid'])
    expect(sent().sort()).toEqual(['user/bob', 'user/cid'])
    expect(await runReport(house.service, run)).toMatchObject({
      open: true,
      slices: { saved: 1, skipped: 1, pending: 2 },
    })
  })

  test('done twice changes nothing more while it is under way, nor when all is saved', async () => {
    await replay()
    expect((await replay()).replayed).toEqual([])
    await tell('user/bob', 'saved')
    await tell('user/cid', 'saved')
    const before = house.records.values.size
    expect((await replay()).replayed).toEqual([])
    expect(sent()).toHaveLength(2)
    // The summary of the run that is complete now.
    expect(house.records.values.size).toBe(before + 1)
    expect(await runReport(house.service, run)).toMatchObject({ open: false, outcome: 'complete' })
  })

  test('of some users leaves the others', async () => {
    expect((await replay(['bob', 'ann'])).replayed).toEqual(['user/bob'])
    await expect(replay(['zoe'])).rejects.toMatchObject({ code: 'slice-unknown' })
  })

  test('that was cut off between the message and the record sends at most once more', async () => {
    const create = house.records.create.bind(house.records)
    house.records.create = async (path, value) => {
      if (path.endsWith('.replayed')) throw new Error('cut')
      return await create(path, value)
    }
    await expect(replay(['bob'])).rejects.toThrow('cut')
    house.records.create = create
    expect((await replay(['bob'])).replayed).toEqual(['user/bob'])
    expect((await replay(['bob'])).replayed).toEqual([])
    expect(sent()).toEqual(['user/bob', 'user/bob'])
  })

  test('starts the ticks again after the last one', async () => {
    await replay()
    const ticks = house.platform.queues
      .queue('settle-run')
      .bodies()
      .map((body) => (parseMessage(body) as { tick?: number }).tick)
    expect(ticks).toEqual([1, 1])
  })

  test('of slices nobody reported on comes when the run has expired', async () => {
    const other = (await startRun(house.service, { selection: { users: ['ann'] } }, noDeadline)).run
    expect((await replayRun(house.service, { run: other })).replayed).toEqual([])
    await house.clock.advance(3.5 * 60_000 + 1)
    expect((await replayRun(house.service, { run: other })).replayed).toEqual(['user/ann'])
  })

  test('of a cancelled run is refused', async () => {
    const other = (await startRun(house.service, { selection: { users: ['ann'] } }, noDeadline)).run
    await cancelRun(house.service, other)
    await expect(replayRun(house.service, { run: other })).rejects.toMatchObject({ code: 'run-cancelled' })
  })
})
