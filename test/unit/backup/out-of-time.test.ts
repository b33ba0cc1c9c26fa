/** A slice that takes longer than one function may run: checkpoints, continuations, and who loses to whom. */
import { beforeEach, describe, expect, test } from '@jest/globals'
import { backupSlice } from '../../../lib/backup/backup-slice.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { parseMessage } from '../../../lib/messages.ts'
import type { BackupSliceMessage } from '../../../lib/messages.ts'
import { FaultInjector } from '../../../lib/platform/fault.ts'
import { faultyQueues } from '../../../lib/platform/queue/fault.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { drainQueues } from '../../kit/drain-queues.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { noDeadline, runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'

let accounts: FakeComponent
let homes: FakeComponent
let house: RunHouse
let run: string
const things = 30

beforeEach(async () => {
  accounts = fakeComponent({ name: 'keycloak', covers: ['user'] })
  homes = fakeComponent({ name: 'files', covers: ['user'] })
  put(accounts, 'user/ann', { profile: {} })
  put(
    homes,
    'user/ann',
    Object.fromEntries(Array.from({ length: things }, (_, index) => [`n${String(index).padStart(3, '0')}`, { index }])),
    true,
  )
  house = await runHouse({
    components: [accounts, homes],
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
  run = (await startRun(house.service, {}, noDeadline)).run
})

const message = (part?: number): BackupSliceMessage => ({
  v: 1,
  kind: 'backup-slice',
  run,
  slice: 'user/ann',
  ...(part === undefined ? {} : { part }),
})
const sent = () =>
  house.platform.queues
    .queue('backup-slice')
    .bodies()
    .map((body) => (parseMessage(body) as BackupSliceMessage).part)
const events = () =>
  house.platform.store.keys().flatMap((key) => (key.startsWith(`runs/${run}/events/`) ? [key.split('.').at(-1)] : []))
/** Handles the message in a process whose time ends before the resource with this number. */
async function handle(given: BackupSliceMessage, endsBefore: number | undefined, attempt = 1) {
  const time = new AbortController()
  homes.live.beforeResource = (_slice, index) => {
    if (index === endsBefore) time.abort(new TorikiError('deadline'))
  }
  return await backupSlice(house.service, given, { attempt, signal: time.signal })
}

describe('a slice that is out of time', () => {
  test('is kept as a checkpoint and goes on in a message of its own', async () => {
    expect(await handle(message(), 10)).toEqual({ done: true })
    expect(sent()).toEqual([undefined, 1])
    expect(events()).toEqual(['continued'])
    expect(await runReport(house.service, run)).toMatchObject({ open: true, slices: { pending: 1 } })
  })

  test('goes on behind what was read, reads no finished component again, and is whole in the end', async () => {
    await handle(message(), 10)
    const read: number[] = []
    homes.live.beforeResource = (_slice, index) => void read.push(index)
    expect(await backupSlice(house.service, message(1), { attempt: 1, signal: noDeadline.signal })).toEqual({
      done: true,
    })
    expect(read[0]).toBe(10)
    expect(read).toHaveLength(things + 1 - 10)
    expect(accounts.calls.read).toBe(1)
    const repository = await house.service.repository.openSlice('user/ann', { access: 'read-trees' })
    expect((await repository!.latest('files'))?.components).toMatchObject({
      files: { resources: things + 1 },
      keycloak: { resources: 1 },
    })
    expect(await runReport(house.service, run)).toMatchObject({ outcome: 'complete' })
  })

  test('takes as many hops as it needs', async () => {
    let part: number | undefined
    for (const endsBefore of [5, 10, 15, 20, undefined]) {
      expect(await handle(message(part), endsBefore)).toEqual({ done: true })
      part = (part ?? 0) + 1
    }
    expect(await runReport(house.service, run)).toMatchObject({ outcome: 'complete' })
  })

  test('delivered again after its continuation was sent is done', async () => {
    await handle(message(), 10)
    const reads = homes.calls.read
    expect(await handle(message(), undefined, 2)).toEqual({ done: true })
    expect(homes.calls.read).toBe(reads)
    expect(sent()).toEqual([undefined, 1])
  })

  test('cut off between checkpoint and continuation sends it when it is delivered again', async () => {
    const faults = new FaultInjector({
      plan: ({ operation }) => (operation === 'send' ? { kind: 'fail-before' } : undefined),
      clock: house.clock,
    })
    const platform = { ...house.platform, queues: faultyQueues(house.platform.queues, faults) }
    const service = { ...house.service, platform }
    const time = new AbortController()
    homes.live.beforeResource = (_slice, index) => {
      if (index === 10) time.abort(new TorikiError('deadline'))
    }
    expect(await backupSlice(service, message(), { attempt: 1, signal: time.signal })).toMatchObject({ done: false })
    // It goes on from the checkpoint that is there, and ends by itself or in a continuation.
    expect(await handle(message(), 20, 2)).toEqual({ done: true })
    expect(sent()).toEqual([undefined, 1])
  })

  test('before anything was read is an attempt with its cause, and fails in the end', async () => {
    accounts.live.beforeResource = () => undefined
    const endless = async (attempt: number) => {
      const time = new AbortController()
      accounts.live.beforeResource = () => time.abort(new TorikiError('deadline'))
      return await backupSlice(house.service, message(), { attempt, signal: time.signal })
    }
    expect(await endless(1)).toMatchObject({ done: false })
    expect(await endless(2)).toMatchObject({ done: false })
    expect(await endless(3)).toEqual({ done: false, visibilityMs: 0 })
    expect(events()).toEqual(['attempt', 'attempt', 'failed'])
    expect(await runReport(house.service, run)).toMatchObject({ failures: [{ code: 'deadline', attempts: 3 }] })
  })

  test('because the service stops gives the message back at once, without blame', async () => {
    const time = new AbortController()
    accounts.live.beforeResource = () => time.abort(new TorikiError('interrupted'))
    expect(await backupSlice(house.service, message(), { attempt: 1, signal: time.signal })).toEqual({
      done: false,
      visibilityMs: 0,
    })
    expect(events()).toEqual([])
  })

  test('two workers on one message: both end, and the snapshot is whole', async () => {
    await Promise.all([handle(message(), 10), handle(message(), 10)])
    homes.live.beforeResource = () => undefined
    await drainQueues(house.service, house.clock)
    expect(await runReport(house.service, run)).toMatchObject({
      open: false,
      outcome: 'complete',
      slices: { saved: 1 },
    })
    const repository = await house.service.repository.openSlice('user/ann', { access: 'read-trees' })
    expect((await repository!.latest('files'))?.components).toMatchObject({ files: { resources: things + 1 } })
  })
})
