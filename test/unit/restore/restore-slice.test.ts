import { beforeEach, describe, expect, jest, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import { acknowledgeSlice, restoreSlice } from '../../../lib/restore/restore-slice.ts'
import { planItems } from '../../../lib/restore/slice-plan.ts'
import type { PlanItem } from '../../../lib/restore/planned-item.ts'
import type { RestoreStep } from '../../../lib/restore/slice-log.ts'
import { restoreHouse } from '../../kit/restore-house.ts'
import type { RestoreHouse } from '../../kit/restore-house.ts'
import { thingKey } from '../../kit/fake-writer.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const LATER = '20261122T020000000Z-full-0000000002'
const stored = { a: { size: 1 }, b: { size: 2, owner: 'ann' }, c: { size: 3 } }

let house: RestoreHouse
let things: Map<string, object>

beforeEach(async () => {
  house = await restoreHouse(stored, { a: 'first', b: 'second' })
  await house.backUp(RUN)
  things = house.component.live.slices.get('user/ann') as Map<string, object>
})

const change = (name: string, state: object, content?: string): void => {
  things.set(name, state)
  if (content !== undefined) house.component.live.contents.set(name, Buffer.from(content))
}
const spoil = (): void => {
  things.delete('a')
  house.component.live.contents.delete('a')
  change('b', { size: 9, owner: 'bob' }, 'spoiled')
  change('extra', { size: 4 })
}
const itemsOf = async (restore: string): Promise<PlanItem[]> => {
  const sliceId = house.service.repository.sliceId('user/ann', 1)
  const items: PlanItem[] = []
  for await (const item of planItems(house.service.repository.records, { restore, sliceId })) items.push(item)
  return items
}
const whole = { a: { size: 1, content: 'first' }, b: { size: 2, owner: 'ann', content: 'second' }, c: { size: 3 } }

describe('a plan', () => {
  test('says what would be created, changed and kept, and changes nothing', async () => {
    spoil()
    const before = house.live()
    const plan = await house.plan()
    expect(plan.counts).toEqual({ create: 1, update: 1, delete: 0, cannot: 0, left: 0, keep: 1 })
    expect(plan.snapshots).toEqual({ files: `${RUN}.1` })
    expect((await itemsOf(plan.restore)).map(({ action, fields }) => [action, fields])).toEqual([
      ['create', undefined],
      ['update', ['content', 'owner', 'size']],
    ])
    expect(house.live()).toEqual(before)
    expect(house.writer.written).toEqual([])
  })

  test('says of an update what its fields were and will be, and how many bytes are written', async () => {
    spoil()
    const { restore } = await house.plan()
    const [a, b] = await itemsOf(restore)
    expect(a).toMatchObject({ action: 'create', bytes: 5 })
    expect(a).not.toHaveProperty('values')
    expect(b).toMatchObject({
      values: [
        { field: 'owner', was: 'bob', will: 'ann' },
        { field: 'size', was: 9, will: 2 },
      ],
      bytes: 6,
    })
  })

  test('writes records of the restore only', async () => {
    spoil()
    const paths = new Set(house.platform.store.keys())
    await house.plan()
    const added = house.platform.store.keys().filter((path) => !paths.has(path))
    expect(added.length).toBeGreaterThan(0)
    expect(added.filter((path) => !path.startsWith('restores/'))).toEqual([])
  })

  test('deletes only where that was asked for', async () => {
    spoil()
    expect((await house.plan({ deleteExtra: true })).counts).toMatchObject({ create: 1, update: 1, delete: 1, keep: 1 })
  })

  test('of some keys touches nothing else', async () => {
    spoil()
    expect((await house.plan({ under: [thingKey('b')] })).counts).toMatchObject({ create: 0, update: 1, keep: 0 })
  })

  test('that is not asked to go in place goes beside what is there, and touches nothing of it', async () => {
    spoil()
    const before = house.live()
    const { restore, counts, folder } = await house.plan({ inPlace: false })
    expect(folder).toMatch(/^restored-\d{8}T\d{9}Z$/)
    expect(counts).toMatchObject({ create: 3, update: 0, keep: 0 })
    expect(await house.apply(restore)).toEqual({ step: 'verified' })
    const beside = Object.fromEntries(Object.entries(whole).map(([name, thing]) => [`${folder}/${name}`, thing]))
    expect(house.live()).toEqual({ ...before, ...beside })
  })

  test('that goes beside and does not verify takes all of it back', async () => {
    spoil()
    const before = house.live()
    const { restore } = await house.plan({ inPlace: false })
    house.writer.forgets = new Set(['owner'])
    expect(await house.apply(restore)).toMatchObject({ step: 'undone' })
    expect(house.live()).toEqual(before)
  })

  test('where nothing is there goes in place', async () => {
    things.clear()
    things.set('home', {})
    house.component.live.contents.clear()
    const { restore, folder } = await house.plan({ inPlace: false })
    expect(folder).toBeUndefined()
    expect(await house.apply(restore)).toEqual({ step: 'verified' })
    expect(house.live()).toEqual({ home: {}, ...whole })
  })

  test('of what cannot be deleted says so, and counts it as nothing that stays', async () => {
    spoil()
    house.writer.foreseen = (key) => (key === 'extra' ? { kind: 'left', reason: 'Is the installer’s.' } : undefined)
    const plan = await house.plan({ deleteExtra: true })
    expect(plan.counts).toEqual({ create: 1, update: 1, delete: 0, cannot: 0, left: 1, keep: 1 })
    expect(await house.apply(plan.restore)).toEqual({ step: 'verified' })
    expect(house.live()).toEqual({ ...whole, extra: { size: 4 } })
  })

  test('of what cannot be made says so, and the rest is restored', async () => {
    spoil()
    house.writer.foreseen = (key) =>
      key === 'a' ? { kind: 'cannot', code: 'source-version', reason: 'Too old.' } : undefined
    const plan = await house.plan()
    expect(plan.counts).toMatchObject({ cannot: 1, update: 1 })
    expect(await house.apply(plan.restore)).toEqual({ step: 'verified' })
    expect(house.live()).toEqual({ b: whole.b, c: whole.c, extra: { size: 4 } })
  })

  test('of nothing stored is refused', async () => {
    await expect(house.plan({ slice: { kind: 'shared', name: 'shared' } })).rejects.toMatchObject({
      code: 'snapshot-not-found',
    })
  })
})

describe('applying', () => {
  test('makes live what the snapshot holds, and what is beside it stays', async () => {
    spoil()
    const { restore } = await house.plan()
    expect(await house.apply(restore)).toEqual({ step: 'verified' })
    expect(house.live()).toEqual({ ...whole, extra: { size: 4 } })
  })

  test('again writes nothing, and a new plan finds nothing to do', async () => {
    spoil()
    const { restore } = await house.plan()
    await house.apply(restore)
    const writes = house.writer.written.length
    expect(await house.apply(restore)).toEqual({ step: 'verified' })
    expect(house.writer.written).toHaveLength(writes)
    expect((await house.plan()).counts).toEqual({ create: 0, update: 0, delete: 0, cannot: 0, left: 0, keep: 3 })
  })

  test('deletes last, when everything else was proven', async () => {
    spoil()
    const { restore } = await house.plan({ deleteExtra: true })
    expect(await house.apply(restore)).toEqual({ step: 'verified' })
    expect(house.live()).toEqual(whole)
    expect(house.writer.written.at(-1)).toBe('delete extra')
  })

  test('deletes nothing when what was made does not read back', async () => {
    spoil()
    const before = house.live()
    const { restore } = await house.plan({ deleteExtra: true })
    house.writer.forgets = new Set(['owner'])
    expect(await house.apply(restore)).toMatchObject({ step: 'undone', code: 'restore-not-verified' })
    expect(house.live()).toEqual(before)
    expect(house.writer.written).not.toContain('delete extra')
  })

  test('refuses what moved under the plan, names it, and writes nothing', async () => {
    spoil()
    const { restore } = await house.plan()
    change('b', { size: 10, owner: 'bob' })
    const before = house.live()
    expect(await house.apply(restore)).toEqual({
      step: 'refused',
      code: 'restore-conflict',
      why: expect.any(String),
      findings: [{ component: 'files', key: 'thing/b', what: 'differs' }],
    })
    expect(house.live()).toEqual(before)
    expect(house.writer.written).toEqual([])
  })

  test('says of what somebody made since the plan that it was not there then', async () => {
    spoil()
    const { restore } = await house.plan()
    change('a', { size: 7 }, 'made by hand')
    expect(await house.apply(restore)).toMatchObject({
      step: 'refused',
      findings: [{ component: 'files', key: 'thing/a', what: 'is there, and was not when this was planned' }],
    })
  })

  test('what somebody writes meanwhile ends the restore, is left to him and reported; all else is as before', async () => {
    spoil()
    const before = house.live()
    const { restore } = await house.plan()
    house.writer.beforeWrite = (_slice, write) => {
      if (write === 'create a') change('b', { size: 9, owner: 'cid' }, 'the work of an hour')
    }
    expect(await house.apply(restore)).toMatchObject({
      step: 'undone',
      code: 'restore-conflict',
      findings: expect.arrayContaining([
        { component: 'files', key: 'thing/b', what: expect.stringContaining('left'), left: true },
      ]),
    })
    expect(house.live()).toEqual({ ...before, b: { size: 9, owner: 'cid', content: 'the work of an hour' } })
  })

  test('what may pass is thrown while deliveries are left, and then taken back', async () => {
    spoil()
    const before = house.live()
    const { restore } = await house.plan()
    let refuses = true
    house.writer.beforeWrite = (_slice, write) => {
      if (refuses && write.startsWith('set b')) throw new TorikiError('source-unreachable')
    }
    await expect(house.apply(restore, 1)).rejects.toMatchObject({ code: 'source-unreachable' })
    await expect(house.apply(restore, 2)).rejects.toMatchObject({ code: 'source-unreachable' })
    expect(await house.apply(restore, 3)).toMatchObject({ step: 'undone', code: 'source-unreachable' })
    expect(house.live()).toEqual(before)
    refuses = false
    expect(await house.apply(restore, 1)).toMatchObject({ step: 'undone' })
    expect(house.live()).toEqual(before)
  })

  test('what cannot be taken back is named', async () => {
    spoil()
    const { restore } = await house.plan()
    house.writer.forgets = new Set(['owner'])
    let made = false
    house.writer.beforeWrite = (_slice, write) => {
      if (write === 'complete a') made = true
      if (made && write === 'delete a') throw new TorikiError('source-rights')
    }
    expect(await house.apply(restore)).toMatchObject({
      step: 'undo-failed',
      code: 'source-rights',
      findings: expect.arrayContaining([
        expect.objectContaining({
          component: 'files',
          key: 'thing/a',
          what: 'is there, and was not before the restore',
        }),
      ]),
    })
  })

  test('its safety snapshot is never the latest, nor what the next backup is compared with', async () => {
    spoil()
    const { restore } = await house.plan()
    await house.apply(restore)
    const slice = await house.service.repository.openSlice('user/ann', { access: 'read-trees' })
    expect((await slice?.latest('files'))?.id).toBe(`${RUN}.1`)
    const next = await house.backUp(LATER)
    expect((await slice?.snapshot(next))?.parent).toBe(`${RUN}.1`)
    expect((await slice?.latest('files'))?.id).toBe(next)
  })

  test('keeps another restore off the slice, until it is over', async () => {
    spoil()
    const [first, second] = [await house.plan(), await house.plan()]
    const slice = await house.service.repository.openSlice('user/ann', { access: 'read-trees' })
    expect(await slice?.claim(first.restore)).toBe(first.restore)
    await expect(house.apply(second.restore, 1)).rejects.toMatchObject({ code: 'restore-busy', retry: 'later' })
    expect(await house.apply(first.restore)).toEqual({ step: 'verified' })
    expect(await slice?.claim('another')).toBe('another')
    expect(await house.apply(second.restore, 3)).toMatchObject({ step: 'refused', code: 'restore-busy' })
  })

  test('what could not be taken back keeps the slice until somebody acknowledges it', async () => {
    spoil()
    const [first, second] = [await house.plan(), await house.plan()]
    house.writer.forgets = new Set(['owner'])
    let made = false
    house.writer.beforeWrite = (_slice, write) => {
      made ||= write === 'complete a'
      if (made && write === 'delete a') throw new TorikiError('source-rights')
    }
    const sliceId = house.service.repository.sliceId('user/ann', 1)
    const where = { restore: first.restore, sliceId }
    await expect(acknowledgeSlice(house.service, where)).rejects.toMatchObject({ code: 'restore-not-found' })
    expect(await house.apply(first.restore)).toMatchObject({ step: 'undo-failed' })
    await expect(house.apply(second.restore)).rejects.toMatchObject({ code: 'restore-busy' })
    await acknowledgeSlice(house.service, where)
    await acknowledgeSlice(house.service, where)
    expect(await house.apply(second.restore)).toMatchObject({ step: 'refused', code: 'restore-conflict' })
  })

  test('what a backup reads meanwhile is believed only when somebody accepts it', async () => {
    spoil()
    const { restore } = await house.plan()
    let meanwhile = ''
    house.writer.beforeWrite = async (_slice, write) => {
      if (write === 'create a') meanwhile = await house.backUp(LATER)
    }
    expect(await house.apply(restore)).toEqual({ step: 'verified' })
    const slice = await house.service.repository.openSlice('user/ann', { access: 'write' })
    expect((await slice.snapshot(meanwhile)).mixed).toBe(true)
    expect((await slice.latest('files'))?.id).toBe(`${RUN}.1`)
    await slice.accept(meanwhile)
    expect((await slice.latest('files'))?.id).toBe(meanwhile)
  })

  test('a backup after it is believed', async () => {
    spoil()
    const { restore } = await house.plan()
    await house.apply(restore)
    const after = await house.backUp(LATER)
    const slice = await house.service.repository.openSlice('user/ann', { access: 'write' })
    expect((await slice.latest('files'))?.id).toBe(after)
  })

  test('without a plan is refused', async () => {
    await expect(house.apply('20261121T020000000Z-restore-0123456789')).rejects.toMatchObject({
      code: 'restore-not-found',
    })
  })
})

describe('cut off', () => {
  test('before any of its writes, live or stored, it ends restored when it is delivered again', async () => {
    for (let cut = 1; ; cut++) {
      house = await restoreHouse(stored, { a: 'first', b: 'second' })
      await house.backUp(RUN)
      things = house.component.live.slices.get('user/ann') as Map<string, object>
      spoil()
      const { restore } = await house.plan({ deleteExtra: true })
      let writes = 0
      const count = (): void => {
        if (++writes === cut) throw new Error('killed')
      }
      house.writer.beforeWrite = count
      const { store } = house.platform
      const create = store.create.bind(store)
      const spy = jest.spyOn(store, 'create').mockImplementation(async (key, body) => {
        count()
        await create(key, body)
      })
      const first = await house.apply(restore).catch((error: unknown) => error)
      spy.mockRestore()
      house.writer.beforeWrite = () => undefined
      if (writes < cut) {
        expect(cut).toBeGreaterThan(8)
        expect(first).toEqual({ step: 'verified' })
        return
      }
      const last = await house.apply(restore)
      expect([cut, last.step]).toEqual([cut, 'verified'])
      expect(house.live()).toEqual(whole)
    }
  })

  test('two workers at once end in one outcome', async () => {
    spoil()
    const { restore } = await house.plan({ deleteExtra: true })
    const steps = await Promise.all([house.apply(restore), house.apply(restore), house.apply(restore)])
    expect(steps).toEqual([{ step: 'verified' }, { step: 'verified' }, { step: 'verified' }])
    expect(house.live()).toEqual(whole)
  })
})

describe('of two workers on one message, the slow one', () => {
  /** Restores with a writer that stands still after its first write until it is let go. */
  const slow = (restore: string, limits: object = {}) => {
    const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const { service, writer } = house
    let writes = 0
    const apply: typeof writer.apply = async (...given) => {
      const applied = await writer.apply(...given)
      begun.resolve()
      if (writes++ === 0) await gate.promise
      return applied
    }
    const ended = restoreSlice(
      { ...service, writers: [{ ...writer, apply }], limits: { ...service.limits, ...limits } },
      delivery(restore),
    )
    return { begun: begun.promise, go: gate.resolve, ended }
  }
  const delivery = (restore: string) => ({
    restore,
    sliceId: house.service.repository.sliceId('user/ann', 1),
    options: { installerOwned: false, privileged: false },
    attempt: 1,
    signal: new AbortController().signal,
  })
  const other = (restore: string, limits: object = {}): Promise<RestoreStep> =>
    restoreSlice({ ...house.service, limits: { ...house.service.limits, ...limits } }, delivery(restore))

  test('writes nothing more when the other has taken everything back', async () => {
    spoil()
    const before = house.live()
    const { restore } = await house.plan()
    house.writer.forgets = new Set(['owner'])
    const late = slow(restore)
    await late.begun
    expect(await other(restore)).toMatchObject({ step: 'undone' })
    const writes = house.writer.written.length
    await house.clock.advance(5_000)
    late.go()
    expect(await late.ended).toMatchObject({ step: 'undone', code: 'restore-not-verified' })
    expect(house.writer.written.slice(writes)).toEqual([])
    expect(house.live()).toEqual(before)
  })

  test('is waited for, before anything is taken back, until it has looked', async () => {
    spoil()
    const before = house.live()
    const { restore } = await house.plan()
    house.writer.forgets = new Set(['owner'])
    const limits = { othersMs: 30_000 }
    const late = slow(restore, limits)
    await late.begun
    const first = other(restore, limits)
    await house.clock.untilSleeping()
    // Its look is not yet too old: it still writes.
    const writes = house.writer.written.length
    late.go()
    await house.clock.untilSleeping(2)
    expect(house.writer.written).not.toContain('delete a')
    expect(house.writer.written.length).toBeGreaterThan(writes)
    await house.clock.advance(30_000)
    expect(await Promise.all([first, late.ended])).toMatchObject([{ step: 'undone' }, { step: 'undone' }])
    expect(house.live()).toEqual(before)
  })
})
