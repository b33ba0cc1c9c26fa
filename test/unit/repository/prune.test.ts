import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { openIndex, sealIndex } from '../../../lib/repository/index-object.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import type { PruneReport } from '../../../lib/repository/maintenance.ts'
import type { ObjectStore } from '../../../lib/platform/object-store/port.ts'
import { readPackTableHead } from '../../../lib/repository/pack-table.ts'
import { keysOf } from '../../kit/condemn.ts'
import { ANN, HOUR_MS, big, cutAt, maintainedHouse, pruneAway, signal } from '../../kit/maintained-house.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { backUp, expected, manyFiles, openForReading, readBack, resourcesOf } from '../../kit/slice-source.ts'
import type { Things } from '../../kit/slice-source.ts'

const small: Things = { '.': { state: 'dir' }, 'a.txt': { content: 'hello' } }

describe('prune', () => {
  test('takes all that only forgotten snapshots named, after the grace time, and leaves the others whole', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', big('one'))
    await home.clock.advance(HOUR_MS)
    const second = await home.backUp('run-2', big('two'))
    const before = home.folders()
    await home.forget(first)
    await pruneAway(home)
    expect(await home.read(second)).toEqual(expected(big('two')))
    const after = home.folders()
    expect(after).toEqual({ ...before, snapshots: 1, trees: 1, packs: 1, index: 1, marks: 1 })
  })

  test('deletes nothing before the grace time is over', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', big('one'))
    await home.backUp('run-2', big('two'))
    await home.forget(first)
    await home.clock.advance(25 * HOUR_MS)
    expect((await home.prune()).condemned).toMatchObject({ packs: 2, snapshots: 1 })
    const condemned = home.folders()
    await home.clock.advance(23 * HOUR_MS)
    const report = await home.prune()
    expect(report.deleted).toEqual({ packs: 0, snapshots: 0, checkpoints: 0, indexes: 0, bytes: 0 })
    expect(report.waiting).toMatchObject({ packs: 2, snapshots: 1 })
    expect(home.folders()).toEqual(condemned)
  })

  test('without apply it says the same and changes nothing', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', big('one'))
    await home.backUp('run-2', big('two'))
    await home.forget(first)
    await home.clock.advance(25 * HOUR_MS)
    const before = home.store.keys()
    const dry = await home.prune({ apply: false })
    expect(home.store.keys()).toEqual(before)
    expect(await home.prune()).toEqual(dry)
    await home.clock.advance(25 * HOUR_MS)
    const mature = home.store.keys()
    const dryDelete = await home.prune({ apply: false })
    expect(home.store.keys()).toEqual(mature)
    expect((await home.prune()).deleted).toEqual(dryDelete.deleted)
  })

  test('a forgotten snapshot that holds chunks for a kept one stays as an object, and cannot be seen', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', small)
    const second = await home.backUp('run-2', small)
    await home.forget(first)
    await pruneAway(home)
    expect(await home.read(second)).toEqual(expected(small))
    await expect(home.read(first)).rejects.toMatchObject({ code: 'snapshot-not-found' })
    // Nor is it condemned: writers go on naming it.
    expect(home.folders()).toEqual({ snapshots: 2, marks: 1 })
  })

  test('what was condemned and is named again until the grace time is over is rescued', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', big('one'))
    await home.backUp('run-2', big('two'))
    await home.forget(first)
    await home.clock.advance(25 * HOUR_MS)
    // Somebody who looked before anything was condemned, and committed in the moment before he could have seen it.
    const beside = home.store.copy()
    const ann = await (await home.reopen(beside)).openSlice(ANN, { access: 'write' })
    const { snapshot } = await backUp(ann, 'run-3', { files: big('one') })
    expect((await home.prune()).condemned.packs).toBe(2)
    for (const key of beside.keys())
      if (home.store.peek(key) === undefined) home.store.replace(key, beside.peek(key) ?? Buffer.alloc(0))
    await home.clock.advance(25 * HOUR_MS)
    expect((await home.prune()).rescued).toBe(2)
    await home.clock.advance(25 * HOUR_MS)
    await home.prune()
    expect(await home.read(snapshot.id)).toEqual(expected(big('one')))
  })

  test('packs of a capture that has not committed yet are left alone while they are young', async () => {
    const home = await maintainedHouse()
    await home.backUp('run-1', small)
    const ann = await home.deployment.openSlice(ANN, { access: 'write' })
    const capture = await ann.capture({ run: 'run-2', signal })
    await capture.store('files', resourcesOf(big('new')), { notes: new Notes() })
    await home.clock.advance(10 * HOUR_MS)
    await home.prune()
    const { snapshot } = await capture.commit([])
    await pruneAway(home)
    expect(await home.read(snapshot.id)).toEqual(expected(big('new')))
  })

  test('a pack that no index names yet is not condemned while it is young: a capture that wrote it commits', async () => {
    const home = await maintainedHouse()
    await home.backUp('run-1', small)
    await home.clock.advance(25 * HOUR_MS)
    const beside: ObjectStore = {
      get: (key, options) => home.store.get(key, options),
      list: (prefix, options) => home.store.list(prefix, options),
      delete: (key) => home.store.delete(key),
      async create(key, body) {
        // Between a capture's packs and its second look.
        if (key.includes('/index/')) await home.prune()
        await home.store.create(key, body)
      },
    }
    const second = await (await home.over(home.store, beside)).backUp('run-2', big('two'))
    expect(home.folders()['condemned']).toBeUndefined()
    expect(await home.read(second)).toEqual(expected(big('two')))
  })

  test('an index object loses the tables of packs that go, and of no other', async () => {
    const home = await maintainedHouse()
    const things = (state: string): Things =>
      Object.fromEntries(Object.entries(big('one')).map(([name, thing]) => [name, { ...thing, state }]))
    const first = await home.backUp('run-1', things('before'))
    await home.clock.advance(HOUR_MS)
    // The tree is another, the content the same: one pack of the first index goes.
    const second = await home.backUp('run-2', things('after'))
    await home.forget(first)
    await pruneAway(home)
    expect(home.folders()).toMatchObject({ trees: 1, packs: 1 })
    expect(await home.read(second)).toEqual(expected(things('after')))
  })

  test('a forgotten snapshot object that was condemned and is named as holder since stays', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', small)
    const second = await home.backUp('run-2', small)
    // Somebody who looked before anything was forgotten, and commits in the moment before he could have seen it: he names the first, as the second does.
    const beside = await home.over(home.store.copy())
    const third = await beside.backUp('run-3', small)
    await home.forget(first, second)
    expect((await home.prune()).condemned.snapshots).toBe(2)
    for (const key of beside.store.keys())
      if (home.store.peek(key) === undefined) home.store.replace(key, beside.store.peek(key) ?? Buffer.alloc(0))
    await home.clock.advance(25 * HOUR_MS)
    expect((await home.prune()).deleted.snapshots).toBe(1)
    expect(await home.read(third)).toEqual(expected(small))
  })

  test('a content of many pieces keeps all of them', async () => {
    const home = await maintainedHouse()
    const pieces = Array.from({ length: 20 }, (_, at) => [Buffer.from(`piece ${at}`), { holeBytes: 4096 }]).flat()
    await home.backUp('run-1', big('one'))
    // What it adds stands in a pack of its own.
    const second = await home.backUp('run-2', { ...big('one'), long: { content: pieces } })
    await pruneAway(home)
    expect(await home.read(second)).toEqual(expected({ ...big('one'), long: { content: pieces } }))
  })

  test('deletes in the order of the format: a new index, old ones, packs, snapshot objects, what condemned them', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', big('one'))
    await home.backUp('run-2', big('two'))
    await home.forget(first)
    await home.clock.advance(25 * HOUR_MS)
    await home.prune()
    await home.clock.advance(25 * HOUR_MS)
    const order: string[] = []
    const watched = await home.over(home.store, {
      get: (key, options) => home.store.get(key, options),
      list: (prefix, options) => home.store.list(prefix, options),
      create: async (key, body) => (order.push(`create ${key.split('/')[2]}`), await home.store.create(key, body)),
      delete: async (key) => (order.push(`delete ${key.split('/')[2]}`), await home.store.delete(key)),
    })
    await watched.prune()
    expect(order).toEqual(['index', 'trees', 'packs', 'snapshots', 'condemned'].map((folder) => `delete ${folder}`))
  })

  test('of a run that is open both snapshots stay, for another worker may be taking over the first', async () => {
    const home = await maintainedHouse()
    // Too large to be a holder.
    const first = await home.backUp('run-1', big('one'))
    const ann = await home.deployment.openSlice(ANN, { access: 'write' })
    await backUp(ann, 'run-1', { files: big('one'), keycloak: { person: { state: 'ann' } } })
    expect(home.folders()).toMatchObject({ snapshots: 2 })
    const isRunOpen = (): Promise<boolean> => Promise.resolve(true)
    await home.clock.advance(60 * HOUR_MS)
    expect((await home.prune({ isRunOpen })).condemned.snapshots).toBe(0)
    expect(await home.read(first)).toEqual(expected(big('one')))
    expect((await home.prune()).condemned.snapshots).toBe(1)
  })

  test('an index object that names a deleted pack, since its writer was late, misleads no backup and is healed', async () => {
    const home = await maintainedHouse()
    const { platform, deployment, store } = home
    const first = await home.backUp('run-1', big('one'))
    await home.clock.advance(HOUR_MS)
    const second = await home.backUp('run-2', { ...big('two'), ...small })
    const { treeKey } = await keysOf(platform, deployment, ANN)
    const tables = store
      .keys()
      .filter((key) => key.includes('/index/'))
      .flatMap((key) => openIndex(treeKey, key, store.peek(key) ?? Buffer.alloc(0)).tables)
    await home.forget(first)
    await pruneAway(home)
    const place = { sliceId: deployment.sliceId(ANN, 1), treeKey, random: platform.random }
    const late = sealIndex(place, { supersedes: [], tables })
    await store.create(late.path, late.bytes)
    const third = await home.backUp('run-3', big('one'))
    expect(await home.read(third)).toEqual(expected(big('one')))
    await home.clock.advance(25 * HOUR_MS)
    await home.prune()
    const packs = store.keys().map((key) => key.split('/').at(-1))
    const named = store
      .keys()
      .filter((key) => key.includes('/index/'))
      .flatMap((key) => openIndex(treeKey, key, store.peek(key) ?? Buffer.alloc(0)).tables)
      .map((table) => readPackTableHead(table).packId)
    expect(named.filter((packId) => !packs.includes(packId))).toEqual([])
    for (const [id, things] of [[second, { ...big('two'), ...small }] as const, [third, big('one')] as const])
      expect(await home.read(id)).toEqual(expected(things))
  })

  test('that took longer than half the grace time to look deletes nothing', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', big('one'))
    await home.backUp('run-2', big('two'))
    await home.forget(first)
    await home.clock.advance(25 * HOUR_MS)
    await home.prune()
    await home.clock.advance(25 * HOUR_MS)
    const before = home.store.keys()
    let isAsleep = true
    const sleeping: ObjectStore = {
      create: (key, body) => home.store.create(key, body),
      list: (prefix, options) => home.store.list(prefix, options),
      delete: (key) => home.store.delete(key),
      async get(key, options) {
        if (isAsleep && key.includes('/trees/')) {
          isAsleep = false
          await home.clock.advance(13 * HOUR_MS)
        }
        return await home.store.get(key, options)
      },
    }
    const late = await home.over(home.store, sleeping)
    await expect(late.prune()).rejects.toMatchObject({ code: 'capture-stale' })
    expect(home.store.keys()).toEqual(before)
    expect((await late.prune()).deleted.packs).toBe(2)
  })

  test('index objects that others supersede go, also where no pack does', async () => {
    const home = await maintainedHouse()
    const { platform, deployment, store } = home
    await home.backUp('run-1', big('one'))
    const { treeKey } = await keysOf(platform, deployment, ANN)
    const [path = ''] = store.keys().filter((key) => key.includes('/index/'))
    const { tables } = openIndex(treeKey, path, store.peek(path) ?? Buffer.alloc(0))
    const place = { sliceId: deployment.sliceId(ANN, 1), treeKey, random: platform.random }
    const whole = sealIndex(place, { supersedes: [path.split('/').at(-1) ?? ''], tables })
    await store.create(whole.path, whole.bytes)
    expect((await home.prune()).deleted.indexes).toBe(1)
    expect(store.keys().filter((key) => key.includes('/index/'))).toEqual([whole.path])
  })

  test('checkpoints keep what they name while their run is open, and go with it when it has ended', async () => {
    const home = await maintainedHouse()
    await home.backUp('run-1', small)
    const stop = new AbortController()
    const ann = await home.deployment.openSlice(ANN, { access: 'write' })
    const capture = await ann.capture({ run: 'run-2', signal: stop.signal })
    async function* interrupted(): AsyncGenerator<
      Awaited<ReturnType<ReturnType<typeof resourcesOf>['next']>>['value']
    > {
      for await (const resource of resourcesOf(big('part'))) {
        yield resource
        if (String(resource.key).endsWith('600')) stop.abort(new Error('stopped'))
      }
    }
    await expect(capture.store('files', interrupted(), { notes: new Notes() })).rejects.toThrow()
    expect(await capture.checkpoint()).toBe('kept')
    const isRunOpen = (): Promise<boolean> => Promise.resolve(true)
    const open = home.folders()
    await home.clock.advance(60 * HOUR_MS)
    await home.prune({ isRunOpen })
    await home.clock.advance(60 * HOUR_MS)
    await home.prune({ isRunOpen })
    expect(home.folders()).toEqual(open)
    await pruneAway(home)
    expect(home.folders()).toEqual({ snapshots: 1 })
  })

  test('what cannot be read of a kept snapshot ends it before anything is deleted', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', big('one'))
    await home.backUp('run-2', big('two'))
    await home.forget(first)
    await home.clock.advance(25 * HOUR_MS)
    await home.prune()
    await home.clock.advance(25 * HOUR_MS)
    const trees = home.store.keys().filter((key) => key.includes('/trees/'))
    for (const key of trees) home.store.replace(key, Buffer.alloc(100))
    const before = home.store.keys()
    await expect(home.prune()).rejects.toMatchObject({ code: 'seal-broken' })
    expect(home.store.keys()).toEqual(before)
  })

  test('opens no content: the right to unwrap it is not asked for', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', big('one'))
    await home.backUp('run-2', big('two'))
    await home.forget(first)
    await home.clock.advance(25 * HOUR_MS)
    const { clock, store, platform } = home
    const pruner = memoryPlatform({
      ...{ clock, store, keyStore: platform.keyStore, key: platform.keys.key },
      mayUnwrap: ({ purpose }) => purpose !== 'content',
    })
    const deployment = await openDeployment(pruner, { name: 'campus' })
    const ann = await deployment.openSlice(ANN, { access: 'read-trees' })
    const report = await ann?.prune({ isRunOpen: () => Promise.resolve(false), apply: true, signal })
    expect(report?.condemned.packs).toBe(2)
  })

  test('cut off at any write and run again it loses nothing that is kept, and ends as if it had not been cut off', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', big('one'))
    const second = await home.backUp('run-2', { ...big('two'), ...small })
    await home.forget(first)
    await home.clock.advance(25 * HOUR_MS)
    const start = home.store.copy()
    let writes = 0
    for (let cut = 0; cut <= writes; cut++) {
      const store = start.copy()
      const clock = home.clock
      const counted = cutAt(store, cut)
      const deployment = await home.reopen(counted.store)
      const ann = await deployment.openSlice(ANN, { access: 'read-trees' })
      const prune = (): Promise<PruneReport> | undefined =>
        ann?.prune({ isRunOpen: () => Promise.resolve(false), apply: true, signal })
      for (let round = 0; round < 4; round++) {
        try {
          await prune()
        } catch (error) {
          expect(error).toHaveProperty('message', 'cut off')
          counted.mend()
          await prune()
        }
        await clock.advance(25 * HOUR_MS)
      }
      writes = Math.max(writes, counted.writes())
      const reading = await openForReading(await home.reopen(store), ANN)
      expect(await readBack(reading, await reading.snapshot(second), 'files')).toEqual(
        expected({ ...big('two'), ...small }),
      )
      const left = store.keys().filter((key) => /\/(packs|trees|snapshots|index|condemned)\//.test(key))
      expect(left.map((key) => key.split('/')[2]).toSorted((a = '', b = '') => a.localeCompare(b))).toEqual([
        ...['index', 'packs', 'snapshots', 'trees'],
      ])
    }
    expect(writes).toBeGreaterThan(6)
  }, 60_000)
})

describe('prune of any history', () => {
  test('keeps every snapshot that is not forgotten whole, and leaves nothing dead after two prunes', async () => {
    const files = fc.record({ salt: fc.integer({ min: 0, max: 3 }), count: fc.constantFrom(1, 40, 700) })
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ files, forget: fc.boolean(), prune: fc.boolean() }), { minLength: 1, maxLength: 6 }),
        async (nights) => {
          const home = await maintainedHouse()
          const kept = new Map<string, Things>()
          for (const [at, night] of nights.entries()) {
            const things = manyFiles(night.files.count, (file) => `${night.files.salt} ${file}`)
            kept.set(await home.backUp(`run-${at}`, things), things)
            if (night.forget) {
              const [oldest] = kept.keys()
              await home.forget(oldest as string)
              kept.delete(oldest as string)
            }
            await home.clock.advance(24 * HOUR_MS)
            if (night.prune) await home.prune()
          }
          await pruneAway(home)
          await pruneAway(home)
          for (const [id, things] of kept) expect(await home.read(id)).toEqual(expected(things))
          const report = await home.prune()
          expect(report.condemned).toMatchObject({ packs: 0, snapshots: 0 })
          const { packs = 0, trees = 0, condemned = 0 } = home.folders()
          expect([packs + trees, condemned]).toEqual([report.kept.packs, 0])
        },
      ),
      { numRuns: 12 },
    )
  }, 60_000)
})
