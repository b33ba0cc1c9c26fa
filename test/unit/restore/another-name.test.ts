import { beforeEach, describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { applyRequested, beginApply } from '../../../lib/restore/apply-restore.ts'
import { beginPlan, planRequested } from '../../../lib/restore/plan-restore.ts'
import { planThrough } from '../../../lib/restore/plan-through.ts'
import { readRequest } from '../../../lib/restore/restore-request.ts'
import type { RestoreWish } from '../../../lib/restore/restore-wish.ts'
import type { RestoreService } from '../../../lib/restore/service.ts'
import type { RestoreStep } from '../../../lib/restore/slice-log.ts'
import { workThrough } from '../../../lib/restore/work-through.ts'
import { fakeComponent } from '../../kit/fake-component.ts'
import { fakeWriter } from '../../kit/fake-writer.ts'
import { restoreHouse } from '../../kit/restore-house.ts'
import type { RestoreHouse } from '../../kit/restore-house.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const LATER = '20261122T020000000Z-full-0000000002'
const signal = new AbortController().signal

let house: RestoreHouse
let service: RestoreService

beforeEach(async () => {
  // A thing of the person's own name stands for an account.
  house = await restoreHouse(
    { ann: { mail: 'a@x' }, desk: { uid: 1000 } },
    {},
    { 'user/bob': { bob: { mail: 'b@x' }, chair: { uid: 1001 } } },
  )
  for (const slice of ['user/ann', 'user/bob'] as SliceName[]) await house.backUp(RUN, slice)
  service = house.service
})

const plan = async (wish: Partial<RestoreWish>, of = service): Promise<string> => {
  const { restore } = await beginPlan(of, { slices: ['user/ann'], inPlace: true, ...wish }, JSON.stringify(wish))
  await planThrough(of, restore, { parallel: 1, signal })
  return restore
}
const apply = async (restore: string, attempt = 1): Promise<RestoreStep> => {
  await beginApply(service, restore)
  return await applyRequested(service, { restore, slice: 'user/ann', attempt, signal })
}
const annLive = { ann: { mail: 'a@x' }, desk: { uid: 1000 } }

describe('under another name', () => {
  test('a person comes back as another, who is made; the one it was keeps what he has', async () => {
    const restore = await plan({ as: 'cid' })
    expect(await apply(restore)).toEqual({ step: 'verified' })
    expect(house.live('user/cid')).toEqual({ cid: { mail: 'a@x' }, desk: { uid: 1000 } })
    expect(house.live('user/ann')).toEqual(annLive)
    // And again there is nothing to do.
    await house.clock.advance(1)
    const again = await planRequested(service, { restore: await plan({ as: 'cid' }), slice: 'user/ann' }, signal)
    expect(again).toMatchObject({ to: 'user/cid', counts: { create: 0, update: 0, keep: 2 } })
  })

  test('owners are mapped', async () => {
    expect(await apply(await plan({ as: 'cid', mapping: { uids: { 1000: 2000 } } }))).toEqual({ step: 'verified' })
    expect(house.live('user/cid')).toMatchObject({ desk: { uid: 2000 } })
  })

  test('what does not verify is taken back from him, and nobody else is touched', async () => {
    house.writer.forgets = new Set(['mail'])
    const before = [house.live('user/ann'), house.live('user/bob')]
    expect(await apply(await plan({ as: 'bob' }))).toMatchObject({ step: 'undone' })
    expect([house.live('user/ann'), house.live('user/bob')]).toEqual(before)
  })

  test('beside what he has, where he is not asked for in place', async () => {
    const restore = await plan({ as: 'bob', inPlace: false })
    expect(await apply(restore)).toEqual({ step: 'verified' })
    const folder = (await planRequested(service, { restore, slice: 'user/ann' }, signal)).folder
    expect(folder).toMatch(/^restored-/)
    expect(Object.keys(house.live('user/bob')).sort()).toEqual(['bob', 'chair', `${folder}/bob`, `${folder}/desk`])
  })

  test('another restore is kept off the one it was and the one he becomes', async () => {
    house.component.live.slices.get('user/bob')?.set('bob', { mail: 'c@x' })
    const restore = await plan({ as: 'bob' })
    const others = [await plan({ slices: ['user/bob'] }), await plan({ inPlace: false })]
    for (const other of others) await beginApply(service, other)
    house.writer.beforeWrite = (_slice, write) => {
      if (write === 'create bob' || write.startsWith('set bob')) throw new TorikiError('source-unreachable')
    }
    await expect(apply(restore)).rejects.toMatchObject({ code: 'source-unreachable' })
    house.writer.beforeWrite = () => undefined
    const [bobs = '', anns = ''] = others
    const busy = { code: 'restore-busy' }
    await expect(
      applyRequested(service, { restore: bobs, slice: 'user/bob', attempt: 1, signal }),
    ).rejects.toMatchObject(busy)
    await expect(
      applyRequested(service, { restore: anns, slice: 'user/ann', attempt: 1, signal }),
    ).rejects.toMatchObject(busy)
    expect(await apply(restore)).toEqual({ step: 'verified' })
    expect(await applyRequested(service, { restore: bobs, slice: 'user/bob', attempt: 1, signal })).toMatchObject({
      step: 'refused',
      code: 'restore-conflict',
    })
  })

  test('what a backup reads meanwhile of whom it writes to is a mixture; of the one it only reads it is believed', async () => {
    const restore = await plan({ as: 'bob' })
    const read: Record<string, string> = {}
    house.writer.beforeWrite = async (_slice, write) => {
      if (write !== 'create desk') return
      for (const slice of ['user/ann', 'user/bob'] as SliceName[]) read[slice] = await house.backUp(LATER, slice)
    }
    expect(await apply(restore)).toEqual({ step: 'verified' })
    const latest = async (slice: SliceName): Promise<string | undefined> =>
      (await (await service.repository.openSlice(slice, { access: 'read-trees' }))?.latest('files'))?.id
    expect(await latest('user/bob')).toBe(`${RUN}.1`)
    expect(await latest('user/ann')).toBe(read['user/ann'])
  })
})

describe('into another deployment', () => {
  const other = (deployment = 'other'): RestoreService & { things(slice: SliceName): unknown } => {
    const component = fakeComponent({ name: 'files', covers: ['user', 'shared'] })
    return {
      ...service,
      components: [component],
      writers: [fakeWriter(component)],
      target: { deployment, settings: '/etc/other.yaml' },
      things: (slice) => Object.fromEntries(component.live.slices.get(slice) ?? []),
    }
  }

  test('a person comes back there, and here nothing is written but what is kept of the restore', async () => {
    const there = other()
    const before = [house.live('user/ann'), house.live('user/bob')]
    const keys = new Set(house.platform.store.keys())
    const restore = await plan({ mapping: { users: { ann: 'anna' }, uids: { 1000: 7 } } }, there)
    expect(await workThrough(there, restore, { parallel: 1, signal })).toMatchObject({ outcome: 'complete' })
    expect(there.things('user/anna')).toEqual({ anna: { mail: 'a@x' }, desk: { uid: 7 } })
    expect([house.live('user/ann'), house.live('user/bob')]).toEqual(before)
    const added = house.platform.store.keys().filter((key) => !keys.has(key))
    const safety = new RegExp(`^restores/|/snapshots/${restore}|/marks/`)
    expect(added.filter((key) => !safety.test(key))).toEqual([])
    expect((await readRequest(service.repository.records, restore)).target).toEqual(there.target)
  })

  test('what was planned for one deployment is planned and applied in no other', async () => {
    const there = other()
    const { restore } = await beginPlan(there, { slices: ['user/ann'] }, 'there')
    const error = { code: 'restore-other-target' }
    await expect(planRequested(service, { restore, slice: 'user/ann' }, signal)).rejects.toMatchObject(error)
    await planThrough(there, restore, { parallel: 1, signal })
    await beginApply(there, restore)
    for (const wrong of [service, other('third')])
      await expect(applyRequested(wrong, { restore, slice: 'user/ann', attempt: 1, signal })).rejects.toMatchObject(
        error,
      )
    expect(await applyRequested(there, { restore, slice: 'user/ann', attempt: 1, signal })).toEqual({
      step: 'verified',
    })
  })
})
