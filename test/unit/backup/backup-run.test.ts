/** Runs from start to end, on the real repository over memory drivers, through the functions' own handlers. */
import { beforeEach, describe, expect, test } from '@jest/globals'
import { acceptRun } from '../../../lib/backup/accept-run.ts'
import { backupSlice } from '../../../lib/backup/backup-slice.ts'
import { cancelRun } from '../../../lib/backup/cancel-run.ts'
import { replayRun } from '../../../lib/backup/replay-run.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { TorikiError } from '../../../lib/errors.ts'
import type { ErrorCode } from '../../../lib/errors.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { formatKey } from '../../../lib/resources/key.ts'
import { countingPlatform } from '../../kit/counting-platform.ts'
import { drainQueues } from '../../kit/drain-queues.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { noDeadline, runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'

let accounts: FakeComponent
let homes: FakeComponent
let house: RunHouse

beforeEach(async () => {
  accounts = fakeComponent({ name: 'keycloak', identifies: true })
  homes = fakeComponent({ name: 'files', covers: ['user', 'group'] })
  put(accounts, 'shared', { realm: { enabled: true } })
  for (const name of ['ann', 'bob', 'cid']) {
    put(accounts, `user/${name}`, { profile: { email: `${name}@example.org` } })
    put(homes, `user/${name}`, { notes: { size: 3 }, code: { size: 4 } }, true)
    accounts.live.identities.set(`user/${name}`, { id: `id-${name}` })
  }
  house = await runHouse({
    components: [accounts, homes],
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
})

const start = async (trigger: Parameters<typeof startRun>[1] = {}): Promise<string> =>
  (await startRun(house.service, trigger, noDeadline)).run
const drain = (options: Parameters<typeof drainQueues>[2] = {}) => drainQueues(house.service, house.clock, options)
const report = (run: string) => runReport(house.service, run)
/** A full run from start to end, a day after the last. */
async function night(): Promise<string> {
  await house.clock.advance(86_400_000)
  const run = await start()
  await drain()
  return run
}
const fails = (code: ErrorCode, details = {}) => new TorikiError(code, details)
async function snapshots(slice: SliceName) {
  const repository = await house.service.repository.openSlice(slice, { access: 'read-trees' })
  const found = []
  if (repository !== undefined) for await (const snapshot of repository.snapshots()) found.push(snapshot)
  return found
}
async function keysOf(slice: SliceName, component: string): Promise<string[]> {
  const repository = await house.service.repository.openSlice(slice, { access: 'read-trees' })
  const latest = await repository?.latest(component)
  if (repository === undefined || latest === undefined) return []
  const keys: string[] = []
  for await (const { key } of repository.resources(latest, component)) keys.push(formatKey(key))
  return keys
}

describe('a run', () => {
  test('saves every slice and ends complete', async () => {
    const run = await night()
    expect(await report(run)).toMatchObject({
      open: false,
      outcome: 'complete',
      slices: { total: 4, saved: 4, partial: 0, skipped: 0, failed: 0, suspect: 0, pending: 0 },
      failures: [],
    })
    expect(await keysOf('user/ann', 'files')).toEqual(['home', 'thing/code', 'thing/notes'])
    expect(await keysOf('shared', 'keycloak')).toEqual(['thing/realm'])
    expect(house.alarms).toEqual([])
  })

  test('leaves nothing in any queue, and all snapshots whole', async () => {
    await night()
    for (const slice of ['user/ann', 'user/bob', 'user/cid'] as const) {
      expect(await snapshots(slice)).toMatchObject([
        { missing: [], components: { keycloak: { resources: 1 }, files: { resources: 3 } } },
      ])
    }
  })

  test('names what was not selected as missing, and does not carry it forward', async () => {
    const run = await start({ selection: { users: ['ann'], components: ['keycloak'] } })
    await drain()
    expect(await report(run)).toMatchObject({ outcome: 'complete', slices: { total: 1, saved: 1 } })
    expect(await snapshots('user/ann')).toMatchObject([{ missing: [{ component: 'files', code: 'not-selected' }] }])
    expect(homes.calls.read).toBe(0)
  })

  test('that is cancelled drops its messages and begins no further slice', async () => {
    const run = await start()
    let handled = 0
    await drain({ until: () => accounts.calls.read > 0 && ++handled > 0 })
    await cancelRun(house.service, run)
    const reads = accounts.calls.read
    await drain()
    expect(accounts.calls.read).toBe(reads)
    expect(await report(run)).toMatchObject({ open: false, outcome: 'cancelled' })
    const { slices } = await report(run)
    expect(slices.saved + slices.skipped).toBe(4)
    expect(slices.saved).toBeGreaterThan(0)
  })

  test('in which a worker wakes after another delivery ended its slice is not opened again', async () => {
    const run = await start()
    let code: ErrorCode = 'home-unreadable'
    homes.live.fail = (operation, slice) => (operation === 'read' && slice === 'user/ann' ? fails(code) : undefined)
    let slept = false
    accounts.live.beforeResource = async (slice) => {
      if (slice !== 'user/ann' || slept) return
      slept = true
      await house.clock.advance(120_000)
      await drain()
      code = 'read-failed'
    }
    const message = { v: 1, kind: 'backup-slice', run, slice: 'user/ann' } as const
    const late = await backupSlice(house.service, message, { attempt: 1, signal: new AbortController().signal })
    expect(slept).toBe(true)
    expect(late).toEqual({ done: true })
    expect(await report(run)).toMatchObject({ open: false, slices: { saved: 3, partial: 1 } })
  })

  test('of a slice that is committed but could never be reported counts it as saved', async () => {
    const { store } = house.platform
    let refusing = true
    const create = store.create.bind(store)
    store.create = async (key, body) => {
      if (key.endsWith('.failed')) refusing = false
      if (refusing && key.endsWith('.saved')) throw fails('store-full')
      await create(key, body)
    }
    const run = await start({ selection: { users: ['ann'] } })
    await drain()
    expect(refusing).toBe(false)
    expect(await snapshots('user/ann')).toMatchObject([{ missing: [] }])
    expect(await report(run)).toMatchObject({ open: false, outcome: 'complete', failures: [], slices: { saved: 1 } })
  })

  test('of a suspect slice of a second person that could never be reported can be accepted', async () => {
    await night()
    accounts.live.identities.set('user/ann', { id: 'another-ann', createdAt: new Date('2030-01-01T00:00:00Z') })
    await night()
    put(homes, 'user/ann', {}, true)
    const { store } = house.platform
    let refusing = true
    const create = store.create.bind(store)
    store.create = async (key, body) => {
      if (key.endsWith('.failed')) refusing = false
      if (refusing && key.endsWith('.saved')) throw fails('store-full')
      await create(key, body)
    }
    const run = await start({ selection: { users: ['ann'] } })
    await drain()
    expect(refusing).toBe(false)
    expect(await report(run)).toMatchObject({ slices: { saved: 1, suspect: 1 } })
    expect(await acceptRun(house.service, { run })).toMatchObject({ accepted: ['user/ann'] })
    expect(await report(run)).toMatchObject({ outcome: 'complete', slices: { suspect: 0 } })
  })

  test('of a name that is handed on between the question who it is and the reading keeps the two people apart', async () => {
    put(accounts, 'user/ann', { profile: { person: 'id-ann' } })
    await night()
    accounts.live.fail = (operation, slice) => {
      if (operation === 'source' && slice === 'user/ann') {
        put(accounts, 'user/ann', { profile: { person: 'another-ann' } })
        accounts.live.identities.set('user/ann', { id: 'another-ann' })
      }
      return undefined
    }
    expect(await report(await night())).toMatchObject({ outcome: 'complete' })
    const people = []
    for (const generation of [1, 2]) {
      const repository = await house.service.repository.openSlice('user/ann', { access: 'read-trees', generation })
      for await (const snapshot of repository?.snapshots() ?? [])
        for await (const { state } of repository?.resources(snapshot, 'keycloak') ?? [])
          people.push([generation, state?.['person']])
    }
    expect(people).toEqual([
      [1, 'id-ann'],
      [2, 'another-ann'],
    ])
  })

  test('of a message delivered twice makes one snapshot and one event', async () => {
    const run = await start()
    const queue = house.platform.queues.queue('backup-slice')
    await queue.send(queue.bodies().map((body) => ({ body })))
    await drain()
    expect(await snapshots('user/ann')).toHaveLength(1)
    const events = house.platform.store.keys().filter((key) => key.startsWith(`runs/${run}/events/`))
    expect(events).toHaveLength(4)
  })
})

describe('a failing component', () => {
  test('that recovers is read again, and what was finished is not', async () => {
    let failures = 2
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/bob' && failures-- > 0 ? fails('source-unreachable') : undefined
    const run = await night()
    expect(await report(run)).toMatchObject({ outcome: 'complete' })
    // Ann, bob, cid and shared: once each.
    expect(accounts.calls.read).toBe(4)
    expect(await snapshots('user/bob')).toMatchObject([{ n: 2, missing: [] }])
  })

  test('that does not recover leaves the others saved: partial, with cause, remedy and attempts; one alarm', async () => {
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/bob' ? fails('source-unreachable') : undefined
    const run = await night()
    expect(await report(run)).toMatchObject({
      outcome: 'partial',
      slices: { saved: 3, partial: 1 },
      failures: [
        {
          slice: 'user/bob',
          component: 'files',
          code: 'source-unreachable',
          attempts: 3,
          remedy: expect.stringContaining('replay'),
        },
      ],
    })
    expect(await snapshots('user/bob')).toMatchObject([
      { missing: [{ component: 'files', code: 'source-unreachable' }], components: { keycloak: {} } },
    ])
    expect(house.alarms.map(({ alarm }) => alarm)).toEqual(['dead-letter', 'run-ended'])
  })

  test('with a cause only a person can mend burns no further attempt', async () => {
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/bob' ? fails('home-is-link') : undefined
    const run = await night()
    expect(await report(run)).toMatchObject({ failures: [{ code: 'home-is-link', attempts: 1 }] })
    expect(homes.calls.read).toBe(3)
  })

  test('that is down for the whole run: every home is saved, and the cause is told once with a count', async () => {
    await night()
    accounts.live.fail = () => fails('source-unreachable')
    const run = await night()
    expect(await report(run)).toMatchObject({
      outcome: 'partial',
      slices: { total: 4, partial: 3, failed: 1 },
      sources: [{ component: 'keycloak', unreachable: 'source-unreachable' }],
    })
    expect(await snapshots('user/ann')).toHaveLength(2)
    const told = house.alarms.filter(({ alarm }) => alarm === 'run-ended')
    expect(told).toMatchObject([{ failures: [{ code: 'source-unreachable', component: 'keycloak', count: 4 }] }])
    expect(house.alarms.filter(({ alarm }) => alarm === 'dead-letter')).toHaveLength(1)
  })

  test('asks for a pause, and the message is given back for so long', async () => {
    let busy = 1
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/bob' && busy-- > 0
        ? fails('source-busy', { retryAfterMs: 600_000 })
        : undefined
    house = { ...house, service: { ...house.service, limits: { ...house.service.limits, visibilityMs: 3_600_000 } } }
    const run = await start({ selection: { users: ['bob'] } })
    const before = house.clock.now().getTime()
    await drain({ until: async () => !(await report(run)).open })
    expect(house.clock.now().getTime() - before).toBeGreaterThanOrEqual(600_000)
    expect(await report(run)).toMatchObject({ outcome: 'complete' })
  })

  test('is replayed alone, in the same run, which ends complete', async () => {
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/bob' ? fails('home-unreadable') : undefined
    const run = await night()
    homes.live.fail = () => undefined
    const reads = accounts.calls.read
    expect((await replayRun(house.service, { run })).replayed).toEqual(['user/bob'])
    await drain()
    expect(await report(run)).toMatchObject({ open: false, outcome: 'complete', failures: [] })
    expect(accounts.calls.read).toBe(reads)
    expect(await snapshots('user/bob')).toMatchObject([{ n: 2, missing: [] }])
    expect(await replayRun(house.service, { run })).toMatchObject({ replayed: [] })
  })

  test('mended, and its message redriven by hand, is the same as a replay', async () => {
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/bob' ? fails('home-unreadable') : undefined
    const run = await night()
    homes.live.fail = () => undefined
    const body = JSON.stringify({ v: 1, kind: 'backup-slice', run, slice: 'user/bob' })
    await house.platform.queues.queue('backup-slice').send([{ body }])
    await drain()
    expect(await report(run)).toMatchObject({ open: false, outcome: 'complete' })
  })

  test('not mended, and its message redriven by hand, ends with the new cause', async () => {
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/bob' ? fails('home-unreadable') : undefined
    const run = await night()
    homes.live.fail = (operation, slice) =>
      operation === 'read' && slice === 'user/bob' ? fails('home-is-link') : undefined
    await house.platform.queues
      .queue('backup-slice')
      .send([{ body: JSON.stringify({ v: 1, kind: 'backup-slice', run, slice: 'user/bob' }) }])
    await drain()
    expect(await report(run)).toMatchObject({ open: false, outcome: 'partial', failures: [{ code: 'home-is-link' }] })
  })

  describe('whose deleted message the queue delivers again', () => {
    /** Not in any queue: what the worker does not send itself, nobody will deliver. */
    const again = (run: string, code: ErrorCode | undefined) => {
      homes.live.fail = (operation, slice) =>
        code !== undefined && operation === 'read' && slice === 'user/bob' ? fails(code) : undefined
      return backupSlice(
        house.service,
        { v: 1, kind: 'backup-slice', run, slice: 'user/bob' },
        { attempt: 1, signal: noDeadline.signal },
      )
    }
    let run = ''
    beforeEach(async () => {
      homes.live.fail = (operation, slice) =>
        operation === 'read' && slice === 'user/bob' ? fails('home-unreadable') : undefined
      run = await night()
    })

    test('is opened again with a message and a tick of its own: tried as often as any, and the run ends', async () => {
      const reads = homes.calls.read
      expect(await again(run, 'source-unreachable')).toEqual({ done: true })
      expect(await report(run)).toMatchObject({ open: true, slices: { pending: 1 } })
      const endsAfter = house.clock.now().getTime() + 600_000
      await drain({ until: () => house.clock.now().getTime() >= endsAfter })
      expect(homes.calls.read).toBe(reads + 1 + 3)
      expect(await report(run)).toMatchObject({
        open: false,
        outcome: 'partial',
        failures: [{ slice: 'user/bob', code: 'source-unreachable', attempts: 3 }],
      })
      expect(await house.platform.queues.queue('settle-run').depth()).toEqual({ visible: 0, hidden: 0, delayed: 0 })
    })

    test('and again, by two workers at once, is one replay', async () => {
      await Promise.all([again(run, 'source-unreachable'), again(run, 'source-unreachable')])
      const bodies = house.platform.queues.queue('backup-slice').bodies()
      expect(bodies.map((body) => JSON.parse(body) as unknown)).toEqual(
        bodies.map(() => ({ v: 1, kind: 'backup-slice', run, slice: 'user/bob', replay: 1 })),
      )
      homes.live.fail = () => undefined
      await drain()
      expect(await report(run)).toMatchObject({ open: false, outcome: 'complete', failures: [] })
    })

    test('is not opened for what only a person can mend', async () => {
      expect(await again(run, 'home-is-link')).toEqual({ done: true })
      expect(await report(run)).toMatchObject({ open: false, failures: [{ code: 'home-is-link' }] })
    })

    test('is saved by it, when what failed is mended', async () => {
      expect(await again(run, undefined)).toEqual({ done: true })
      expect(await report(run)).toMatchObject({ open: false, outcome: 'complete' })
    })
  })

  test('nobody reads: a worker that ends without a word is recorded as such by dead-letter', async () => {
    const run = await start({ selection: { users: ['bob'] } })
    const queue = house.platform.queues.queue('backup-slice')
    for (let attempt = 1; attempt <= 3; attempt++) {
      expect(await queue.receive({ max: 1, waitMs: 0, visibilityMs: 1_000 })).toHaveLength(1)
      await house.clock.advance(1_001)
    }
    await drain()
    expect(await report(run)).toMatchObject({
      open: false,
      outcome: 'failed',
      failures: [{ slice: 'user/bob', code: 'ended-without-report' }],
    })
  })
})

describe('an emptied source', () => {
  test('is stored as suspect, told, never latest, and just as suspect the next night, until accepted', async () => {
    const first = await night()
    put(homes, 'user/ann', {}, true)
    const second = await night()
    expect(await report(second)).toMatchObject({ outcome: 'partial', slices: { saved: 4, suspect: 1 } })
    expect(house.alarms.map(({ alarm }) => alarm)).toEqual(['suspect'])
    const third = await night()
    expect(await report(third)).toMatchObject({ slices: { suspect: 1 } })
    const repository = await house.service.repository.openSlice('user/ann', { access: 'read-trees' })
    expect((await repository?.latest('files'))?.run).toBe(first)
    expect((await repository?.latest('keycloak'))?.run).toBe(third)

    expect(await acceptRun(house.service, { run: third })).toMatchObject({ accepted: ['user/ann'] })
    expect((await repository?.latest('files'))?.run).toBe(third)
    expect(await report(third)).toMatchObject({ outcome: 'complete', slices: { suspect: 0 } })
    expect(await acceptRun(house.service, { run: third })).toMatchObject({ accepted: [] })
    expect(await report(await night())).toMatchObject({ outcome: 'complete' })
  })

  test('that is another one than before is suspect', async () => {
    await night()
    homes.live.source = { device: 'another' }
    const run = await night()
    expect(await report(run)).toMatchObject({ outcome: 'partial', slices: { suspect: 3 } })
  })

  test('whose members fell is suspect in every slice, until the run is accepted; then the next night compares with it', async () => {
    for (const name of ['dan', 'eve']) {
      put(accounts, `user/${name}`, { profile: {} })
      put(homes, `user/${name}`, { notes: {} }, true)
    }
    await night()
    for (const name of ['cid', 'dan', 'eve']) accounts.live.slices.delete(`user/${name}`)
    const second = await night()
    const doubted = await report(second)
    expect(doubted).toMatchObject({
      outcome: 'partial',
      slices: { total: 6 },
      sources: [{ component: 'keycloak', suspect: 'Its members fell from 5 to 2.' }],
    })
    // Those that Keycloak covers: shared and five users.
    expect(doubted.slices.suspect).toBe(6)
    const third = await night()
    expect(await report(third)).toMatchObject({ sources: [{ component: 'keycloak' }] })
    expect(await acceptRun(house.service, { run: third })).toMatchObject({ sources: true })
    const fourth = await night()
    expect(await report(fourth)).toMatchObject({ outcome: 'complete', sources: [], slices: { suspect: 0 } })
  })

  test('accepted for some people is believed for them alone', async () => {
    await night()
    for (const name of ['ann', 'bob']) put(homes, `user/${name}`, {}, true)
    const run = await night()
    expect(await acceptRun(house.service, { run, users: ['ann'] })).toEqual({
      run,
      accepted: ['user/ann'],
      sources: false,
    })
    expect(await report(run)).toMatchObject({ slices: { suspect: 1 } })
  })
})

describe('a person', () => {
  test('who is gone from every component is skipped, and nothing is stored', async () => {
    const run = await start()
    accounts.live.slices.delete('user/bob')
    homes.live.slices.delete('user/bob')
    await drain()
    expect(await report(run)).toMatchObject({ outcome: 'complete', slices: { saved: 3, skipped: 1 } })
    expect(await snapshots('user/bob')).toEqual([])
  })

  test('who has a name that was another person’s begins a history of their own', async () => {
    await night()
    accounts.live.identities.set('user/ann', { id: 'another-ann' })
    await night()
    const repository = await house.service.repository.openSlice('user/ann', { access: 'read-trees' })
    expect(repository?.generation).toBe(2)
    expect(await snapshots('user/ann')).toHaveLength(1)
  })
})

describe('what an unchanged night costs', () => {
  test('a person: at most 2 PUTs, 5 GETs, 6 LISTs, 1 call of the key service and 1 message', async () => {
    await night()
    await night()
    await house.clock.advance(86_400_000)
    await start()
    const queue = house.platform.queues.queue('backup-slice')
    // The first message of a process also reads the run.
    const handled = accounts.calls.read
    await drain({ until: () => accounts.calls.read > handled })
    const { platform, calls } = countingPlatform(house.platform)
    const service = { ...house.service, platform, repository: await openDeployment(platform, { name: 'campus' }) }
    const warm = accounts.calls.read
    await drainQueues(service, house.clock, { until: () => accounts.calls.read > warm })
    const before = { ...calls }
    const left = queue.bodies().length
    await drainQueues(service, house.clock, { until: () => accounts.calls.read > warm + 1 })
    expect(left - queue.bodies().length).toBe(1)
    expect(calls.create - before.create).toBeLessThanOrEqual(2)
    expect(calls.get - before.get).toBeLessThanOrEqual(5)
    expect(calls.list - before.list).toBeLessThanOrEqual(6)
    expect(calls.keys - before.keys).toBeLessThanOrEqual(1)
    expect(calls.create - before.create).toBeGreaterThan(0)
  })
})
