import { beforeAll, describe, expect, test } from '@jest/globals'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { MemoryObjectStore } from '../../../lib/platform/object-store/memory.ts'
import type { CheckReport } from '../../../lib/repository/maintenance.ts'
import type { DeploymentRepository } from '../../../lib/repository/repository.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { HOUR_MS, maintainedHouse } from '../../kit/maintained-house.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'
import { backUp, expected, manyFiles, openForReading, readBack } from '../../kit/slice-source.ts'
import type { Things } from '../../kit/slice-source.ts'

const ANN = 'user/ann'
const signal = new AbortController().signal
const all = (): boolean => true
const clock = new FakeClock()
const whole = new MemoryObjectStore({ clock })
let platform: MemoryPlatform
let prefix = ''
/** Newest last. */
const snapshots: { readonly id: string; readonly things: Things }[] = []
const big = (salt: string): Things => ({
  ...manyFiles(900, (at) => `${salt} ${at}`),
  long: { content: 'x'.repeat(300_000) },
})

beforeAll(async () => {
  platform = memoryPlatform({ clock, store: whole })
  const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
  prefix = `slices/${deployment.sliceId(ANN, 1)}/`
  const ann = await deployment.openSlice(ANN, { access: 'write' })
  const night = async (things: Things): Promise<void> => {
    await clock.advance(60_000)
    const { snapshot } = await backUp(ann, `run-${snapshots.length + 1}`, { files: things })
    snapshots.push({ id: snapshot.id, things })
  }
  await night({ one: { content: 'small' }, two: { secret: 'secret' } })
  await night({ one: { content: 'small' }, two: { secret: 'secret' } })
  await night(big('first'))
  await night({ ...big('first'), f000007: { state: 'file 7', content: 'another' } })
  await ann.accept(snapshots[0]?.id ?? '')
})

/** A store of its own with everything in it. */
function copy(): MemoryObjectStore {
  const store = new MemoryObjectStore({ clock })
  for (const key of whole.keys()) store.replace(key, whole.peek(key) ?? Buffer.alloc(0))
  return store
}

async function opened(store: MemoryObjectStore): Promise<DeploymentRepository> {
  return await openDeployment({ ...platform, store, keyStore: store }, { name: 'campus' })
}

async function check(store: MemoryObjectStore, { readData = true } = {}): Promise<CheckReport> {
  return await (await openForReading(await opened(store), ANN)).check({ readData: readData ? all : undefined, signal })
}

const objects = (folder: string): readonly string[] =>
  whole.keys().filter((key) => key.startsWith(`${prefix}${folder}`))

describe('check', () => {
  test('finds a sound repository sound, and says how much was read', async () => {
    const report = await check(whole)
    expect(report).toMatchObject({ damage: [], more: 0 })
    const packs = [...objects('packs/'), ...objects('trees/')]
    expect(report.bytes).toBe(packs.reduce((sum, key) => sum + (whole.peek(key)?.length ?? 0), 0))
    expect(report.objects).toBe(objects('').length)
  })

  test('what prune takes while it looks is no damage', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', big('one'))
    await home.backUp('run-2', big('two'))
    await home.forget(first)
    await home.clock.advance(25 * HOUR_MS)
    await home.prune()
    await home.clock.advance(25 * HOUR_MS)
    let isPruned = false
    const beside = await home.reopen({
      create: (key, body) => home.store.create(key, body),
      delete: (key) => home.store.delete(key),
      list: (prefix, options) => home.store.list(prefix, options),
      async get(key, options) {
        if (!isPruned && /\/(packs|trees)\//.test(key)) {
          isPruned = true
          expect((await home.prune()).deleted.packs).toBeGreaterThan(0)
        }
        return await home.store.get(key, options)
      },
    })
    const report = await (await openForReading(beside, ANN)).check({ readData: all, signal })
    expect([isPruned, report.damage]).toEqual([true, []])
  })

  test('a pack that somebody else takes while it looks is damage', async () => {
    const store = copy()
    const [pack = ''] = objects('packs/')
    const beside = await openDeployment(
      {
        ...platform,
        keyStore: store,
        store: {
          create: (key, body) => store.create(key, body),
          delete: (key) => store.delete(key),
          list: (prefix_, options) => store.list(prefix_, options),
          async get(key, options) {
            if (/\/(packs|trees)\//.test(key)) await store.delete(pack)
            return await store.get(key, options)
          },
        },
      },
      { name: 'campus' },
    )
    const report = await (await openForReading(beside, ANN)).check({ readData: all, signal })
    expect(report.damage).not.toEqual([])
  })

  test('without reading data it reads no pack whole', async () => {
    expect(await check(whole, { readData: false })).toMatchObject({ damage: [], bytes: 0 })
  })

  test('names the snapshot, component and file that a missing pack hits, and nobody else', async () => {
    const store = copy()
    const [third, fourth] = [snapshots[2], snapshots[3]]
    // Of the packs the one with the file that was changed in the fourth night.
    const packs = objects('packs/')
    expect(packs).toHaveLength(2)
    const sizes = packs.map((key) => whole.peek(key)?.length ?? 0)
    const small = packs[sizes[0]! < sizes[1]! ? 0 : 1] ?? ''
    await store.delete(small)
    expect((await check(store, { readData: false })).damage).toEqual([
      { snapshot: fourth?.id, component: 'files', key: 'f000007', what: 'Its content cannot be read whole.' },
    ])
    const reading = await openForReading(await opened(store), ANN)
    expect(await readBack(reading, await reading.snapshot(third?.id ?? ''), 'files')).toEqual(
      expected(third?.things ?? {}),
    )
  })

  test('a damaged node of a tree is told with every snapshot that stands on it', async () => {
    const store = copy()
    for (const key of objects('trees/')) store.replace(key, Buffer.alloc(1000))
    // Structure alone finds it, too.
    for (const readData of [true, false]) {
      const { damage } = await check(store, { readData })
      const hit = new Set(damage.map(({ snapshot }) => snapshot).filter((id) => id !== undefined))
      expect(hit).toEqual(new Set([snapshots[2]?.id, snapshots[3]?.id]))
    }
  })

  test('a snapshot that is gone and was not forgotten is told, one that was forgotten is not', async () => {
    const [first, second] = snapshots
    const lost = copy()
    await lost.delete(`${prefix}snapshots/${second?.id}`)
    expect((await check(lost)).damage).toEqual([
      { snapshot: second?.id, what: 'The snapshot is gone, and nobody forgot it.' },
    ])
    const forgotten = copy()
    const ann = await openForReading(await opened(forgotten), ANN)
    await ann.forget([second?.id ?? '', first?.id ?? ''])
    await forgotten.delete(`${prefix}snapshots/${second?.id}`)
    await forgotten.delete(`${prefix}snapshots/${first?.id}`)
    expect((await check(forgotten)).damage).toEqual([])
  })

  test('an index object that does not open is told', async () => {
    const store = copy()
    store.replace(objects('index/')[0] ?? '', Buffer.alloc(200))
    expect((await check(store, { readData: false })).damage).toContainEqual({
      what: expect.stringContaining('An index object does not open'),
    })
  })

  test('a checkpoint that does not open is told', async () => {
    const store = copy()
    store.replace(`${prefix}checkpoints/run-9.0.1`, Buffer.alloc(200))
    expect((await check(store, { readData: false })).damage).toEqual([
      { what: expect.stringContaining('A checkpoint of a backup does not open') },
    ])
  })

  test('a snapshot that was committed anew under the same number is told', async () => {
    const store = copy()
    const second = snapshots[1]
    await store.delete(`${prefix}snapshots/${second?.id}`)
    const ann = await (await opened(store)).openSlice(ANN, { access: 'write' })
    await backUp(ann, 'run-2', { files: second?.things ?? {} })
    expect((await check(store)).damage).toContainEqual({
      snapshot: second?.id,
      what: 'The snapshot is not the one that was committed.',
    })
  })

  test('a content that stands in a snapshot object and does not open is told with its file', async () => {
    const store = copy()
    // The first snapshot holds what the second names.
    const path = `${prefix}snapshots/${snapshots[0]?.id}`
    const bytes = whole.peek(path) ?? Buffer.alloc(0)
    bytes[bytes.length - 1]! ^= 1
    store.replace(path, bytes)
    const { damage } = await check(store)
    expect(damage).toContainEqual({
      snapshot: snapshots[0]?.id,
      what: 'The snapshot does not open: it was damaged or swapped.',
    })
    expect(damage).toContainEqual(expect.objectContaining({ snapshot: snapshots[1]?.id, component: 'files' }))
  })

  test('index objects that are gone are made anew from the packs, too', async () => {
    const store = copy()
    for (const one of objects('index/')) await store.delete(one)
    const ann = await openForReading(await opened(store), ANN)
    expect((await check(store)).damage).not.toEqual([])
    expect(await ann.rebuildIndex()).toMatchObject({ removed: 0, lost: 0 })
    expect(await check(store)).toMatchObject({ damage: [] })
    expect(await ann.rebuildIndex()).toEqual({ removed: 0, packs: 0, lost: 0 })
  })

  test('an index that does not open, or is lost beside one that does not, is made anew from the packs', async () => {
    const store = copy()
    const [one = '', ...others] = objects('index/')
    store.replace(one, Buffer.alloc(500))
    for (const other of others) await store.delete(other)
    const ann = await openForReading(await opened(store), ANN)
    expect((await check(store)).damage).not.toEqual([])
    expect(await ann.rebuildIndex()).toMatchObject({ removed: 1, lost: 0 })
    expect(await check(store)).toMatchObject({ damage: [] })
    expect(await ann.rebuildIndex()).toEqual({ removed: 0, packs: 0, lost: 0 })
    const { id = '', things = {} } = snapshots[3] ?? {}
    const reading = await openForReading(await opened(store), ANN)
    expect(await readBack(reading, await reading.snapshot(id), 'files')).toEqual(expected(things))
  })

  describe('finds any single object that is', () => {
    const damages = {
      flipped: (bytes: Buffer) => {
        bytes[Math.floor(bytes.length / 2)]! ^= 1
        return bytes
      },
      'flipped at its end': (bytes: Buffer) => {
        bytes[bytes.length - 1]! ^= 1
        return bytes
      },
      'cut by a byte': (bytes: Buffer) => bytes.subarray(0, -1),
      'cut to nothing': () => Buffer.alloc(0),
      'longer by a byte': (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)]),
    }

    test.each(Object.entries(damages))('%s', async (_name, damage) => {
      for (const key of objects('')) {
        const store = copy()
        store.replace(key, damage(whole.peek(key) ?? Buffer.alloc(0)))
        expect([key, (await check(store)).damage]).not.toEqual([key, []])
      }
    })

    test('swapped with another of its kind', async () => {
      for (const folder of ['snapshots/', 'packs/', 'index/']) {
        const [one = '', other = ''] = objects(folder)
        const store = copy()
        store.replace(one, whole.peek(other) ?? Buffer.alloc(0))
        store.replace(other, whole.peek(one) ?? Buffer.alloc(0))
        expect([folder, (await check(store)).damage]).not.toEqual([folder, []])
      }
    })

    test('deleted, of what a snapshot stands on', async () => {
      for (const key of [...objects('packs/'), ...objects('trees/'), ...objects('index/')]) {
        const store = copy()
        await store.delete(key)
        expect([key, (await check(store, { readData: false })).damage]).not.toEqual([key, []])
      }
    })
  })
})

describe('what a snapshot saw beside itself', () => {
  test('is missed when it is gone: marks, and whose history this is', async () => {
    const store = copy()
    const deployment = await openDeployment({ ...platform, store, keyStore: store }, { name: 'campus' })
    const identity = { id: 'ann', createdAt: new Date('2020-01-01T00:00:00Z') }
    const ann = await deployment.openSlice(ANN, { access: 'write', identity })
    await backUp(ann, 'run-5', { files: { one: { content: 'small' } } })
    expect((await check(store)).damage).toEqual([])
    await store.delete(`${prefix}marks/1`)
    await store.delete(`${prefix.replace('slices/', 'keys/')}owner`)
    expect((await check(store)).damage.map(({ what }) => what)).toEqual([
      'Marks of the slice (accepted, forgotten) are gone: there was a number 1, and the newest found is 0.',
      'The record of whose history this is (`owner`) is gone.',
    ])
  })
})
