import { beforeEach, describe, expect, test } from '@jest/globals'
import { settleOpenRuns } from '../../../lib/backup/settle-open-runs.ts'
import type { SealedRecords } from '../../../lib/repository/repository.ts'
import { settleRun } from '../../../lib/backup/settle-run.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { listRuns } from '../../../lib/backup/run-report.ts'
import { parseMessage } from '../../../lib/messages.ts'
import type { SettleRunMessage } from '../../../lib/messages.ts'
import { appendEvent } from '../../../lib/runs/event-log.ts'
import { latestSummary } from '../../../lib/runs/summary-log.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import type { SliceEvent, SliceEventName } from '../../../lib/runs/run.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import { noDeadline, recordsHouse } from '../../kit/run-house.ts'

let house: Awaited<ReturnType<typeof recordsHouse>>
let run: string

beforeEach(async () => {
  const accounts = fakeComponent({ name: 'keycloak', covers: ['user'] })
  for (const name of ['ann', 'bob', 'cid']) put(accounts, `user/${name}`, { thing: {} })
  house = await recordsHouse([accounts])
  run = (await startRun(house.service, {}, noDeadline)).run
})

let written = 0
const tell = async (slice: SliceName, event: SliceEventName, more: Partial<SliceEvent> = {}) => {
  const sliceId = house.service.repository.sliceId(slice, 1)
  await appendEvent(
    house.records,
    { run, sliceId, from: ++written },
    { slice, event, at: house.clock.now().toISOString(), attempt: 1, ...more },
  )
}
const saveAll = async () => {
  for (const name of ['ann', 'bob', 'cid'])
    await tell(`user/${name}`, 'saved', { bytesRead: 5, bytesStored: 3, objectsPut: 2 })
}
const tick = (number: number, messageId = `message-${number}`) =>
  settleRun(house.service, { run, tick: { number, messageId } })
const ticksSent = () =>
  house.platform.queues
    .queue('settle-run')
    .bodies()
    .map((body) => (parseMessage(body) as SettleRunMessage).tick)
const summaries = () => [...house.records.values.keys()].filter((path) => path.includes('/summaries/'))
const cause = {
  component: 'keycloak' as const,
  code: 'source-unreachable',
  message: 'The source does not answer.',
  remedy: 'Check it.',
}

describe('settling', () => {
  test('an open run sends the next tick and writes nothing', async () => {
    expect(await tick(1)).toEqual({ open: true, claimed: true })
    expect(ticksSent()).toEqual([1, 2])
    expect(summaries()).toEqual([])
  })

  test('a tick of the same number from another message is dropped', async () => {
    await tick(1, 'one')
    expect(await tick(1, 'two')).toMatchObject({ claimed: false })
    expect(ticksSent()).toEqual([1, 2])
  })

  test('the same tick message goes on after a crash', async () => {
    await tick(1, 'one')
    expect(await tick(1, 'one')).toMatchObject({ claimed: true })
    expect(ticksSent()).toEqual([1, 2, 2])
  })

  test('a run that ended is not read event by event again, until something happens in it', async () => {
    await saveAll()
    await settleRun(house.service, { run })
    // As a new process sees it, which has read nothing yet.
    const eventsRead: string[] = []
    const records: SealedRecords = {
      ...house.records,
      async read(path) {
        if (path.includes('/events/')) eventsRead.push(path)
        return await house.records.read(path)
      },
    }
    const service = { ...house.service, repository: { ...house.service.repository, records } }
    expect(await settleRun(service, { run })).toMatchObject({ open: false })
    expect(eventsRead).toEqual([])
    await tell('user/ann', 'replayed')
    await tell('user/ann', 'saved', { objectsPut: 1 })
    expect(await settleRun(service, { run })).toMatchObject({ open: false })
    expect(eventsRead).toHaveLength(5)
    expect(summaries()).toHaveLength(2)
  })

  test('an ended run gets one summary, whoever looks how often, and no further tick', async () => {
    await saveAll()
    expect(await tick(1)).toEqual({ open: false, claimed: true })
    await settleRun(house.service, { run })
    await Promise.all([settleRun(house.service, { run }), settleRun(house.service, { run })])
    expect(summaries()).toEqual([`runs/${run}/summaries/000001`])
    expect(ticksSent()).toEqual([1])
    expect(house.alarms).toEqual([])
    expect((await latestSummary(house.records, run))?.report).toMatchObject({
      outcome: 'complete',
      bytes: { read: 15, stored: 9 },
    })
  })

  test('failures are told once, by cause with a count and without a name', async () => {
    for (const name of ['ann', 'bob', 'cid']) await tell(`user/${name}`, 'failed', { causes: [cause] })
    await tick(1)
    await tick(1)
    expect(house.alarms).toEqual([
      {
        alarm: 'run-ended',
        deployment: 'campus',
        run,
        outcome: 'failed',
        message: 'The backup ended failed: 0 of 3 slices saved, 0 partial, 3 failed.',
        failures: [{ code: 'source-unreachable', component: 'keycloak', count: 3, remedy: 'Check it.' }],
      },
    ])
    expect(JSON.stringify(house.alarms)).not.toMatch(/ann|bob|cid/)
  })

  test('suspect slices are told', async () => {
    await saveAll()
    await tell('user/ann', 'saved', { snapshot: `${run}.1`, suspect: ['keycloak'] })
    await tick(1)
    expect(house.alarms).toMatchObject([{ alarm: 'suspect', outcome: 'partial' }])
  })

  test('an alarm that a cut kept from being told is told by the next who looks', async () => {
    for (const name of ['ann', 'bob', 'cid']) await tell(`user/${name}`, 'failed', { causes: [cause] })
    const cut = { ...house.service, alarm: () => Promise.reject(new Error('cut')) }
    await expect(settleRun(cut, { run })).rejects.toThrow('cut')
    await settleRun(house.service, { run })
    await settleRun(house.service, { run })
    expect(house.alarms).toHaveLength(1)
    expect(summaries()).toHaveLength(1)
  })

  test('a late word makes the next summary', async () => {
    await tell('user/ann', 'saved')
    await tell('user/bob', 'saved')
    await house.clock.advance(3.5 * 60_000 + 1)
    await tick(1)
    expect((await latestSummary(house.records, run))?.report).toMatchObject({
      outcome: 'partial',
      failures: [{ slice: 'user/cid', code: 'no-report' }],
    })
    await tell('user/cid', 'saved')
    await settleRun(house.service, { run })
    expect(await latestSummary(house.records, run)).toMatchObject({
      n: 2,
      report: { outcome: 'complete', failures: [] },
    })
  })

  test('a run nobody knows is an error', async () => {
    await expect(settleRun(house.service, { run: '20261121T020000000Z-full-0000000000' })).rejects.toMatchObject({
      code: 'run-not-found',
    })
  })

  test('every overdue run is settled by a process that stays, and told once', async () => {
    expect(await settleOpenRuns(house.service)).toEqual([])
    await saveAll()
    expect(await settleOpenRuns(house.service)).toEqual([{ run, outcome: 'complete' }])
    expect(await settleOpenRuns(house.service)).toEqual([])
    expect(summaries()).toHaveLength(1)
  })
})

describe('the list of runs', () => {
  test('is newest first, and old ones are read from their summaries', async () => {
    await saveAll()
    await settleRun(house.service, { run })
    const later: string[] = []
    for (let night = 0; night < 4; night++) {
      await house.clock.advance(86_400_000)
      later.unshift((await startRun(house.service, { selection: { users: ['ann'] } }, noDeadline)).run)
    }
    const reports = await listRuns(house.service)
    expect(reports.map((report) => report.run)).toEqual([...later, run])
    expect(reports.at(-1)).toMatchObject({ outcome: 'complete', open: false })
    expect((await listRuns(house.service, { limit: 2 })).map((report) => report.run)).toEqual(later.slice(0, 2))
  })
})
