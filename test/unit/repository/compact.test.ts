import { describe, expect, test } from '@jest/globals'
import { openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import { openIndex, sealIndex } from '../../../lib/repository/index-object.ts'
import { readPackTable, readPackTableHead } from '../../../lib/repository/pack-table.ts'
import { keysOf } from '../../kit/condemn.ts'
import { ANN, HOUR_MS, cutAt, maintainedHouse, pruneAway, signal } from '../../kit/maintained-house.ts'
import type { MaintainedHouse } from '../../kit/maintained-house.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { expected, manyFiles, resourcesOf } from '../../kit/slice-source.ts'
import type { Things } from '../../kit/slice-source.ts'

function large(salt: string): Things {
  return manyFiles(1200, (at) => `${salt} ${at} ${'.'.repeat(at % 100)}`)
}

/** What is left when every other file of it is deleted: still too much to stand in a snapshot. */
function half(salt: string): Things {
  return Object.fromEntries(Object.entries(large(salt)).filter((_, at) => at % 2 === 0))
}

/** A history whose packs are half dead, and old. */
async function worn(): Promise<{ readonly home: MaintainedHouse; readonly kept: string }> {
  const home = await maintainedHouse()
  const first = await home.backUp('run-1', large('one'))
  await home.clock.advance(HOUR_MS)
  const kept = await home.backUp('run-2', half('one'))
  await home.forget(first)
  await home.clock.advance(25 * HOUR_MS)
  return { home, kept }
}

function packsOf({ store }: Pick<MaintainedHouse, 'store'>): string[] {
  return store.keys().filter((key) => /\/(packs|trees)\//.test(key))
}

function bytesOf({ store }: MaintainedHouse): number {
  return packsOf({ store }).reduce((sum, key) => sum + (store.peek(key)?.length ?? 0), 0)
}

describe('compact', () => {
  test('what is alive in a mostly dead pack stands in a new one, and prune takes the old', async () => {
    const { home, kept } = await worn()
    await pruneAway(home)
    const before = { packs: packsOf(home), bytes: bytesOf(home) }
    const report = await home.compact()
    expect(report.repacked).toMatchObject({ packs: 1 })
    expect(report.written.packs).toBe(1)
    await pruneAway(home)
    expect(await home.read(kept)).toEqual(expected(half('one')))
    expect(packsOf(home).filter((one) => before.packs.includes(one))).toHaveLength(before.packs.length - 1)
    expect(bytesOf(home)).toBeLessThan(before.bytes * 0.8)
    expect(await home.compact()).toMatchObject({ repacked: { packs: 0 }, written: { packs: 0 } })
  })

  test('deletes nothing, and takes nothing out of the index', async () => {
    const { home, kept } = await worn()
    const before = home.store.keys()
    await home.compact()
    const after = home.store.keys()
    expect(after.filter((key) => !before.includes(key)).map((key) => key.split('/')[2])).toEqual(['index', 'packs'])
    expect(before.filter((key) => !after.includes(key))).toEqual([])
    // The dead ones, too: somebody who read the index before may be about to name them again.
    const again = await home.backUp('run-3', large('one'))
    expect(packsOf(home).filter((key) => key.includes('/packs/'))).toHaveLength(2)
    expect(await home.read(again)).toEqual(expected(large('one')))
    expect(await home.read(kept)).toEqual(expected(half('one')))
  })

  test('without apply it says what it would do and writes nothing', async () => {
    const { home } = await worn()
    const before = home.store.keys()
    const dry = await home.compact({ apply: false })
    expect(home.store.keys()).toEqual(before)
    expect(dry.repacked).toEqual((await home.compact()).repacked)
  })

  test('a pack of which less is dead than may be stays', async () => {
    const { home } = await worn()
    expect((await home.compact({ deadShareMax: 0.6 })).written.packs).toBe(0)
    expect((await home.compact({ deadBytesMin: 10_000_000 })).written.packs).toBe(0)
    expect((await home.compact({ deadShareMax: 0.3 })).written.packs).toBe(1)
  })

  test('packs that are young are left alone: nobody has named yet what a backup under way writes', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', large('one'))
    await home.backUp('run-2', half('one'))
    await home.forget(first)
    expect((await home.compact()).repacked.packs).toBe(0)
  })

  test('a pack that is condemned is left to prune', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', large('one'))
    await home.backUp('run-2', { 'a.txt': { content: 'hello' } })
    await home.forget(first)
    await home.clock.advance(25 * HOUR_MS)
    const beside = await home.over(home.store.copy())
    const again = await beside.backUp('run-3', half('one'))
    await home.prune()
    for (const key of beside.store.keys())
      if (home.store.peek(key) === undefined) home.store.replace(key, beside.store.peek(key) ?? Buffer.alloc(0))
    expect((await home.compact()).repacked.packs).toBe(0)
    await pruneAway(home)
    expect(await home.read(again)).toEqual(expected(half('one')))
  })

  test('a chunk that does not open is told and not carried on, and everything else is', async () => {
    const { home, kept } = await worn()
    const pack = packsOf(home).find((key) => key.includes('/packs/')) ?? ''
    const bytes = Buffer.from(home.store.peek(pack) ?? Buffer.alloc(0))
    bytes[120] = (bytes[120] ?? 0) ^ 1
    home.store.replace(pack, bytes)
    await home.clock.advance(25 * HOUR_MS)
    const report = await home.compact()
    expect(report.damage).toEqual([{ what: expect.stringContaining(pack.split('/').slice(2).join('/')) }])
    expect(report.repacked.packs).toBe(0)
    await pruneAway(home)
    expect(home.store.peek(pack)).toEqual(bytes)
    await expect(home.read(kept)).rejects.toMatchObject({ code: 'seal-broken' })
  })

  test('a chunk that is another than its id says is told and not carried on', async () => {
    const { home, kept } = await worn()
    const { platform, deployment, store } = home
    const { treeKey } = await keysOf(platform, deployment, ANN)
    const sliceId = deployment.sliceId(ANN, 1)
    const [path = ''] = store.keys().filter((key) => key.includes('/index/'))
    const { tables } = openIndex(treeKey, path, store.peek(path) ?? Buffer.alloc(0))
    const swapped = tables.map((table) => (readPackTableHead(table).sort === 'content' ? withTwoSwapped(table) : table))
    const lie = sealIndex({ sliceId, treeKey, random: platform.random }, { supersedes: [], tables: swapped })
    store.replace(lie.path, lie.bytes)
    await store.delete(path)
    expect(await home.compact()).toMatchObject({
      repacked: { packs: 0 },
      damage: [{ what: expect.stringContaining('2 chunks that are needed do not open') }],
    })
    await pruneAway(home)
    await expect(home.read(kept)).rejects.toMatchObject({ code: 'seal-broken' })
  })

  test('needs the right to open content', async () => {
    const { home } = await worn()
    const { clock, store, platform } = home
    const pruner = memoryPlatform({
      ...{ clock, store, keyStore: platform.keyStore, key: platform.keys.key },
      mayUnwrap: ({ purpose }) => purpose !== 'content',
    })
    const deployment = await openDeployment(pruner, { name: 'campus' })
    const ann = await deployment.openSlice(ANN, { access: 'read-trees' })
    const limits = { deadShareMax: 0, deadBytesMin: 1 }
    const isRunOpen = (): Promise<boolean> => Promise.resolve(false)
    const compacting = ann?.compact({ isRunOpen, apply: true, signal, ...limits })
    await expect(compacting).rejects.toMatchObject({ code: 'content-locked' })
  })

  test('two at once lose nothing, and leave nothing twice once prune went by', async () => {
    const { home, kept } = await worn()
    await Promise.all([home.compact(), home.compact()])
    expect(packsOf(home).filter((key) => key.includes('/packs/'))).toHaveLength(3)
    await pruneAway(home)
    await pruneAway(home)
    expect(packsOf(home).filter((key) => key.includes('/packs/'))).toHaveLength(1)
    expect(await home.read(kept)).toEqual(expected(half('one')))
  })

  test('a backup that reused a dead chunk of a pack that was repacked meanwhile is whole', async () => {
    const { home, kept } = await worn()
    const ann = await home.deployment.openSlice(ANN, { access: 'write' })
    const capture = await ann.capture({ run: 'run-3', signal })
    await capture.store('files', resourcesOf(large('one')), { notes: new Notes() })
    await home.compact()
    const { snapshot } = await capture.commit([])
    await pruneAway(home)
    expect(await home.read(snapshot.id)).toEqual(expected(large('one')))
    expect(await home.read(kept)).toEqual(expected(half('one')))
  })

  test('what an open run’s checkpoint names stays in its pack', async () => {
    const home = await maintainedHouse()
    const first = await home.backUp('run-1', large('one'))
    await home.clock.advance(25 * HOUR_MS)
    await home.forget(first)
    const stop = new AbortController()
    const ann = await home.deployment.openSlice(ANN, { access: 'write' })
    const capture = await ann.capture({ run: 'run-2', signal: stop.signal })
    async function* interrupted(): AsyncGenerator<
      Awaited<ReturnType<ReturnType<typeof resourcesOf>['next']>>['value']
    > {
      for await (const resource of resourcesOf(half('one'))) {
        yield resource
        if (String(resource.key).endsWith('600')) stop.abort(new Error('stopped'))
      }
    }
    await expect(capture.store('files', interrupted(), { notes: new Notes() })).rejects.toThrow()
    await capture.checkpoint()
    expect((await home.compact({ isRunOpen: () => Promise.resolve(true) })).repacked.packs).toBe(0)
  })

  test('stops between two packs when its time is over, keeps what it did, and goes on from there', async () => {
    const home = await maintainedHouse()
    const things: Record<string, Things> = {}
    for (const [at, salt] of ['one', 'two', 'three'].entries()) {
      things[salt] = half(salt)
      const gone = await home.backUp(`run-${at}`, large(salt))
      await home.backUp(`run-${at}-kept`, half(salt))
      await home.forget(gone)
    }
    await home.clock.advance(25 * HOUR_MS)
    const all = (await home.compact({ apply: false })).repacked.packs
    expect(all).toBeGreaterThan(2)
    const over = new AbortController()
    const stopping = {
      create: home.store.create.bind(home.store),
      delete: home.store.delete.bind(home.store),
      list: home.store.list.bind(home.store),
      get: async (...given: Parameters<typeof home.store.get>) => {
        if (given[0].includes('/packs/')) over.abort(new Error('time is over'))
        return await home.store.get(...given)
      },
    }
    const first = await (await home.over(home.store, stopping)).compact({ signal: over.signal })
    expect([first.repacked.packs, first.left.packs]).toEqual([1, all - 1])
    const second = await home.compact()
    expect([second.repacked.packs, second.left.packs]).toEqual([all - 1, 0])
    await pruneAway(home)
    for (const [at, salt] of ['one', 'two', 'three'].entries())
      expect(await home.read(`run-${at}-kept.1`)).toEqual(expected(half(salt)))
  })

  test('cut off at any write and run again it loses nothing, and two prunes leave nothing dead', async () => {
    const { home: start, kept } = await worn()
    let isCut = true
    let cut = 0
    for (; isCut; cut++) {
      const store = start.store.copy()
      const counted = cutAt(store, cut)
      const home = await start.over(store, counted.store)
      isCut = await home.compact().then(
        () => false,
        (error: unknown) => {
          expect(error).toHaveProperty('message', 'cut off')
          return true
        },
      )
      counted.mend()
      expect(await home.read(kept)).toEqual(expected(half('one')))
      await start.clock.advance(HOUR_MS)
      await home.compact()
      await pruneAway(home)
      await pruneAway(home)
      expect(await home.read(kept)).toEqual(expected(half('one')))
      expect(home.folders()).toMatchObject({ packs: 1, trees: 1 })
      expect(home.folders()['condemned']).toBeUndefined()
    }
    expect(cut).toBeGreaterThan(2)
  }, 60_000)

  test('a pack full of living chunks of many packs keeps them all', async () => {
    const home = await maintainedHouse()
    const nights = Array.from({ length: 12 }, (_, night) =>
      manyFiles(700, (at) => `${at % 50 === 0 ? 'same' : night} ${at}`),
    )
    const ids: string[] = []
    for (const [night, things] of nights.entries()) {
      ids.push(await home.backUp(`run-${10 + night}`, things))
      await home.clock.advance(24 * HOUR_MS)
    }
    await home.forget(...ids.slice(0, -2))
    await home.clock.advance(25 * HOUR_MS)
    await home.compact()
    await pruneAway(home)
    expect(await home.read(ids.at(-1) ?? '')).toEqual(expected(nights.at(-1) ?? {}))
    expect(await home.read(ids.at(-2) ?? '')).toEqual(expected(nights.at(-2) ?? {}))
    expect((await home.compact({ apply: false })).repacked.packs).toBe(0)
  })
})

/** The ids of two chunks of the same length in each other's place. */
function withTwoSwapped(table: Buffer): Buffer {
  const swapped = Buffer.from(table)
  const chunks: { readonly idAt: number; readonly length: number }[] = []
  readPackTable(table, {
    block: () => undefined,
    chunk: (_table, idAt, _offset, length) => void chunks.push({ idAt, length }),
  })
  // Every other one is alive: these two are.
  const alive = chunks.filter((_, at) => at % 2 === 0)
  const one = alive.find(({ idAt, length }) => alive.some((twin) => twin.length === length && twin.idAt !== idAt))
  const other = alive.find(({ idAt, length }) => length === one?.length && idAt !== one.idAt)
  if (one === undefined || other === undefined) throw new Error('no two chunks are of one length')
  table.copy(swapped, one.idAt, other.idAt, other.idAt + 32)
  table.copy(swapped, other.idAt, one.idAt, one.idAt + 32)
  return swapped
}
