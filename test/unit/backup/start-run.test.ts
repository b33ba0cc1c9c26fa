import { beforeEach, describe, expect, test } from '@jest/globals'
import { acceptRun } from '../../../lib/backup/accept-run.ts'
import { cancelRun } from '../../../lib/backup/cancel-run.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import { previewRun, startRun } from '../../../lib/backup/start-run.ts'
import type { StartedRun } from '../../../lib/backup/start-run.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { parseMessage } from '../../../lib/messages.ts'
import { appendEvent } from '../../../lib/runs/event-log.ts'
import { readRun } from '../../../lib/runs/run-log.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { noDeadline, recordsHouse } from '../../kit/run-house.ts'

let accounts: FakeComponent
let house: Awaited<ReturnType<typeof recordsHouse>>

beforeEach(async () => {
  accounts = fakeComponent({ name: 'keycloak' })
  for (const name of ['ann', 'bob', 'cid']) put(accounts, `user/${name}`, { thing: {} })
  house = await recordsHouse([accounts])
})

const sent = () => house.platform.queues.queue('backup-slice').bodies().map(parseMessage)
const slicesSent = () => sent().map((message) => String((message as { slice?: string }).slice))
const ticks = () => house.platform.queues.queue('settle-run').bodies().map(parseMessage)
const start = (trigger: Parameters<typeof startRun>[1] = {}) => startRun(house.service, trigger, noDeadline)
const save = async (run: string, slice: SliceName) => {
  const { sliceId } = house.service.repository
  await appendEvent(
    house.records,
    { run, sliceId: sliceId(slice, 1), from: 1 },
    { slice, event: 'saved', at: house.clock.now().toISOString(), attempt: 1 },
  )
}
const nightly = { intendedAt: new Date('2026-11-21T02:00:00Z') }

describe('a start', () => {
  test('opens a full run and sends a message per slice, shared first, and the first tick', async () => {
    const started = await start()
    expect(started).toEqual({ run: expect.stringMatching(/-full-/), policy: 'full', slices: 4, resumed: false })
    expect(slicesSent()[0]).toBe('shared')
    expect(slicesSent().sort()).toEqual(['shared', 'user/ann', 'user/bob', 'user/cid'])
    expect(ticks()).toEqual([{ v: 1, kind: 'settle-run', run: started.run, tick: 1 }])
    expect(await runReport(house.service, started.run)).toMatchObject({ open: true, slices: { total: 4, pending: 4 } })
  })

  test('writes the slices, then the run', async () => {
    const { run } = await start()
    const written = [...house.records.values.keys()].map((path) =>
      path.replace(`runs/${run}/`, '').replace(/slices\/.*/, 'slices'),
    )
    expect(written).toEqual(['slices', 'run'])
  })

  test('of a source that lists nobody any more is a run without slices that ends failed and suspect, until it is accepted', async () => {
    const homes = fakeComponent({ name: 'files', covers: ['user', 'group'] })
    house = await recordsHouse([homes])
    put(homes, 'user/ann', { thing: {} })
    const full = await start()
    await save(full.run, 'user/ann')
    homes.live.slices.clear()
    let last = ''
    for (const night of [1, 2]) {
      await house.clock.advance(86_400_000)
      const { run, slices } = await start()
      expect([night, slices]).toEqual([night, 0])
      expect(await runReport(house.service, run)).toMatchObject({
        open: false,
        outcome: 'failed',
        sources: [{ component: 'files', suspect: 'Its members fell from 1 to 0.' }],
      })
      last = run
    }
    await acceptRun(house.service, { run: last })
    expect(await runReport(house.service, last)).toMatchObject({ outcome: 'complete', sources: [] })
  })

  test('where nobody ever was says so, and not that nobody answered', async () => {
    house = await recordsHouse([fakeComponent({ name: 'files', covers: ['user', 'group'] })])
    await expect(start()).rejects.toMatchObject({
      code: 'source-unreachable',
      message: 'The components answer, but know no user and no group.',
    })
  })

  test('leaves nothing behind that opens a run when it is cut off before the run is written', async () => {
    const create = house.records.create.bind(house.records)
    house.records.create = async (path, value) => {
      if (path.endsWith('/run')) throw new TorikiError('store-unavailable')
      return await create(path, value)
    }
    await expect(start(nightly)).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(sent()).toEqual([])
    house.records.create = create
    expect(await start(nightly)).toMatchObject({ slices: 4, resumed: false })
  })

  test('of the schedule that comes again finds its run and sends what nobody reported on', async () => {
    const first = await start(nightly)
    await save(first.run, 'shared')
    await save(first.run, 'user/bob')
    house.platform.queues.queue('backup-slice')
    const before = sent().length
    await house.clock.advance(3_600_000 / 60)
    const again = await start(nightly)
    expect(again).toEqual({ ...first, resumed: true })
    expect(slicesSent().slice(before).sort()).toEqual(['user/ann', 'user/cid'])
    expect(accounts.calls.members).toBe(1)
  })

  test('of an invocation that comes again finds its run, although the clock went on', async () => {
    const first = await start({ invocation: 'request-1' })
    await house.clock.advance(90_000)
    expect(await start({ invocation: 'request-1' })).toEqual({ ...first, resumed: true })
  })

  test('of an invocation that is delivered twice at once opens one run, though each delivery has its own time', async () => {
    const { create } = house.records
    let faster: Promise<StartedRun> | undefined
    house.records.create = async (path, value) => {
      if (faster === undefined && path.startsWith('runs/triggers/')) {
        await house.clock.advance(1500)
        faster = start({ invocation: 'request-1' })
        await faster
      }
      return await create(path, value)
    }
    const slower = await start({ invocation: 'request-1' })
    expect(slower).toEqual({ ...(await faster), resumed: true })
    expect([...house.records.values.keys()].filter((path) => path.endsWith('/run'))).toHaveLength(1)
    await house.clock.advance(1500)
    expect(await start({ invocation: 'request-1' })).toEqual(slower)
  })

  test('that another delivery opens while this one looks around is not refused because of itself', async () => {
    const { list } = house.records
    let faster: Promise<StartedRun> | undefined
    house.records.list = async function* (prefix, options) {
      if (faster === undefined) await (faster = start(nightly))
      yield* list(prefix, options)
    }
    expect(await start(nightly)).toMatchObject({ resumed: true })
  })

  test('that comes again after its run ended sends nothing', async () => {
    const { run } = await start(nightly)
    for (const slice of ['shared', 'user/ann', 'user/bob', 'user/cid'] as const) await save(run, slice)
    const before = sent().length
    expect(await start(nightly)).toMatchObject({ run, resumed: true })
    expect(sent()).toHaveLength(before)
  })

  test('of a run that was cancelled is refused', async () => {
    const { run } = await start(nightly)
    await cancelRun(house.service, run)
    await expect(start(nightly)).rejects.toMatchObject({ code: 'run-cancelled', ids: { run } })
  })

  test('while a full run is open is refused, and opens nothing', async () => {
    const { run } = await start(nightly)
    await expect(start()).rejects.toMatchObject({ code: 'run-open', ids: { run } })
    expect(ticks()).toHaveLength(1)
  })

  test('after the open run expired settles that one first', async () => {
    const { run } = await start(nightly)
    await house.clock.advance(3.5 * 60_000 + 1)
    const next = await start()
    expect(next.run).not.toBe(run)
    expect([...house.records.values.keys()]).toContain(`runs/${run}/summaries/000001`)
    expect(house.alarms).toMatchObject([
      { alarm: 'run-ended', run, outcome: 'failed', failures: [{ code: 'no-report', count: 4 }] },
    ])
  })

  test('narrowed is never refused, and its messages say the components', async () => {
    await start()
    const before = sent().length
    const started = await start({ selection: { users: ['bob'], components: ['keycloak'] } })
    expect(started).toMatchObject({ policy: 'narrowed', slices: 1 })
    expect(sent().slice(before)).toEqual([
      { v: 1, kind: 'backup-slice', run: started.run, slice: 'user/bob', components: ['keycloak'] },
    ])
  })

  test('narrowed does not keep a full run from starting', async () => {
    await start({ selection: { users: ['bob'] } })
    await expect(start()).resolves.toMatchObject({ policy: 'full' })
  })

  test('for somebody unknown or a component that is not configured is refused, and opens nothing', async () => {
    await expect(start({ selection: { users: ['zoe'] } })).rejects.toMatchObject({ code: 'slice-unknown' })
    await expect(start({ selection: { components: ['files'] } })).rejects.toMatchObject({ code: 'message-invalid' })
    expect(house.records.values.size).toBe(0)
  })

  test('when nobody can be listed and no run saw anybody is refused', async () => {
    accounts = fakeComponent({ name: 'files', covers: ['user'] })
    accounts.live.fail = () => new TorikiError('root-missing')
    house = await recordsHouse([accounts])
    await expect(start()).rejects.toMatchObject({ code: 'source-unreachable' })
  })

  test('at the same moment as another full one: one of the two stays', async () => {
    const both = await Promise.allSettled([start({ invocation: 'a' }), start({ invocation: 'b' })])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(both.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'run-open' } })
  })

  test('delivered twice at the same moment opens one run', async () => {
    const [one, two] = await Promise.all([start(nightly), start(nightly)])
    expect(one.run).toBe(two.run)
    expect(new Set(slicesSent()).size).toBe(4)
  })

  test('records what was asked for and what listing gave', async () => {
    const { run } = await start({ selection: { users: ['bob'] } })
    expect(await readRun(house.records, run)).toMatchObject({
      policy: 'narrowed',
      components: ['keycloak'],
      selection: { users: ['bob'] },
      slicesTotal: 1,
      sources: { keycloak: { members: 3 } },
      attemptsMax: 3,
    })
  })

  test('of thousands sends and records them all', async () => {
    for (let index = 0; index < 2_500; index++) put(accounts, `user/u${index}`, {})
    const { slices } = await start()
    expect(slices).toBe(2_504)
    expect(new Set(slicesSent()).size).toBe(2_504)
  })
})

describe('a preview', () => {
  test('lists what would be backed up and writes nothing', async () => {
    const members = await previewRun(house.service, { users: ['ann'] }, noDeadline)
    expect(members).toEqual([{ slice: 'user/ann', known: ['keycloak'], flags: [] }])
    expect(house.records.values.size).toBe(0)
    expect(sent()).toEqual([])
  })
})
