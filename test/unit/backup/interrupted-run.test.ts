/**
 * A run that is disturbed at one write after the other: the process killed before or after it, its answer lost, the write refused once, the write done twice. Whatever
 * it was, the next delivery ends the run as if nothing had been.
 */
import { describe, expect, test } from '@jest/globals'
import { replayRun } from '../../../lib/backup/replay-run.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import type { Service } from '../../../lib/backup/service.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { FaultInjector, noFaults } from '../../../lib/platform/fault.ts'
import type { Fault, FaultPlan } from '../../../lib/platform/fault.ts'
import { faultyKeyService } from '../../../lib/platform/key-service/fault.ts'
import { faultyObjectStore } from '../../../lib/platform/object-store/fault.ts'
import { faultyQueues } from '../../../lib/platform/queue/fault.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { drainQueues } from '../../kit/drain-queues.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import { noDeadline, runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'

const writes = ['create', 'send', 'delete', 'changeVisibility']
const kinds = ['kill-before', 'kill-after', 'fail-before', 'fail-after', 'duplicate'] as const
const people = ['ann', 'bob', 'cid'] as const
const nightly = { intendedAt: new Date('2026-03-01T02:00:00Z') }

/** A fault at the n-th write, and how many there were. */
function atWrite(n: number, kind: Fault['kind']): { readonly plan: FaultPlan; readonly writes: () => number } {
  let count = 0
  return {
    plan: ({ operation }) => {
      if (!writes.includes(operation) || ++count !== n) return undefined
      return kind === 'delay' ? undefined : { kind }
    },
    writes: () => count,
  }
}

async function house(): Promise<RunHouse> {
  const accounts = fakeComponent({ name: 'keycloak' })
  const homes = fakeComponent({ name: 'files', covers: ['user'] })
  put(accounts, 'shared', { realm: {} })
  for (const name of people) {
    put(accounts, `user/${name}`, { profile: { name } })
    put(homes, `user/${name}`, { notes: { size: 1 }, code: { size: 2 } }, true)
  }
  return await runHouse({
    components: [accounts, homes],
    limits: { attempts: 5 },
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
}

/** The same deployment, seen by a process to which the plan happens. */
async function process({ service, clock }: RunHouse, plan: FaultPlan): Promise<Service> {
  const faults = new FaultInjector({ plan, clock })
  const { platform } = service
  const store = faultyObjectStore(platform.store, faults)
  const disturbed = {
    ...platform,
    store,
    keyStore: store,
    keys: faultyKeyService(platform.keys, faults),
    queues: faultyQueues(platform.queues, faults),
  }
  return { ...service, platform: disturbed, repository: await openDeployment(disturbed, { name: 'campus' }) }
}

/** Does `work` in a process that is disturbed, then again in one that is not, as the next delivery does. */
async function twice(home: RunHouse, plan: FaultPlan, work: (service: Service) => Promise<unknown>): Promise<void> {
  const perform = async (service: Service): Promise<void> => {
    await work(service)
    await drainQueues(service, home.clock)
  }
  // Whatever comes of it: killed, refused, or done in spite of all.
  await perform(await process(home, plan)).catch(() => undefined)
  await perform(await process(home, noFaults))
}

async function expectWhole(home: RunHouse, run: string): Promise<void> {
  const fresh = await process(home, noFaults)
  expect(await runReport(fresh, run)).toMatchObject({
    open: false,
    outcome: 'complete',
    slices: { total: 4, saved: 4, partial: 0, skipped: 0, failed: 0, suspect: 0, pending: 0 },
    failures: [],
  })
  for (const name of people) {
    const repository = await fresh.repository.openSlice(`user/${name}`, { access: 'read-trees' })
    const found = []
    for await (const snapshot of repository!.snapshots()) found.push(snapshot)
    expect(found).toMatchObject([
      { run, missing: [], components: { keycloak: { resources: 1 }, files: { resources: 3 } } },
    ])
    const keys = []
    for await (const { key } of repository!.resources(found[0]!, 'files')) keys.push(key)
    expect(keys).toHaveLength(3)
  }
}

async function writesOf(work: (home: RunHouse, plan: FaultPlan) => Promise<unknown>): Promise<number> {
  const counter = atWrite(0, 'delay')
  await work(await house(), counter.plan)
  return counter.writes()
}

describe.each(kinds)('a run disturbed at each of its writes: %s', (kind) => {
  const wholeRun = async (home: RunHouse, plan: FaultPlan): Promise<string> => {
    let run = ''
    await twice(home, plan, async (service) => {
      run = (await startRun(service, nightly, noDeadline)).run
    })
    return run
  }

  test('is complete after the next delivery', async () => {
    const count = await writesOf(wholeRun)
    expect(count).toBeGreaterThan(20)
    for (let n = 1; n <= count; n++) {
      const home = await house()
      try {
        await expectWhole(home, await wholeRun(home, atWrite(n, kind).plan))
      } catch (error) {
        throw new Error(`disturbed at write ${n}`, { cause: error })
      }
    }
  })

  test('and so is its replay', async () => {
    const replay = async (home: RunHouse, plan: FaultPlan): Promise<string> => {
      const homes = home.service.components[1] as ReturnType<typeof fakeComponent>
      homes.live.fail = (operation, slice) =>
        operation === 'read' && slice === 'user/bob' ? new TorikiError('home-unreadable') : undefined
      const { run } = await startRun(home.service, nightly, noDeadline)
      await drainQueues(home.service, home.clock)
      homes.live.fail = () => undefined
      await twice(home, plan, (service) => replayRun(service, { run }))
      return run
    }
    const count = await writesOf(replay)
    expect(count).toBeGreaterThan(5)
    for (let n = 1; n <= count; n++) {
      const home = await house()
      try {
        await expectWhole(home, await replay(home, atWrite(n, kind).plan))
      } catch (error) {
        throw new Error(`disturbed at write ${n}`, { cause: error })
      }
    }
  })
})
