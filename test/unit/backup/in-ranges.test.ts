/** A component that is more than one function can read: divided into ranges, read by several, joined by one. */
import { beforeEach, describe, expect, test } from '@jest/globals'
import { backupSlice } from '../../../lib/backup/backup-slice.ts'
import type { Delivered } from '../../../lib/backup/backup-slice.ts'
import { replayRun } from '../../../lib/backup/replay-run.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import type { Service } from '../../../lib/backup/service.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { parseMessage } from '../../../lib/messages.ts'
import type { BackupSliceMessage } from '../../../lib/messages.ts'
import { FaultInjector } from '../../../lib/platform/fault.ts'
import { faultyQueues } from '../../../lib/platform/queue/fault.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import type { Snapshot } from '../../../lib/repository/snapshot.ts'
import { drainQueues } from '../../kit/drain-queues.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { noDeadline, runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'

const THINGS = 40
/** Of a function that could read a fifth of them. */
const remainingMs = 18_000
const nameOf = (index: number): string => `n${String(index).padStart(3, '0')}`

let accounts: FakeComponent
let homes: FakeComponent
let house: RunHouse
let service: Service
let run: string
/** Of what stands in the queue, so many are taken. */
let taken: number

beforeEach(async () => {
  accounts = fakeComponent({ name: 'keycloak', covers: ['user'] })
  homes = fakeComponent({ name: 'files', covers: ['user'], ranged: true })
  put(accounts, 'user/ann', { profile: {} })
  put(
    homes,
    'user/ann',
    Object.fromEntries(Array.from({ length: THINGS }, (_, index) => [nameOf(index), { index }])),
    true,
  )
  for (let index = 0; index < THINGS; index += 3)
    homes.live.contents.set(nameOf(index), Buffer.from(`content ${index}`))
  house = await runHouse({
    components: [homes, accounts],
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
  service = { ...house.service, readingPace: { msPerResource: 1000, bytesPerSecond: 1_000_000 } }
})

/** A night in one pass, and the message of the next one. */
async function nightBefore(): Promise<Snapshot> {
  await startRun(service, {}, noDeadline)
  await drainQueues(service, house.clock)
  const before = await latest()
  await begin()
  return before
}

async function begin(): Promise<void> {
  await house.clock.advance(86_400_000)
  ;({ run } = await startRun(service, {}, noDeadline))
  taken = queue().bodies().length - 1
}

const queue = () => house.platform.queues.queue('backup-slice')
const checkpoints = (): number =>
  house.platform.store.keys().filter((key) => key.includes(`/checkpoints/${run}.`)).length

async function latest(): Promise<Snapshot> {
  const repository = await service.repository.openSlice('user/ann', { access: 'read-trees' })
  for await (const newest of repository!.snapshots()) return newest
  throw new Error('there is no snapshot')
}

/** What was sent and not taken yet. */
function sent(): BackupSliceMessage[] {
  const messages = queue()
    .bodies()
    .slice(taken)
    .map((body) => parseMessage(body) as BackupSliceMessage)
  taken += messages.length
  return messages
}

async function deliver(message: BackupSliceMessage, attempt = 1, to = service): Promise<Delivered> {
  return await backupSlice(to, message, { attempt, signal: noDeadline.signal, remainingMs })
}

/** Until nothing more is sent; the last one sent comes first. */
async function deliverAll(messages: BackupSliceMessage[]): Promise<void> {
  for (let message = messages.pop(); message !== undefined; message = messages.pop()) {
    expect(await deliver(message)).toEqual({ done: true })
    messages.push(...sent())
  }
}

/** The ranges' messages; the first message is taken. */
async function divided(): Promise<BackupSliceMessage[]> {
  for (const message of sent()) expect(await deliver(message)).toEqual({ done: true })
  return sent()
}

function dying(operation: string, times = 1): Service {
  let left = times
  const faults = new FaultInjector({
    plan: (call) => (call.operation === operation && left-- > 0 ? { kind: 'fail-before' } : undefined),
    clock: house.clock,
  })
  return { ...service, platform: { ...house.platform, queues: faultyQueues(house.platform.queues, faults) } }
}

describe('a home that is more than one function can read', () => {
  test('is read in ranges, by a message each, and joined to the very root of one pass', async () => {
    const before = await nightBefore()
    const ranges = await divided()
    expect(ranges.map(({ range, hop, part }) => [range, hop, part])).toEqual(
      [1, 2, 3, 4, 5].map((number) => [number, 0, 0]),
    )
    homes.calls.read = 0
    await deliverAll(ranges)
    expect(homes.calls.read).toBe(5)
    const after = await latest()
    expect(after.run).toBe(run)
    expect(after.components['files']).toMatchObject({
      root: before.components['files']?.root,
      resources: THINGS + 1,
      containers: 1,
      bytes: before.components['files']?.bytes,
      source: before.components['files']?.source,
    })
    expect(after.components['keycloak']?.root).toBe(before.components['keycloak']?.root)
    expect(after.missing).toEqual([])
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete', slices: { saved: 1 } })
  })

  test('is read in one pass where nobody ends the time, or where one function has enough of it', async () => {
    await nightBefore()
    const [message] = sent()
    await backupSlice(service, message!, { attempt: 1, signal: noDeadline.signal })
    expect(sent()).toEqual([])
    await begin()
    const [next] = sent()
    await backupSlice(service, next!, { attempt: 1, signal: noDeadline.signal, remainingMs: 3_600_000 })
    expect(sent()).toEqual([])
    expect(checkpoints()).toBe(0)
  })

  test('of which nothing is known is divided when the time of a function has ended', async () => {
    await begin()
    const [message] = sent()
    const time = new AbortController()
    homes.live.beforeResource = (_slice, index) => {
      if (index === 10) time.abort(new TorikiError('deadline'))
    }
    await backupSlice(service, message!, { attempt: 1, signal: time.signal, remainingMs })
    homes.live.beforeResource = () => undefined
    const [goesOn] = sent()
    expect(goesOn).toMatchObject({ part: 1, late: true })
    expect(await deliver(goesOn!)).toEqual({ done: true })
    const ranges = sent()
    expect(ranges).toHaveLength(8)
    const read = new Set<number>()
    homes.live.beforeResource = (_slice, index) => void read.add(index)
    await deliverAll(ranges)
    expect([...read].sort((a, b) => a - b)).toEqual(Array.from({ length: THINGS + 1 - 10 }, (_, at) => at + 10))
    const { components } = await latest()
    await begin()
    await backupSlice(service, sent()[0]!, { attempt: 1, signal: noDeadline.signal })
    expect((await latest()).components['files']?.root).toBe(components['files']?.root)
  })

  test('whose worker was told to stop is not divided for that', async () => {
    await begin()
    const time = new AbortController()
    homes.live.beforeResource = (_slice, index) => {
      if (index === 10) time.abort(new TorikiError('interrupted'))
    }
    await backupSlice(service, sent()[0]!, { attempt: 1, signal: time.signal, remainingMs })
    homes.live.beforeResource = () => undefined
    const [goesOn] = sent()
    expect(goesOn?.late).toBeUndefined()
    await deliver(goesOn!)
    expect(sent()).toEqual([])
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
  })

  test('has each range go on in hops of its own', async () => {
    const before = await nightBefore()
    const ranges = await divided()
    for (const message of ranges) {
      const time = new AbortController()
      let read = 0
      homes.live.beforeResource = () => {
        if (read++ === 4) time.abort(new TorikiError('deadline'))
      }
      expect(await backupSlice(service, message, { attempt: 1, signal: time.signal, remainingMs })).toEqual({
        done: true,
      })
    }
    homes.live.beforeResource = () => undefined
    const hops = sent()
    expect(hops.map(({ range, hop }) => [range, hop])).toEqual([1, 2, 3, 4, 5].map((number) => [number, 1]))
    // The old messages have nothing more to do.
    homes.calls.read = 0
    for (const message of ranges) expect(await deliver(message, 2)).toEqual({ done: true })
    expect(homes.calls.read).toBe(0)
    await deliverAll(hops)
    expect((await latest()).components['files']?.root).toBe(before.components['files']?.root)
  })
})

describe('ranges and whoever reads them', () => {
  test('delivered twice, all at once and each again afterwards, end in one snapshot', async () => {
    const before = await nightBefore()
    const ranges = await divided()
    await Promise.all([...ranges, ...ranges].map((message) => deliver(message)))
    for (const message of ranges) await deliver(message, 2)
    const joining = sent()
    expect(joining.length).toBeGreaterThan(0)
    expect(new Set(joining.map((message) => JSON.stringify({ ...message, hop: undefined })))).toHaveProperty('size', 1)
    await Promise.all(joining.map((message) => deliver(message)))
    expect((await latest()).components['files']?.root).toBe(before.components['files']?.root)
    expect(await latest()).toMatchObject({ run, n: 1 })
    homes.calls.read = 0
    await deliverAll([...ranges, ...joining])
    expect(homes.calls.read).toBe(0)
    expect(await latest()).toMatchObject({ run, n: 1 })
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
  })

  test('are sent by the next delivery when the first one died behind the plan', async () => {
    await nightBefore()
    const [message] = sent()
    await deliver(message!, 1, dying('send', 99))
    expect(checkpoints()).toBe(1)
    expect(sent()).toEqual([])
    expect(await deliver(message!, 2)).toEqual({ done: true })
    expect(checkpoints()).toBe(1)
    await deliverAll(sent())
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
  })

  test('are joined although who ended the last one died before he said so', async () => {
    await nightBefore()
    const ranges = await divided()
    const last = ranges.pop()!
    await deliverAll(ranges)
    expect(await deliver(last, 1, dying('send', 99))).toMatchObject({ done: false })
    expect(sent()).toEqual([])
    expect(await deliver(last, 2)).toEqual({ done: true })
    await deliverAll(sent())
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
  })

  test('of which one fails leave everything else saved, and a replay reads that one alone', async () => {
    const before = await nightBefore()
    const ranges = await divided()
    homes.live.beforeResource = (_slice, index) => {
      if (index === 20) throw new TorikiError('home-unreadable')
    }
    await deliverAll(ranges)
    expect(await runReport(service, run)).toMatchObject({
      outcome: 'partial',
      slices: { partial: 1 },
      failures: [{ component: 'files', code: 'home-unreadable' }],
    })
    const partial = await latest()
    expect(Object.keys(partial.components)).toEqual(['keycloak'])
    expect(partial.missing).toEqual([{ component: 'files', code: 'home-unreadable' }])
    const read = new Set<number>()
    homes.live.beforeResource = (_slice, index) => void read.add(index)
    const accountsRead = accounts.calls.read
    await replayRun(service, { run })
    await deliverAll(sent())
    expect(read.has(20)).toBe(true)
    expect(read.size).toBeLessThan(THINGS / 3)
    expect(accounts.calls.read).toBe(accountsRead)
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
    expect((await latest()).components['files']?.root).toBe(before.components['files']?.root)
  })

  test('that fail for a while are given back, and tried again alone', async () => {
    await nightBefore()
    const ranges = await divided()
    let failures = 2
    homes.live.beforeResource = (_slice, index) => {
      if (index === 20 && failures-- > 0) throw new TorikiError('source-unreachable')
    }
    const again: BackupSliceMessage[] = []
    for (const message of ranges) if (!(await deliver(message)).done) again.push(message)
    expect(again).toHaveLength(1)
    expect(await deliver(again[0]!, 2)).toMatchObject({ done: false })
    expect(await deliver(again[0]!, 3)).toEqual({ done: true })
    await deliverAll(sent())
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
  })

  test('of a directory that was replaced meanwhile are not joined with those of the old one', async () => {
    await nightBefore()
    const ranges = await divided()
    await deliver(ranges[0]!)
    homes.live.identity = { is: 'another' }
    homes.live.slices.get('user/ann')!.set(nameOf(2), { index: 'new' })
    await deliverAll(ranges.slice(1))
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
    const repository = await service.repository.openSlice('user/ann', { access: 'read-trees' })
    const states: unknown[] = []
    for await (const { state } of repository!.resources(await latest(), 'files')) states.push(state)
    expect(states).toHaveLength(THINGS + 1)
    expect(states[3]).toEqual({ index: 'new' })
  })

  test('that never come to an end are left in the end, and one function reads all of it', async () => {
    const before = await nightBefore()
    let messages = sent()
    let rounds = 0
    while (messages.length > 1 || rounds === 0) {
      rounds++
      // Each time something else is there when the ranges are read.
      homes.live.identity = { is: `another ${rounds}` }
      for (const message of messages) await deliver(message)
      homes.live.identity = { is: `a third ${rounds}` }
      const ranges = sent()
      for (const message of ranges) await deliver(message)
      messages = sent()
      if (ranges.length === 0) break
    }
    expect(rounds).toBe(5)
    expect((await latest()).components['files']?.root).toBe(before.components['files']?.root)
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
  })

  test('of a home that is gone meanwhile do not make a shorter one', async () => {
    await nightBefore()
    const ranges = await divided()
    for (const message of ranges.slice(0, 3)) await deliver(message)
    homes.live.slices.delete('user/ann')
    await deliverAll(ranges.slice(3))
    const { components } = await latest()
    expect(components['files']).toMatchObject({ resources: 0, suspect: expect.any(String) })
  })

  test('of a run that was sent by hand for a failed slice, are read in a replay of their own', async () => {
    await nightBefore()
    const [message] = sent()
    homes.live.fail = (operation) => (operation === 'source' ? new TorikiError('root-missing') : undefined)
    for (const attempt of [1, 2, 3]) await deliver(message!, attempt)
    expect(await runReport(service, run)).toMatchObject({ outcome: 'partial' })
    homes.live.fail = () => undefined
    sent()
    await deliverAll([message!])
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
  })
})
