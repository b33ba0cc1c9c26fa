/**
 * Runs under faults by chance: sources that fail, a store and queues that lose answers and repeat requests, processes that are killed, functions whose time
 * ends, messages in disorder, two workers at once. A seed that fails is in the error's message.
 */
import { expect, test } from '@jest/globals'
import { replayRun } from '../../../lib/backup/replay-run.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import type { Service } from '../../../lib/backup/service.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { CONTINUATION_RESERVE_MS } from '../../../lib/limits.ts'
import { anyOf, FaultInjector, noFaults, randomFaults } from '../../../lib/platform/fault.ts'
import type { FaultPlan } from '../../../lib/platform/fault.ts'
import { faultyObjectStore } from '../../../lib/platform/object-store/fault.ts'
import type { Random } from '../../../lib/platform/random.ts'
import { faultyQueues } from '../../../lib/platform/queue/fault.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import type { RunReport } from '../../../lib/runs/outcome.ts'
import { drainQueues } from '../../kit/drain-queues.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { noDeadline, runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const SEEDS = 40
const people = ['ann', 'bob', 'cid', 'dan']
const files = 12
const slices = people.length + 1

/** A deployment whose sources fail while `faults.share` says so, and take their time. */
async function troubledHouse(seed: number, random: Random, faults: { share: number }): Promise<RunHouse> {
  const clock = new FakeClock()
  const accounts = fakeComponent({ name: 'keycloak' })
  const homes = fakeComponent({ name: 'files', covers: ['user'] })
  put(accounts, 'shared', { realm: {} })
  for (const name of people) {
    put(accounts, `user/${name}`, { profile: {} })
    put(
      homes,
      `user/${name}`,
      Object.fromEntries(Array.from({ length: files }, (_, index) => [`f${index}`, { index }])),
      true,
    )
  }
  const codes = ['source-unreachable', 'home-unreadable', 'source-busy', 'internal'] as const
  for (const { live } of [accounts, homes]) {
    live.fail = (operation) => {
      if (operation === 'members' || random.fraction() >= faults.share) return undefined
      return new TorikiError(codes[Math.floor(random.fraction() * codes.length)] ?? 'internal')
    }
  }
  homes.live.beforeResource = async () => {
    if (random.fraction() < 0.02 && faults.share > 0) await clock.advance(2)
  }
  return await runHouse({
    components: [accounts, homes],
    limits: { attempts: 4 },
    clock,
    platform: memoryPlatform({ clock, seed, shuffle: true, receivesMax: 4 }),
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
}

/** The deployment as a new process sees it; `undefined` when it was killed before it could open anything. */
async function process({ service, clock }: RunHouse, plan: FaultPlan): Promise<Service | undefined> {
  const faults = new FaultInjector({ plan, clock })
  const store = faultyObjectStore(service.platform.store, faults)
  const platform = {
    ...service.platform,
    store,
    keyStore: store,
    queues: faultyQueues(service.platform.queues, faults),
  }
  try {
    return { ...service, platform, repository: await openDeployment(platform, { name: 'campus' }) }
  } catch {
    return undefined
  }
}

async function workThrough(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const faults = { share: 0.15 }
  const house = await troubledHouse(seed, random, faults)
  const kills: FaultPlan = () =>
    random.fraction() < 0.008 ? { kind: random.fraction() < 0.5 ? 'kill-before' : 'kill-after' } : undefined
  const trouble = anyOf(kills, randomFaults(random, { failBefore: 0.01, failAfter: 0.01, duplicate: 0.01 }))

  let run: string | undefined
  for (let tries = 0; run === undefined; tries++) {
    const service = await process(house, tries < 20 ? trouble : noFaults)
    const started =
      service &&
      (await startRun(service, { intendedAt: new Date('2026-03-01T02:00:00Z') }, noDeadline).catch(() => undefined))
    run = started?.run
  }
  const worker = async (): Promise<void> => {
    for (let round = 0; round < 8; round++) {
      let left = 3 + Math.floor(random.fraction() * 400)
      const shortTime = random.fraction() < 0.3 ? { getRemainingTimeInMillis: () => CONTINUATION_RESERVE_MS + 1 } : {}
      const service = await process(house, trouble)
      // Killed: the next round is another process.
      if (service !== undefined)
        await drainQueues(service, house.clock, { until: () => --left < 0, invocation: shortTime }).catch(
          () => undefined,
        )
    }
  }
  await Promise.all([worker(), worker()])

  const calm = (await process(house, noFaults)) as Service
  await drainQueues(calm, house.clock)
  let report = await runReport(calm, run)
  expectSum(report)
  expect(report.open).toBe(false)
  faults.share = 0
  for (let replays = 0; replays < 3 && report.outcome !== 'complete'; replays++) {
    await replayRun(calm, { run })
    await drainQueues(calm, house.clock)
    report = await runReport(calm, run)
    expectSum(report)
  }
  expect(report).toMatchObject({ outcome: 'complete', open: false, failures: [] })
  for (const name of people) await expectWhole(calm, `user/${name}`, run)
}

function expectSum({ slices: counts }: RunReport): void {
  expect(counts.saved + counts.partial + counts.skipped + counts.failed + counts.pending).toBe(slices)
}

async function expectWhole(service: Service, slice: `user/${string}`, run: string): Promise<void> {
  const repository = await service.repository.openSlice(slice, { access: 'read-trees' })
  const snapshots = []
  for await (const snapshot of repository!.snapshots()) snapshots.push(snapshot)
  expect(snapshots).toMatchObject([{ run, missing: [], components: { files: { resources: files + 1 } } }])
  let resources = 0
  for await (const resource of repository!.resources(snapshots[0]!, 'files')) if (resource.key.length > 0) resources++
  expect(resources).toBe(files + 1)
}

test('whatever happens, the run ends with every slice counted once, and a replay makes it whole', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    try {
      await workThrough(seed)
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}, 120_000)
