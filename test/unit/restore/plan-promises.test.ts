/** What a plan says comes true, and nothing else is applied than what was agreed to. */
import { beforeEach, describe, expect, jest, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { applyRequested, beginApply } from '../../../lib/restore/apply-restore.ts'
import { beginPlan, planRequested } from '../../../lib/restore/plan-restore.ts'
import { planThrough } from '../../../lib/restore/plan-through.ts'
import { restoreReport } from '../../../lib/restore/restore-report.ts'
import { workThrough } from '../../../lib/restore/work-through.ts'
import { restoreHouse } from '../../kit/restore-house.ts'
import type { RestoreHouse } from '../../kit/restore-house.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const signal = new AbortController().signal

let house: RestoreHouse
let things: Map<string, object>

beforeEach(async () => {
  house = await restoreHouse({ a: { size: 1 }, b: { size: 2, owner: 'ann' }, c: { size: 3 }, d: { size: 4 } })
  await house.backUp(RUN)
  things = house.component.live.slices.get('user/ann') as Map<string, object>
  things.delete('a')
  things.set('b', { size: 9, owner: 'bob' })
  things.set('extra', { size: 5 })
})

const plan = async (more: { readonly deleteExtra?: boolean } = {}): Promise<string> => {
  const { restore } = await beginPlan(house.service, { slices: ['user/ann'], inPlace: true, ...more }, 'a test')
  await planThrough(house.service, restore, { parallel: 1, signal })
  return restore
}
const apply = async (restore: string) => {
  await beginApply(house.service, restore)
  return await applyRequested(house.service, { restore, slice: 'user/ann', attempt: 1, signal })
}
const headPath = (restore: string): string =>
  `restores/${restore}/plans/${house.service.repository.sliceId('user/ann', 1)}/head`

describe('a plan', () => {
  test('writes nothing outside restores/, to any of its stores, nor live', async () => {
    const { store, keyStore, keys, queues } = house.platform
    expect(keyStore).toBe(store)
    const [create, remove] = [jest.spyOn(store, 'create'), jest.spyOn(store, 'delete')]
    const [wrap, send] = [jest.spyOn(keys, 'wrap'), jest.spyOn(queues, 'queue')]
    const before = house.live()
    await plan({ deleteExtra: true })
    expect(create.mock.calls.length).toBeGreaterThan(3)
    expect(create.mock.calls.map(([key]) => key).filter((key) => !key.startsWith('restores/'))).toEqual([])
    expect([remove, wrap, send].flatMap((spy) => spy.mock.calls as unknown[])).toEqual([])
    expect(house.live()).toEqual(before)
    expect(house.writer.written).toEqual([])
  })

  test('says how many resources applying then creates, changes and deletes', async () => {
    const restore = await plan({ deleteExtra: true })
    const { counts } = await planThrough(house.service, restore, { parallel: 1, signal })
    await apply(restore)
    const touched = (what: string): number =>
      new Set(house.writer.written.filter((write) => write.startsWith(what)).map((write) => write.split(/[ .]/)[1]))
        .size
    expect({ create: touched('create'), update: touched('set'), delete: touched('delete') }).toEqual({
      create: counts.create,
      update: counts.update,
      delete: counts.delete,
    })
    expect(counts).toEqual({ create: 1, update: 1, delete: 1, keep: 2, cannot: 0, left: 0 })
    expect((await restoreReport(house.service, restore)).restored).toEqual({ files: counts })
  })

  test('of a slice that is not the one the root plan names is not applied', async () => {
    const restore = await plan()
    // Somebody puts another plan in its place.
    await house.platform.store.delete(headPath(restore))
    things.set('c', { size: 8 })
    await planRequested(house.service, { restore, slice: 'user/ann' }, signal)
    expect(await apply(restore)).toMatchObject({ step: 'refused', code: 'restore-plan-changed' })
    expect(house.writer.written).toEqual([])
  })

  test('whose items are others than it says is not applied', async () => {
    const restore = await plan()
    const [item] = house.platform.store
      .keys()
      .filter((key) => key.includes(`${restore}/plans/`) && key.includes('/items.'))
    await house.platform.store.delete(item ?? '')
    await house.service.repository.records.create(item ?? '', { items: [] })
    expect(await apply(restore)).toMatchObject({ step: 'refused', code: 'restore-plan-changed' })
    expect(house.writer.written).toEqual([])
  })
})

describe('what is kept beside the state', () => {
  const keeps = (keeps: boolean) => () =>
    ({ kind: 'will', keeps, lost: [], needsPerson: [], privileged: false }) as const
  const setUp = async (): Promise<void> => {
    house.component.live.slices.set('user/ann', new Map([['a', { size: 1 }]]))
    house.writer.kept.set('a', { id: 'one', made: 5 })
    await house.backUp(RUN.replace('1121', '1122'))
    house.component.live.slices.get('user/ann')?.clear()
  }

  test('is compared where the target keeps it, and what did not come back is a reason to take all back', async () => {
    await setUp()
    house.writer.foreseen = keeps(true)
    house.writer.kept.set('a', { id: 'another', made: 5 })
    const restore = await plan()
    expect(await apply(restore)).toMatchObject({
      step: 'undone',
      code: 'restore-not-verified',
      findings: [{ key: 'thing/a', what: 'did not keep id' }],
    })
  })

  test('is counted as compared, or not', async () => {
    await setUp()
    house.writer.foreseen = keeps(true)
    const restore = await plan()
    expect(await apply(restore)).toEqual({ step: 'verified' })
    const { proof } = await restoreReport(house.service, restore)
    expect(proof).toEqual({ readBack: 1, keptCompared: 1, keptNotCompared: 0 })
  })

  test('is not compared where the target does not keep it', async () => {
    await setUp()
    house.writer.foreseen = keeps(false)
    house.writer.kept.set('a', { id: 'another', made: 5 })
    expect(await apply(await plan())).toEqual({ step: 'verified' })
  })
})

test('one of fifty who cannot be restored half-way is as before, forty-nine stay, and the report says both', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `user/p${String(index).padStart(2, '0')}` as SliceName)
  house = await restoreHouse(
    {},
    {},
    Object.fromEntries(names.map((name) => [name, { one: { of: name }, two: { of: name } }])),
  )
  for (const name of names) await house.backUp(RUN, name)
  for (const name of names) house.component.live.slices.set(name, new Map([['two', { of: 'somebody' }]]))
  const unlucky: SliceName = 'user/p31'
  house.writer.beforeWrite = (slice, write) => {
    if (slice === unlucky && write.startsWith('set two')) throw new TorikiError('source-rights')
  }
  const { restore } = await beginPlan(house.service, { slices: names, inPlace: true }, 'fifty')
  await planThrough(house.service, restore, { parallel: 8, signal })
  expect(await workThrough(house.service, restore, { parallel: 8, signal })).toMatchObject({
    outcome: 'partial',
    slices: { total: 50, verified: 49, undone: 1 },
    restored: { files: { create: 49, update: 49 } },
    failures: [{ slice: unlucky, code: 'source-rights', outcome: 'undone' }],
  })
  for (const name of names)
    expect(house.live(name)).toEqual(
      name === unlucky ? { two: { of: 'somebody' } } : { one: { of: name }, two: { of: name } },
    )
})

test('what somebody writes while a restore is taken back is kept, and reported as left to him', async () => {
  const restore = await plan()
  house.writer.forgets = new Set(['owner'])
  let begun = false
  house.writer.beforeWrite = (_slice, write) => {
    if (write === 'complete a') begun = true
    // The first write of taking back is that of `b`: he makes something of `a` that is to be removed.
    if (begun && write.startsWith('set b')) things.set('a', { size: 77 })
  }
  const step = await apply(restore)
  expect(step).toMatchObject({
    step: 'undone',
    findings: expect.arrayContaining([expect.objectContaining({ key: 'thing/a', left: true })]),
  })
  expect(house.live()).toMatchObject({ a: { size: 77 }, b: { size: 9, owner: 'bob' }, extra: { size: 5 } })
})
