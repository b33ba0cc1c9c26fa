import { beforeEach, describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { applyRequested, beginApply } from '../../../lib/restore/apply-restore.ts'
import { beginPlan, planRequested } from '../../../lib/restore/plan-restore.ts'
import { planThrough } from '../../../lib/restore/plan-through.ts'
import { findSlicePlan } from '../../../lib/restore/slice-plan.ts'
import { restoreIds } from '../../../lib/restore/restore-index.ts'
import { restoreReport } from '../../../lib/restore/restore-report.ts'
import type { RestoreWish } from '../../../lib/restore/restore-wish.ts'
import { finishPlan } from '../../../lib/restore/root-plan.ts'
import type { RestoreStep } from '../../../lib/restore/slice-log.ts'
import { workThrough } from '../../../lib/restore/work-through.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { restoreHouse } from '../../kit/restore-house.ts'
import type { RestoreHouse } from '../../kit/restore-house.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const people: SliceName[] = ['user/ann', 'user/bob', 'user/cid']
const all: SliceName[] = [...people, 'shared']
const signal = new AbortController().signal

let house: RestoreHouse

beforeEach(async () => {
  house = await restoreHouse(
    { desk: { of: 'ann' } },
    {},
    {
      'user/bob': { desk: { of: 'bob' } },
      'user/cid': { desk: { of: 'cid' } },
      shared: { group: { name: 'team' } },
    },
  )
  for (const slice of all) await house.backUp(RUN, slice)
  for (const slice of all) house.component.live.slices.get(slice)?.clear()
})

const plan = async (wish: Partial<RestoreWish> = {}): Promise<string> => {
  const { restore } = await beginPlan(house.service, { slices: all, ...wish }, 'a test')
  for (const slice of wish.slices ?? all) await planRequested(house.service, { restore, slice }, signal)
  return restore
}
const apply = async (restore: string, slice: SliceName, attempt = 1): Promise<RestoreStep> =>
  await applyRequested(house.service, { restore, slice, attempt, signal })
const live = (): unknown[] => all.map((slice) => house.live(slice))
const whole = [{ desk: { of: 'ann' } }, { desk: { of: 'bob' } }, { desk: { of: 'cid' } }, { group: { name: 'team' } }]

describe('a whole restore', () => {
  test('is planned slice by slice, and its root plan sums them up once they are all there', async () => {
    const { restore } = await beginPlan(house.service, { slices: all }, 'a test')
    for (const slice of people.slice(1)) await planRequested(house.service, { restore, slice }, signal)
    expect(await finishPlan(house.service, restore)).toBeUndefined()
    await expect(beginApply(house.service, restore)).rejects.toMatchObject({ code: 'restore-not-planned' })
    await planRequested(house.service, { restore, slice: 'user/ann' }, signal)
    const root = await finishPlan(house.service, restore)
    expect(root).toMatchObject({ slices: 4, failed: 0, counts: { create: 4, update: 0, keep: 0 } })
    expect(root?.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(await finishPlan(house.service, restore)).toEqual(root)
    expect(house.writer.written).toEqual([])
  })

  test('a person’s plan is told what the same restore makes in shared state, whoever is planned first', async () => {
    const told = new Map<string, readonly string[] | undefined>()
    house.writer.foreseen = (key, _change, { made }) => {
      told.set(key, made && [...made])
      return undefined
    }
    const { restore } = await beginPlan(house.service, { slices: all }, 'a test')
    await planRequested(house.service, { restore, slice: 'user/ann' }, signal)
    expect([...told]).toEqual([
      ['group', undefined],
      ['desk', ['thing/group']],
    ])
    const { restore: alone } = await beginPlan(house.service, { slices: ['user/bob'] }, 'another test')
    await planRequested(house.service, { restore: alone, slice: 'user/bob' }, signal)
    expect(told.get('desk')).toBeUndefined()
  })

  test('asked for twice is one, and planning again changes nothing', async () => {
    const restore = await plan()
    const root = await finishPlan(house.service, restore)
    house.component.live.slices.get('user/ann')?.set('new', { thing: true })
    expect(await plan()).toBe(restore)
    expect(await finishPlan(house.service, restore)).toEqual(root)
  })

  test('writes nothing before somebody says so', async () => {
    const restore = await plan()
    await expect(apply(restore, 'shared')).rejects.toMatchObject({ code: 'restore-not-planned' })
    expect(house.writer.written).toEqual([])
  })

  test('touches nobody before shared state is there and proven', async () => {
    const restore = await plan()
    await beginApply(house.service, restore)
    await expect(apply(restore, 'user/ann')).rejects.toMatchObject({ code: 'restore-waits', retry: 'later' })
    expect(house.writer.written).toEqual([])
    expect(await apply(restore, 'shared')).toEqual({ step: 'verified' })
    for (const slice of people) expect(await apply(restore, slice)).toEqual({ step: 'verified' })
    expect(live()).toEqual(whole)
    expect(await restoreReport(house.service, restore)).toEqual({
      restore,
      open: false,
      outcome: 'complete',
      verified: true,
      slices: { total: 4, verified: 4, undone: 0, refused: 0, undoFailed: 0, stopped: 0, pending: 0 },
      restored: { files: { create: 4, update: 0, delete: 0, cannot: 0, left: 0, keep: 0 } },
      proof: { readBack: 4, keptCompared: 0, keptNotCompared: 4 },
      lost: [],
      needsPerson: [],
      failures: [],
    })
  })

  test('whose shared state does not verify takes that back, and starts nobody', async () => {
    const restore = await plan()
    await beginApply(house.service, restore)
    house.writer.forgets = new Set(['name'])
    expect(await apply(restore, 'shared')).toMatchObject({ step: 'undone', code: 'restore-not-verified' })
    for (const slice of people)
      expect(await apply(restore, slice)).toMatchObject({ step: 'refused', code: 'restore-shared-failed' })
    expect(live()).toEqual([{}, {}, {}, {}])
    expect(await restoreReport(house.service, restore)).toMatchObject({
      outcome: 'rolled-back',
      verified: false,
      slices: { undone: 1, refused: 3 },
    })
  })

  test('one person who cannot be restored stays as before; the others stay restored; the report says both', async () => {
    const restore = await plan()
    await beginApply(house.service, restore)
    house.writer.beforeWrite = (slice) => {
      if (slice === 'user/bob') throw new TorikiError('source-rights')
    }
    for (const slice of ['shared', ...people] as SliceName[]) await apply(restore, slice)
    expect(live()).toEqual([whole[0], {}, whole[2], whole[3]])
    expect(await restoreReport(house.service, restore)).toMatchObject({
      open: false,
      outcome: 'partial',
      slices: { total: 4, verified: 3, undone: 1 },
      failures: [{ slice: 'user/bob', code: 'source-rights', outcome: 'undone' }],
    })
  })

  test('what cannot be planned is in the plan with its reason, and is not restored', async () => {
    const restore = await plan({ slices: ['user/ann'], snapshot: '20200101T000000000Z-full-0000000001.1' })
    expect(await finishPlan(house.service, restore)).toMatchObject({ slices: 1, failed: 1 })
    await beginApply(house.service, restore)
    expect(await apply(restore, 'user/ann')).toMatchObject({ step: 'refused', code: 'snapshot-not-found' })
    expect(await restoreReport(house.service, restore)).toMatchObject({ open: false, slices: { refused: 1 } })
  })

  test('of a time takes what was the newest then', async () => {
    house.component.live.slices.get('user/ann')?.set('desk', { of: 'ann, later' })
    const until = house.clock.now()
    await house.backUp('20261122T020000000Z-full-0000000002')
    house.component.live.slices.get('user/ann')?.clear()
    const restore = await plan({ slices: ['user/ann'], until })
    await beginApply(house.service, restore)
    await apply(restore, 'user/ann')
    expect(house.live()).toEqual(whole[0])
  })

  test('of somebody nobody knows is refused before anything is written', async () => {
    const before = house.platform.store.keys().length
    await expect(plan({ slices: ['user/zoe'] })).rejects.toMatchObject({
      code: 'snapshot-not-found',
      message: expect.stringContaining('user/zoe'),
    })
    expect(house.platform.store.keys()).toHaveLength(before)
  })

  test('ends the same in whatever order people come, delivered again and again', async () => {
    for (let seed = 0; seed < 20; seed++) {
      for (const slice of all) house.component.live.slices.get(slice)?.clear()
      const random = seededRandom(seed)
      const { restore } = await beginPlan(house.service, { slices: all }, `order ${seed}`)
      for (const slice of all) await planRequested(house.service, { restore, slice }, signal)
      await beginApply(house.service, restore)
      for (let left = 60; (await restoreReport(house.service, restore)).open && left > 0; left--) {
        const slice = all[Math.floor(random.fraction() * all.length)] as SliceName
        await apply(restore, slice).catch((error: unknown) => expect(error).toMatchObject({ code: 'restore-waits' }))
      }
      expect(await restoreReport(house.service, restore)).toMatchObject({ outcome: 'complete' })
      expect(live()).toEqual(whole)
    }
  })
})

describe('worked through in one process', () => {
  const parallel = 2

  test('everybody is restored after the shared state, and told one by one', async () => {
    const restore = await plan()
    const ended: SliceName[] = []
    const report = await workThrough(house.service, restore, {
      parallel,
      signal,
      onEnded: (slice) => ended.push(slice),
    })
    expect(report).toMatchObject({ outcome: 'complete', slices: { verified: 4 } })
    expect(ended[0]).toBe('shared')
    expect([...ended].sort()).toEqual([...all].sort())
    expect(live()).toEqual(whole)
  })

  test('what may pass is tried again after a pause, and only of the one it concerns', async () => {
    const restore = await plan()
    let tries = 0
    house.writer.beforeWrite = (slice, write) => {
      if (slice === 'user/bob' && write === 'create desk' && ++tries <= 2) throw new TorikiError('source-unreachable')
    }
    const working = workThrough(house.service, restore, { parallel, signal })
    await house.clock.untilSleeping()
    await house.clock.advance(60_000)
    expect(await working).toMatchObject({ outcome: 'complete', slices: { verified: 4 } })
    expect(tries).toBe(3)
  })

  test('interrupted it stops, and gone on with it ends', async () => {
    const restore = await plan()
    const stop = new AbortController()
    house.writer.beforeWrite = (slice) => {
      if (slice === 'user/bob') stop.abort(new TorikiError('interrupted'))
    }
    const stopped = workThrough(house.service, restore, { parallel, signal: stop.signal })
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' })
    house.writer.beforeWrite = () => undefined
    expect(await workThrough(house.service, restore, { parallel, signal })).toMatchObject({ outcome: 'complete' })
    expect(live()).toEqual(whole)
  })

  test('restores are listed, oldest first', async () => {
    const first = await plan()
    await house.clock.advance(1)
    const second = await plan()
    const ids: string[] = []
    for await (const id of restoreIds(house.service.repository.records)) ids.push(id)
    expect(ids).toEqual([first, second])
  })
})

describe('planned in one process', () => {
  const parallel = 2
  const begin = async (): Promise<string> => (await beginPlan(house.service, { slices: all }, 'a test')).restore

  test('what may pass is asked again after a pause', async () => {
    let asked = 0
    house.writer.foreseen = () => {
      if (++asked === 1) throw new TorikiError('source-unreachable')
      return undefined
    }
    const planning = planThrough(house.service, await begin(), { parallel, signal })
    await house.clock.untilSleeping()
    await house.clock.advance(60_000)
    expect(await planning).toMatchObject({ slices: 4, failed: 0, counts: { create: 4 } })
  })

  test('whose source does not answer at all is in the plan with its reason, and the others are planned', async () => {
    house.writer.foreseen = (_key, { after }) => {
      if (after?.state['of'] === 'bob') throw new TorikiError('source-unreachable')
      return undefined
    }
    const restore = await begin()
    const planning = planThrough(house.service, restore, { parallel, signal })
    await house.clock.untilSleeping()
    for (let pause = 1; pause < house.service.limits.attempts; pause++) await house.clock.advance(60_000)
    expect(await planning).toMatchObject({ slices: 4, failed: 1, counts: { create: 3 } })
    const sliceId = house.service.repository.sliceId('user/bob', 1)
    const plan = await findSlicePlan(house.service.repository.records, { restore, sliceId })
    expect(plan?.failed?.code).toBe('source-unreachable')
  })
})
