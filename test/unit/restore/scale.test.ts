/** What a restore reads and holds of a large slice, and of many slices. */
import { beforeEach, describe, expect, jest, test } from '@jest/globals'
import type { JsonObject } from '../../../lib/resources/json.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { applyRequested, beginApply } from '../../../lib/restore/apply-restore.ts'
import { beginPlan } from '../../../lib/restore/plan-restore.ts'
import { planThrough } from '../../../lib/restore/plan-through.ts'
import { createRequest, readRequest, requestedSlice, requestedSlices } from '../../../lib/restore/restore-request.ts'
import type { RestoreWish } from '../../../lib/restore/restore-wish.ts'
import type { RestoreService } from '../../../lib/restore/service.ts'
import { thingKey } from '../../kit/fake-writer.ts'
import { memoryRecords } from '../../kit/memory-records.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { restoreHouse } from '../../kit/restore-house.ts'
import type { RestoreHouse } from '../../kit/restore-house.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const signal = new AbortController().signal

let house: RestoreHouse
let service: RestoreService

const nameOf = (index: number): string => `n${String(index).padStart(6, '0')}`
const many = (count: number): Record<string, JsonObject> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [nameOf(index), { size: index }]))

/** A house whose component has one kind, as files have: then its plans stream. */
const build = async (things: Record<string, JsonObject>): Promise<void> => {
  house = await restoreHouse(things)
  await house.backUp(RUN)
  const kinds = ['thing']
  service = {
    ...house.service,
    components: [{ ...house.component, kinds }],
    writers: [{ ...house.writer, kinds }],
  }
}
const live = (): Map<string, JsonObject> => house.component.live.slices.get('user/ann') as Map<string, JsonObject>
const plan = async (wish: Partial<RestoreWish> = {}): Promise<string> => {
  const { restore } = await beginPlan(service, { slices: ['user/ann'], inPlace: true, ...wish }, JSON.stringify(wish))
  await planThrough(service, restore, { parallel: 1, signal })
  return restore
}
const apply = async (restore: string) => {
  await beginApply(service, restore)
  return await applyRequested(service, { restore, slice: 'user/ann', attempt: 1, signal })
}

describe('of a large slice', () => {
  test('one thing is planned and restored without reading the others, stored or live', async () => {
    const random = seededRandom(1)
    const noise = (): JsonObject => ({ noise: Buffer.from(random.bytes(48)).toString('base64url') })
    await build(Object.fromEntries(Object.keys(many(20_000)).map((name) => [name, noise()])))
    const wanted = nameOf(12_345)
    live().delete(wanted)
    const { store } = house.platform
    let packBytes = 0
    for (const key of store.keys()) if (/\/(packs|trees)\//.test(key)) packBytes += (await store.get(key)).length
    let readBytes = 0
    const get = store.get.bind(store)
    const spy = jest.spyOn(store, 'get').mockImplementation(async (key, options) => {
      const bytes = await get(key, options)
      if (/\/(packs|trees)\//.test(key)) readBytes += bytes.length
      return bytes
    })
    expect(await apply(await plan({ under: [thingKey(wanted)] }))).toEqual({ step: 'verified' })
    spy.mockRestore()
    expect(live().size).toBe(20_000)
    expect(new Set(house.writer.looked)).toEqual(new Set([wanted]))
    expect(house.component.calls.read).toBe(1)
    expect(readBytes).toBeLessThan(packBytes / 2)
  })

  test('a plan is written while it is made', async () => {
    await build(many(7_000))
    live().clear()
    let asked = 0
    const askedAtPart: number[] = []
    house.writer.foreseen = () => {
      asked++
      return undefined
    }
    const { store } = house.platform
    const create = store.create.bind(store)
    jest.spyOn(store, 'create').mockImplementation(async (key, body) => {
      if (key.includes('/items.')) askedAtPart.push(asked)
      await create(key, body)
    })
    await plan()
    expect(askedAtPart).toHaveLength(3)
    expect(askedAtPart[0]).toBeLessThan(3_500)
    expect(askedAtPart[1]).toBeLessThan(6_500)
    expect(asked).toBe(7_000)
  })

  test('whether something is there is asked without reading contents, and no further than the first', async () => {
    await build(many(3))
    let [opened, yielded] = [0, 0]
    const parts = async function* (): AsyncGenerator<Uint8Array> {
      opened++
      yield Buffer.from('x')
    }
    const read = async function* () {
      for (const name of ['a', 'b']) {
        yielded++
        yield { key: thingKey(name), state: {}, content: { parts } }
      }
    }
    service = { ...service, components: [{ ...house.component, kinds: ['thing'], read }] }
    await plan({ inPlace: false })
    expect([opened, yielded]).toEqual([0, 1])
  })
})

test('a component with one kind ends as one with several: made, changed, deleted, or all taken back', async () => {
  for (let seed = 0; seed < 9; seed++) {
    const random = seededRandom(seed)
    const pick = (share: number): boolean => random.fraction() < share
    const stored = Object.fromEntries(Object.entries(many(60)).filter(() => pick(0.6)))
    await build(stored)
    const before = Object.fromEntries(
      Object.entries(many(60))
        .filter(() => pick(0.6))
        .map(([name, state]) => [name, pick(0.5) ? state : { size: -1, of: 'somebody' }]),
    )
    house.component.live.slices.set('user/ann', new Map(Object.entries(before)))
    const restore = await plan({ deleteExtra: true })
    const isTakenBack = seed % 3 === 0
    if (isTakenBack) house.writer.forgets = new Set(['size'])
    const writes = house.writer.written
    const { step } = await apply(restore)
    const wasMade = writes.length > 0
    expect([seed, step]).toEqual([seed, isTakenBack && wasMade ? 'undone' : 'verified'])
    expect(house.live()).toEqual(isTakenBack && wasMade ? before : stored)
    if (isTakenBack) continue
    const keysOf = (what: string): string[] =>
      writes.filter((write) => write.startsWith(what)).map((write) => write.split(' ')[1] ?? '')
    expect(keysOf('create')).toEqual(keysOf('create').toSorted())
    expect(keysOf('complete')).toEqual(keysOf('complete').toSorted().toReversed())
    expect(keysOf('delete')).toEqual(keysOf('delete').toSorted().toReversed())
  }
})

describe('of many slices', () => {
  const slices = Array.from({ length: 2_500 }, (_, index) => ({
    slice: `user/${nameOf(index)}` as SliceName,
    sliceId: `id${index}`,
    generation: 1,
  }))
  const request = {
    ...{ restore: '20261121T020000000Z-restore-0123456789', at: '2026-11-21T02:00:00.000Z' },
    ...{ inPlace: true, deleteExtra: false, installerOwned: false, privileged: false },
  }
  let records: ReturnType<typeof memoryRecords>
  beforeEach(async () => {
    records = memoryRecords()
    const shared = { slice: 'shared' as SliceName, sliceId: 'of all', generation: 1 }
    await createRequest(records, request, [...slices.toReversed(), shared])
  })

  test('one is found by reading one part of the list', async () => {
    const asked = await readRequest(records, request.restore)
    const read = jest.spyOn(records, 'read')
    for (const index of [0, 999, 1000, 2499]) {
      const found = await requestedSlice(records, asked, `user/${nameOf(index)}`)
      expect(found.sliceId).toBe(`id${index}`)
    }
    expect(read).toHaveBeenCalledTimes(3)
    expect((await requestedSlice(records, asked, 'shared')).sliceId).toBe('of all')
    for (const wrong of ['user/a', 'user/z', 'user/n000000x'] as SliceName[])
      await expect(requestedSlice(records, asked, wrong)).rejects.toMatchObject({ code: 'restore-not-found' })
  })

  test('they are listed shared first, each once', async () => {
    const found: string[] = []
    for await (const { slice } of requestedSlices(records, await readRequest(records, request.restore)))
      found.push(slice)
    expect(found[0]).toBe('shared')
    expect(found.slice(1)).toEqual(slices.map(({ slice }) => slice))
  })
})
