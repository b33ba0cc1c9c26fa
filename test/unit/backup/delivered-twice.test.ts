/** A large home whose message is given to two functions at the same time: one uploads it, the other waits until that is over. */
import { beforeEach, describe, expect, test } from '@jest/globals'
import { backupSlice } from '../../../lib/backup/backup-slice.ts'
import type { Delivered } from '../../../lib/backup/backup-slice.ts'
import { replayRun } from '../../../lib/backup/replay-run.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { parseMessage } from '../../../lib/messages.ts'
import type { BackupSliceMessage } from '../../../lib/messages.ts'
import { FaultInjector } from '../../../lib/platform/fault.ts'
import { faultyObjectStore } from '../../../lib/platform/object-store/fault.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import type { Service } from '../../../lib/backup/service.ts'
import { countingPlatform } from '../../kit/counting-platform.ts'
import type { CountingPlatform } from '../../kit/counting-platform.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { noDeadline, runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const MIB = 1024 * 1024
/** Three packs. */
const FILES = Array.from({ length: 24 }, (_, index) => seededRandom(`file ${index}`).bytes(2 * MIB))
const SOURCE_BYTES = FILES.reduce((sum, { length }) => sum + length, 0)
/** Far above headers and tables, far below a pack. */
const OVERHEAD_BYTES = MIB
const WAITS: Delivered = { done: false, visibilityMs: 900_000 }

const nameOf = (index: number): string => `n${String(index).padStart(2, '0')}`

let homes: FakeComponent
let house: RunHouse
let counting: CountingPlatform
let service: Service
let run: string
let message: BackupSliceMessage

beforeEach(async () => {
  homes = fakeComponent({ name: 'files', covers: ['user'] })
  put(homes, 'user/ann', Object.fromEntries(FILES.map((_, index) => [nameOf(index), { index }])), true)
  for (const [index, bytes] of FILES.entries()) homes.live.contents.set(nameOf(index), bytes)
  house = await runHouse({
    components: [homes],
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
  counting = countingPlatform(house.platform)
  service = await serviceOn(counting.platform)
  run = (await startRun(service, {}, noDeadline)).run
  message = { v: 1, kind: 'backup-slice', run, slice: 'user/ann' }
})

async function serviceOn(platform: Service['platform']): Promise<Service> {
  return { ...house.service, platform, repository: await openDeployment(platform, { name: 'campus' }) }
}
const deliver = (attempt: number, given = message, to = service): Promise<Delivered> =>
  backupSlice(to, given, { attempt, signal: noDeadline.signal })
const uploadedBytes = (): number => counting.sentBytes['packs'] ?? 0

/** A process that dies when its n-th pack is there. */
async function dyingBehindPack(n: number): Promise<Service> {
  let packs = 0
  const faults = new FaultInjector({
    clock: house.clock,
    plan: ({ operation, subject }) =>
      operation === 'create' && subject.includes('/packs/') && ++packs === n ? { kind: 'kill-after' } : undefined,
  })
  return await serviceOn({ ...counting.platform, store: faultyObjectStore(counting.platform.store, faults) })
}

describe('a large home', () => {
  test('given to two functions at the same time is uploaded by one; the other comes back and finds it saved', async () => {
    const both = await Promise.all([deliver(1), deliver(1)])
    expect(both).toContainEqual({ done: true })
    expect(both).toContainEqual(WAITS)
    expect(uploadedBytes()).toBeLessThan(SOURCE_BYTES + OVERHEAD_BYTES)
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete', slices: { saved: 1 } })
    const reads = homes.calls.read
    expect(await deliver(2)).toEqual({ done: true })
    expect(homes.calls.read).toBe(reads)
  })

  test('that one function handed on is not gone on with by another one that has the same old message', async () => {
    const time = new AbortController()
    homes.live.beforeResource = (_slice, index) => {
      if (index === 10) time.abort(new TorikiError('deadline'))
    }
    await backupSlice(service, message, { attempt: 1, signal: time.signal })
    homes.live.beforeResource = () => undefined
    const before = uploadedBytes()
    expect(await deliver(1)).toEqual(WAITS)
    expect(uploadedBytes()).toBe(before)
    expect(await deliver(1, { ...message, part: 1 })).toEqual({ done: true })
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
  })

  test('whose function died is free for the next one, which uploads one pack again', async () => {
    const dying = await dyingBehindPack(2)
    expect(await deliver(1, message, dying).catch(() => 'died')).not.toEqual({ done: true })
    expect(await deliver(2)).toEqual({ done: true })
    expect(uploadedBytes()).toBeLessThan(SOURCE_BYTES + 16 * MIB + 2 * MIB + OVERHEAD_BYTES)
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
  })

  test('that failed is free for a replay, by command or by hand', async () => {
    // Much is new each time, or there were nothing to claim.
    const overwrite = (what: string): void => {
      for (const index of FILES.keys())
        homes.live.contents.set(nameOf(index), seededRandom(`${what} ${index}`).bytes(2 * MIB))
    }
    const failing = async (given: BackupSliceMessage): Promise<void> => {
      homes.live.beforeResource = (_slice, index) => {
        if (index === 23) throw new TorikiError('home-unreadable')
      }
      expect(await deliver(1, given)).toEqual({ done: true })
      homes.live.beforeResource = () => undefined
      expect(await runReport(service, run)).toMatchObject({ outcome: 'failed' })
    }
    await failing(message)
    overwrite('by hand')
    await failing(message)
    overwrite('replayed')
    await replayRun(service, { run })
    const replayed = house.platform.queues.queue('backup-slice').bodies().at(-1) ?? ''
    expect(await deliver(1, parseMessage(replayed) as BackupSliceMessage)).toEqual({ done: true })
    expect(await runReport(service, run)).toMatchObject({ outcome: 'complete' })
  })
})
