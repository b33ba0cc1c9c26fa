import { beforeEach, describe, expect, test } from '@jest/globals'
import { checkAll } from '../../../lib/maintenance/check.ts'
import { expireRecords } from '../../../lib/maintenance/expire-records.ts'
import type { ExpiredRecords } from '../../../lib/maintenance/expire-records.ts'
import { runId } from '../../../lib/runs/run-id.ts'
import { appendEvent } from '../../../lib/runs/event-log.ts'
import { claimDelivery, createRun, findRun, recordUnreadable } from '../../../lib/runs/run-log.ts'
import type { RunRecord, RunSlice } from '../../../lib/runs/run.ts'
import { beginPlan } from '../../../lib/restore/plan-restore.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { maintainedHouse, pruneAway, signal } from '../../kit/maintained-house.ts'
import type { MaintainedHouse } from '../../kit/maintained-house.ts'

const DAY_MS = 86_400_000
const ANN = 'user/ann'

let home: MaintainedHouse

beforeEach(async () => {
  home = await maintainedHouse()
})

interface RunOptions {
  readonly policy?: RunRecord['policy']
  readonly slices?: readonly SliceName[]
  readonly sources?: RunRecord['sources']
  /** Slices that are still worked on. */
  readonly open?: boolean
}

/** A run of today, which is over. */
async function run(options: RunOptions = {}): Promise<string> {
  const { policy = 'full', slices = [ANN], sources = { files: { members: 1 } }, open = false } = options
  const { deployment, clock } = home
  const at = clock.now().toISOString()
  const id = runId(clock.now(), policy, 'a test')
  const listed: RunSlice[] = slices.map((slice) => ({
    ...{ slice, sliceId: deployment.sliceId(slice, 1), known: ['files'], flags: [] },
  }))
  const record = {
    ...{ run: id, policy, intendedAt: at, startedAt: at, components: ['files'] as const, sources },
    ...{ slicesNonce: `n${at.length}`, attemptsMax: 3, visibilityMs: open ? 1000 * DAY_MS : 60_000 },
  }
  await createRun(deployment.records, record, listed)
  for (const { slice, sliceId } of open ? [] : listed)
    await appendEvent(deployment.records, { run: id, sliceId, from: 1 }, { slice, event: 'saved', at, attempt: 1 })
  return id
}

async function days(count: number): Promise<void> {
  await home.clock.advance(count * DAY_MS)
}

async function expire(olderThanDays = 10, apply = true): Promise<ExpiredRecords> {
  const service = { platform: home.platform, repository: home.deployment }
  return await expireRecords(service, { olderThanMs: olderThanDays * DAY_MS, apply, signal })
}

/** Seen by a process that read nothing before. */
async function isThere(id: string): Promise<boolean> {
  const deployment = await home.reopen(home.store)
  return (await findRun(deployment.records, id)) !== undefined
}

const keysOf = (prefix: string): string[] => home.store.keys().filter((key) => key.startsWith(prefix))

/** What a check that reads everything finds. */
async function damageOf(house: MaintainedHouse): Promise<readonly string[]> {
  const found: string[] = []
  const service = { platform: { ...home.platform, store: house.store }, repository: house.deployment }
  for await (const { damage } of checkAll(service, { readPercent: 100, signal }))
    found.push(...damage.map(({ what }) => what))
  return found
}

describe('records of runs', () => {
  test('end when their time is over, whole; younger ones stay', async () => {
    const old = await run()
    await days(20)
    const young = await run()
    await days(1)
    const last = await run()
    expect(await expire(10, false)).toEqual({ runs: 1, restores: 0, claims: 0 })
    expect(await isThere(old)).toBe(true)
    expect(await expire()).toEqual({ runs: 1, restores: 0, claims: 0 })
    expect(keysOf(`runs/${old}/`)).toEqual([])
    expect([await isThere(young), await isThere(last)]).toEqual([true, true])
    expect(await expire()).toEqual({ runs: 0, restores: 0, claims: 0 })
  })

  test('of a run that is open stay, however old', async () => {
    const open = await run({ open: true })
    await days(20)
    await run()
    expect((await expire()).runs).toBe(0)
    expect(await isThere(open)).toBe(true)
  })

  test('of a run in which something happened lately stay', async () => {
    const replayed = await run()
    await days(20)
    await run()
    const at = home.clock.now().toISOString()
    const event = { slice: ANN, event: 'replayed', at, attempt: 1 } as const
    await appendEvent(
      home.deployment.records,
      { run: replayed, sliceId: home.deployment.sliceId(ANN, 1), from: 2 },
      event,
    )
    await appendEvent(
      ...([home.deployment.records, { run: replayed, sliceId: home.deployment.sliceId(ANN, 1), from: 3 }] as const),
      { ...event, event: 'saved' },
    )
    expect((await expire()).runs).toBe(0)
  })

  test('of the newest full run stay, and of the newest whose listings are to be believed', async () => {
    const believed = await run()
    await days(1)
    const doubtful = await run({ sources: { files: { members: 0, unreachable: 'source-unreachable' } } })
    await days(1)
    const suspect = await run({ sources: { files: { members: 0, suspect: 'fewer' } } })
    await days(1)
    await run({ policy: 'narrowed' })
    await days(20)
    expect((await expire()).runs).toBe(2)
    expect(await Promise.all([believed, doubtful, suspect].map(isThere))).toEqual([true, false, true])
  })

  test('of the newest full run in which a component is to be believed stay, for each component', async () => {
    const away = { members: 0, unreachable: 'source-unreachable' }
    const first = await run({ sources: { keycloak: away, files: { members: 1 } } })
    await days(1)
    const second = await run({ sources: { keycloak: away, files: { members: 1 } } })
    await days(1)
    const third = await run({ sources: { keycloak: { members: 1 }, files: away } })
    await days(1)
    await run({ sources: { keycloak: away, files: away } })
    await days(20)
    expect((await expire()).runs).toBe(1)
    expect(await Promise.all([first, second, third].map(isThere))).toEqual([false, true, true])
  })

  test('of the newest run that names somebody stay while anything of theirs is stored', async () => {
    const first = await run({ slices: [ANN, 'user/bob'] })
    const snapshot = await home.backUp(first, { 'a.txt': { content: 'hello' } })
    await days(1)
    const second = await run({ slices: [ANN, 'user/carl'] })
    await days(1)
    await run({ slices: ['user/bob'] })
    await days(20)
    expect((await expire()).runs).toBe(1)
    expect([await isThere(first), await isThere(second)]).toEqual([false, true])
    await home.forget(snapshot)
    await pruneAway(home)
    expect((await expire()).runs).toBe(1)
    expect(await isThere(second)).toBe(false)
  })

  test('of a start that was cut off are no damage, and end, too', async () => {
    const { deployment, clock } = home
    const id = runId(clock.now(), 'full', 'cut off')
    await deployment.records.create(`runs/${id}/slices/n.000000`, {})
    expect(await damageOf(home)).toEqual([])
    await days(20)
    await run()
    await expire()
    expect(keysOf(`runs/${id}/`)).toEqual([])
  })

  test('are missed by check where that of the run itself is lost', async () => {
    const id = await run()
    await run()
    await home.store.delete(`runs/${id}/run`)
    expect(await damageOf(home)).toEqual([`Run ${id} left records, and the one that says what it was is gone.`])
  })

  test('cut off between two deletions they are no run any more, check misses nothing, and the rest goes the next time', async () => {
    const old = await run()
    await days(20)
    await run()
    const whole = home.store.copy()
    const count = keysOf(`runs/${old}/`).length
    for (let cut = 1; cut <= count; cut++) {
      const store = whole.copy()
      let deletes = 0
      const beside = await home.over(store, {
        create: (key, body) => store.create(key, body),
        get: (key, options) => store.get(key, options),
        list: (prefix, options) => store.list(prefix, options),
        delete: async (key) => {
          if (++deletes > cut) throw new Error('cut off')
          await store.delete(key)
        },
      })
      const wish = { olderThanMs: 10 * DAY_MS, apply: true, signal }
      await expect(expireRecords({ platform: home.platform, repository: beside.deployment }, wish)).rejects.toThrow()
      const next = await home.over(store)
      expect(await findRun(next.deployment.records, old)).toBeUndefined()
      expect(await damageOf(next)).toEqual([])
      await expireRecords({ platform: home.platform, repository: next.deployment }, wish)
      expect(store.keys().filter((key) => key.startsWith(`runs/${old}/`))).toEqual([])
    }
    expect(count).toBeGreaterThan(2)
  })

  test('that claim a delivery end with their run, whatever their age', async () => {
    const over = await run()
    const open = await run({ policy: 'narrowed', open: true })
    for (const id of [over, open]) await claimDelivery(home.deployment.records, id, 'x.0.1.1', home.clock.now())
    expect((await expire()).claims).toBe(1)
    expect([keysOf(`runs/${over}/claims/`), keysOf(`runs/${open}/claims/`)]).toEqual([
      [],
      [`runs/${open}/claims/x.0.1.1`],
    ])
  })

  test('of what was no message end after their time', async () => {
    await recordUnreadable(home.deployment.records, 'what is this', 'message-invalid', home.clock.now())
    await days(20)
    await recordUnreadable(home.deployment.records, 'and this', 'message-invalid', home.clock.now())
    await expire()
    expect(keysOf('runs/unreadable/')).toHaveLength(1)
  })
})

describe('records of restores', () => {
  async function restore(cause: string): Promise<string> {
    const service = { platform: home.platform, repository: home.deployment, components: [], writers: [] }
    const { restore: id } = await beginPlan({ ...service, limits: { attempts: 3 } }, { slices: [ANN] }, cause)
    return id
  }

  test('end when their time is over; one that is open stays, and so does a young one', async () => {
    await run()
    await home.backUp('20260101T000000000Z-full-0123456789', { 'a.txt': { content: 'hello' } })
    const planned = await restore('planned')
    const applied = await restore('applied')
    await home.deployment.records.create(`restores/${applied}/applied`, {})
    await days(20)
    const young = await restore('young')
    expect((await expire()).restores).toBe(1)
    expect([planned, applied, young].map((id) => keysOf(`restores/${id}/`).length > 0)).toEqual([false, true, true])
  })

  test('of somebody who was cut off while he asked end, too', async () => {
    const { deployment, clock } = home
    const id = `${clock.now().toISOString().replace(/[-:.]/g, '')}-restore-0123456789`
    await deployment.records.create(`restores/${id}/slices/000000`, {})
    await days(20)
    expect((await expire()).restores).toBe(1)
    expect(keysOf('restores/')).toEqual([])
  })
})
