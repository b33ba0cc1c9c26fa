/** Figures of a run's end, and people without a good backup for longer than allowed: on the real repository over memory drivers. */
import { beforeEach, describe, expect, test } from '@jest/globals'
import { acceptRun } from '../../../lib/backup/accept-run.ts'
import { cancelRun } from '../../../lib/backup/cancel-run.ts'
import { replayRun } from '../../../lib/backup/replay-run.ts'
import type { Alarm, Service } from '../../../lib/backup/service.ts'
import { settleRun } from '../../../lib/backup/settle-run.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { TorikiError } from '../../../lib/errors.ts'
import type { WrapContext } from '../../../lib/platform/key-service/port.ts'
import { silentMetrics } from '../../../lib/platform/metrics.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { countingPlatform } from '../../kit/counting-platform.ts'
import { drainQueues } from '../../kit/drain-queues.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { noDeadline, runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let accounts: FakeComponent
let homes: FakeComponent
let house: RunHouse
/** Whose home cannot be read tonight. */
let broken: Set<string>

beforeEach(async () => {
  accounts = fakeComponent({ name: 'keycloak' })
  homes = fakeComponent({ name: 'files', covers: ['user'] })
  put(accounts, 'shared', { realm: {} })
  for (const name of ['ann', 'bob', 'cid']) join(name)
  broken = new Set()
  homes.live.fail = (operation, slice) =>
    operation === 'read' && slice !== undefined && broken.has(slice) ? new TorikiError('source-rights') : undefined
  house = await runHouse({
    components: [accounts, homes],
    limits: { rpoMs: 60 * HOUR_MS },
    keepsMetrics: true,
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
})

function join(name: string): void {
  put(accounts, `user/${name}`, { profile: {} })
  put(homes, `user/${name}`, { notes: {} }, true)
}

async function night(trigger: Parameters<typeof startRun>[1] = {}): Promise<string> {
  await house.clock.advance(DAY_MS)
  house.figures.length = 0
  house.alarms.length = 0
  const { run } = await startRun(house.service, trigger, noDeadline)
  await drainQueues(house.service, house.clock)
  return run
}

/** A night whose end was seen by somebody who keeps no figures and knows no objective. */
async function endedUnseen(): Promise<string> {
  await house.clock.advance(DAY_MS)
  const { rpoMs: _none, ...limits } = house.service.limits
  const { run } = await startRun(house.service, {}, noDeadline)
  await drainQueues({ ...house.service, limits, metrics: silentMetrics }, house.clock)
  house.figures.length = 0
  house.alarms.length = 0
  return run
}

const figure = (name: string): number[] => house.figures.filter(([one]) => one === name).map(([, value]) => value)
const rpoAlarms = (): Alarm[] => house.alarms.filter(({ alarm }) => alarm === 'rpo')
const beyond = (): number[] => rpoAlarms().map(({ people }) => people?.beyond ?? -1)
const marks = async (run: string): Promise<string[]> => {
  const found: string[] = []
  for await (const { path } of house.service.repository.records.list(`runs/${run}/alarms/`))
    found.push(path.slice(path.lastIndexOf('/') + 1))
  return found
}

describe('the figures of a run', () => {
  test('are counted at its end, once, whoever looks how often', async () => {
    broken.add('user/bob')
    const run = await night()
    await settleRun(house.service, { run })
    expect(Object.fromEntries(house.figures)).toMatchObject({
      SlicesSaved: 3,
      SlicesPartial: 1,
      SlicesFailed: 0,
      SlicesSkipped: 0,
      SlicesSuspect: 0,
      RunComplete: 0,
      DeadLetters: 1,
    })
    expect(figure('SlicesSaved')).toHaveLength(1)
  })

  test('say that a full run is complete, and nothing of that for a narrowed one', async () => {
    await night()
    expect(figure('RunComplete')).toEqual([1])
    await night({ selection: { users: ['ann'] } })
    expect(figure('RunComplete')).toEqual([])
    expect(figure('SlicesSaved')).toEqual([1])
    expect(figure('PeopleBeyondRpo')).toEqual([])
  })

  test('are counted again when a replay changed them', async () => {
    broken.add('user/bob')
    const run = await night()
    broken.clear()
    house.figures.length = 0
    await replayRun(house.service, { run })
    await drainQueues(house.service, house.clock)
    expect(Object.fromEntries(house.figures)).toMatchObject({ SlicesSaved: 4, RunComplete: 1, PeopleBeyondRpo: 0 })
  })

  test('are left to who keeps them, when somebody else settles the run first', async () => {
    const { run } = await startRun(house.service, {}, noDeadline)
    const silent: Service = { ...house.service, metrics: silentMetrics }
    await drainQueues(silent, house.clock)
    expect(await marks(run)).toEqual(['rpo-1'])
    await settleRun(house.service, { run })
    expect(figure('RunComplete')).toEqual([1])
    expect(figure('PeopleBeyondRpo')).toEqual([0])
  })
})

describe('people beyond the objective', () => {
  test('are none while everybody is saved, and no snapshot is read to know it', async () => {
    const run = await endedUnseen()
    const { platform, calls } = countingPlatform(house.platform)
    const repository = await openDeployment(platform, { name: 'campus' })
    const opening = calls.keys
    await settleRun({ ...house.service, platform, repository }, { run })
    expect(figure('PeopleBeyondRpo')).toEqual([0])
    expect(figure('GoodBackupAgeMaxSeconds')[0]).toBeLessThan(120)
    expect(rpoAlarms()).toEqual([])
    expect(calls.keys).toBe(opening)
  })

  test('are those whose newest whole backup is older, told once with opaque ids and no name', async () => {
    await night()
    broken.add('user/bob')
    await night()
    expect(figure('PeopleBeyondRpo')).toEqual([0])
    expect(figure('GoodBackupAgeMaxSeconds')[0]).toBeGreaterThanOrEqual(DAY_MS / 1000)
    await night()
    expect(rpoAlarms()).toEqual([])
    const run = await night()
    await settleRun(house.service, { run })
    expect(figure('PeopleBeyondRpo')).toEqual([1])
    expect(figure('GoodBackupAgeMaxSeconds')).toEqual([rpoAlarms()[0]?.people?.oldestSeconds])
    expect(rpoAlarms()).toEqual([
      {
        alarm: 'rpo',
        deployment: 'campus',
        run,
        message: `One person has no good backup of the last 60 hours; the oldest is 72 hours old. What kept it from them: toriki status ${run}`,
        people: {
          beyond: 1,
          oldestSeconds: expect.any(Number),
          sliceIds: [house.service.repository.sliceId('user/bob', 1)],
        },
      },
    ])
    expect(JSON.stringify(rpoAlarms())).not.toContain('bob')
  })

  test('are helped by narrowed runs too: of each component the newest believed reading counts', async () => {
    await night()
    broken.add('user/bob')
    await night()
    broken.clear()
    await night({ selection: { users: ['bob'], components: ['files'] } })
    broken.add('user/bob')
    // Three days after the last whole snapshot, but the home is of yesterday and the account of today.
    await night()
    expect(figure('PeopleBeyondRpo')).toEqual([0])
  })

  test('do not count who left', async () => {
    await night()
    broken.add('user/bob')
    for (let nights = 0; nights < 2; nights++) await night()
    accounts.live.slices.delete('user/bob')
    homes.live.slices.delete('user/bob')
    for (const name of ['dan', 'eva']) join(name)
    await night()
    expect(figure('PeopleBeyondRpo')).toEqual([0])
  })

  test('count who never had a backup only when known for as long', async () => {
    await night()
    accounts.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/new' ? new TorikiError('source-rights') : undefined
    broken.add('user/new')
    join('new')
    const seen: number[] = []
    for (let nights = 0; nights < 4; nights++) {
      await night()
      seen.push(...figure('PeopleBeyondRpo'))
    }
    expect(seen).toEqual([0, 0, 0, 1])
  })

  test('count who is stored but not believed, until a person accepts it', async () => {
    await night()
    put(homes, 'user/ann', {}, true)
    let run = ''
    for (let nights = 0; nights < 3; nights++) run = await night()
    expect(figure('PeopleBeyondRpo')).toEqual([1])
    await acceptRun(house.service, { run })
    expect(figure('PeopleBeyondRpo')).toEqual([1, 0])
  })

  test('count those whom a listing that is not believed left out', async () => {
    await night()
    for (const name of ['ann', 'bob']) {
      accounts.live.slices.delete(`user/${name}`)
      homes.live.slices.delete(`user/${name}`)
    }
    const seen: number[] = []
    for (let nights = 0; nights < 3; nights++) {
      await night()
      seen.push(...figure('PeopleBeyondRpo'))
    }
    expect(seen).toEqual([0, 0, 3])
  })

  test('are not reckoned for a run that a later one has overtaken, nor for a cancelled one', async () => {
    broken.add('user/bob')
    const first = await night()
    for (let nights = 0; nights < 3; nights++) await night()
    house.figures.length = 0
    broken.clear()
    await replayRun(house.service, { run: first })
    await drainQueues(house.service, house.clock)
    expect(figure('RunComplete')).toEqual([1])
    expect(figure('PeopleBeyondRpo')).toEqual([])
    const { run } = await startRun(house.service, {}, noDeadline)
    await cancelRun(house.service, run)
    expect(figure('PeopleBeyondRpo')).toEqual([])
    expect(await marks(run)).toEqual(['age-1', 'metrics-1', 'rpo-1'])
  })

  test('are told by who may look, when who settled the run first may not', async () => {
    await night()
    broken.add('user/bob')
    for (let nights = 0; nights < 2; nights++) await night()
    const run = await endedUnseen()
    const { store, queues, keys } = house.platform
    const mayUnwrap = (context: WrapContext): boolean => context['purpose'] !== 'tree'
    const platform = memoryPlatform({ store, queues, key: keys.key, clock: house.clock, mayUnwrap })
    const blind = { ...house.service, platform, repository: await openDeployment(platform, { name: 'campus' }) }
    await settleRun(blind, { run })
    expect({ told: beyond(), counted: figure('PeopleBeyondRpo'), complete: figure('RunComplete') }).toEqual({
      told: [],
      counted: [],
      complete: [0],
    })
    await settleRun(house.service, { run })
    expect({ told: beyond(), counted: figure('PeopleBeyondRpo'), complete: figure('RunComplete') }).toEqual({
      told: [1],
      counted: [1],
      complete: [0],
    })
  })

  test('are reckoned again when the store did not answer: the tick comes back', async () => {
    await night()
    broken.add('user/bob')
    const run = await endedUnseen()
    const { repository } = house.service
    const openSlice = (): Promise<never> => Promise.reject(new TorikiError('store-unavailable'))
    const { name, id, records } = repository
    const cut = { name, id, records, sliceId: repository.sliceId.bind(repository), openSlice }
    await expect(settleRun({ ...house.service, repository: cut }, { run })).rejects.toMatchObject({
      code: 'store-unavailable',
    })
    expect(await marks(run)).not.toContain('rpo-1')
    await settleRun(house.service, { run })
    expect(await marks(run)).toContain('rpo-1')
  })

  test('are not looked at without an objective', async () => {
    const { rpoMs: _none, ...limits } = house.service.limits
    const service: Service = { ...house.service, limits }
    const { run } = await startRun(service, {}, noDeadline)
    await drainQueues(service, house.clock)
    expect(await marks(run)).toEqual(['metrics-1'])
    expect(figure('PeopleBeyondRpo')).toEqual([])
  })
})
