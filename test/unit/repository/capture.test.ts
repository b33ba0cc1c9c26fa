import { describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import { FaultInjector } from '../../../lib/platform/fault.ts'
import { faultyObjectStore } from '../../../lib/platform/object-store/fault.ts'
import { recordObjectStore } from '../../../lib/platform/object-store/record.ts'
import { refuseSecondPut } from '../../../lib/platform/object-store/refuse-second-put.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import { packsOf } from '../../kit/condemn.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { account, contentsOf, home, signal, sliceHouse } from '../../kit/slice-house.ts'
import {
  backUp,
  expected,
  manyFiles,
  openForReading,
  resourceOf,
  resourcesOf,
  storeAll,
} from '../../kit/slice-source.ts'
import type { FaultPlan } from '../../../lib/platform/fault.ts'
import type { SliceRepository } from '../../../lib/repository/repository.ts'
import type { Resource } from '../../../lib/resources/resource.ts'
import type { SliceHouse } from '../../kit/slice-house.ts'
import type { Things } from '../../kit/slice-source.ts'

/** The same store with faults, as another process sees it. */
async function withFaults({ platform }: SliceHouse, plan: FaultPlan): Promise<SliceRepository> {
  const store = faultyObjectStore(platform.store, new FaultInjector({ plan, clock: platform.clock }))
  const deployment = await openDeployment({ ...platform, store, keyStore: store }, { name: 'campus' })
  return await deployment.openSlice('user/ann', { access: 'write' })
}

describe('an unchanged slice', () => {
  test('costs one PUT, at most 5 GETs and 6 LISTs, and one call to the key service', async () => {
    const house = await sliceHouse()
    const identity = { id: 'keycloak-id' }
    const first = await house.deployment.openSlice('user/ann', { access: 'write', identity })
    await backUp(first, 'run-1', { keycloak: account, files: home })
    await first.accept('run-1.1') // so that there is a mark to be read, too
    const store = recordObjectStore(house.platform.store)
    const deployment = await openDeployment({ ...house.platform, store, keyStore: store }, { name: 'campus' })
    store.reset()
    const unwraps = house.platform.keys.calls.unwrap
    const opened = await deployment.openSlice('user/ann', { access: 'write', identity })
    const { snapshot } = await backUp(opened, 'run-2', { keycloak: account, files: home })
    expect(store.record.create).toBe(1)
    expect(store.record.get).toBeLessThanOrEqual(5)
    expect(store.record.list).toBeLessThanOrEqual(6)
    expect(house.platform.keys.calls.unwrap - unwraps).toBe(1)
    expect(snapshot.components['keycloak']?.root).toBe((await first.snapshot('run-1.1')).components['keycloak']?.root)
  })

  test('names the physical holder, never a chain', async () => {
    const house = await sliceHouse()
    for (const run of ['run-1', 'run-2', 'run-3', 'run-4'])
      await backUp(house.ann, run, { keycloak: account, files: home })
    const last = await house.ann.snapshot('run-4.1')
    expect(last.components['keycloak']?.inlinedIn).toBe('run-1.1')
    // The snapshots between are not needed to read the last one.
    for (const id of ['run-2.1', 'run-3.1'])
      await house.platform.store.delete(`slices/${house.ann.sliceId}/snapshots/${id}`)
    expect(await contentsOf(house, 'run-4.1')).toEqual({ keycloak: expected(account), files: expected(home) })
  })

  test('with a large home stores no pack a second time', async () => {
    const house = await sliceHouse()
    const files = manyFiles(2000)
    await backUp(house.ann, 'run-1', { files })
    const packs = await packsOf(house.platform, house.deployment, 'user/ann')
    const { objectsPut } = await backUp(house.ann, 'run-2', { files })
    expect(objectsPut).toBe(1)
    expect(await packsOf(house.platform, house.deployment, 'user/ann')).toEqual(packs)
  })
})

describe('a capture', () => {
  test('names chunks in several holders when a little changed', async () => {
    const house = await sliceHouse()
    const files: Record<string, Things> = {}
    let things: Things = home
    for (let day = 1; day <= 5; day++) {
      things = { ...things, [`day-${day}`]: { content: `what happened on day ${day}` } }
      files[`run-${day}.1`] = things
      await backUp(house.ann, `run-${day}`, { files: things })
    }
    for (const [id, expectedThings] of Object.entries(files))
      expect(await contentsOf(house, id)).toEqual({ files: expected(expectedThings) })
  })

  test('goes from the snapshot to packs and back as the component grows and shrinks', async () => {
    const house = await sliceHouse()
    const sizes = [3, 700, 3, 1500, 20]
    for (const [at, size] of sizes.entries()) {
      const { snapshot } = await backUp(house.ann, `run-${at}`, { files: manyFiles(size) })
      expect(snapshot.components['files']?.inlinedIn === undefined).toBe(size > 500)
    }
    for (const [at, size] of sizes.entries())
      expect(await contentsOf(house, `run-${at}.1`)).toEqual({ files: expected(manyFiles(size)) })
  })

  test('puts content into packs beyond what a snapshot holds, the tree stays', async () => {
    const house = await sliceHouse()
    const files = manyFiles(40, (at) => String.fromCharCode(65 + (at % 26)).repeat(5000 + at))
    const one = await backUp(house.ann, 'run-1', { files })
    expect(one.snapshot.components['files']?.inlinedIn).toBe('run-1.1')
    expect((await packsOf(house.platform, house.deployment, 'user/ann')).length).toBe(1)
    const two = await backUp(house.ann, 'run-2', { files })
    expect(two.objectsPut).toBe(1)
    expect(await contentsOf(house, 'run-2.1')).toEqual({ files: expected(files) })
  })

  test('keeps a tree readable although a file holds the very bytes of a node', async () => {
    const house = await sliceHouse()
    const files = manyFiles(2000, () => Buffer.of(0, 0).toString('latin1'))
    await backUp(house.ann, 'run-1', { files, keycloak: {} })
    expect(await contentsOf(house, 'run-1.1')).toEqual({ files: expected(files), keycloak: [] })
  })

  test('counts resources, containers and bytes, and keeps source, notes and the time of reading', async () => {
    const house = await sliceHouse()
    const capture = await house.ann.capture({ run: 'run-1', signal })
    await house.clock.advance(1000)
    const notes = new Notes()
    notes.add({ code: 'left-out', message: 'Left out.', bytes: 7 })
    const progress: unknown[] = []
    const sparse = resourceOf('sparse', { content: [Buffer.from('four'), { holeBytes: 1000 }] })
    async function* resources(): AsyncGenerator<Resource> {
      yield* resourcesOf(home)
      yield sparse
    }
    const record = await capture.store('files', resources(), {
      notes,
      source: { device: '1' },
      isContainer: (key) => key.equals(resourceOf('.', {}).key),
      onProgress: (now) => progress.push(now),
    })
    expect(record).toMatchObject({
      resources: 4,
      containers: 1,
      bytes: 14,
      source: { device: '1' },
      readAt: '2026-03-01T02:00:01.000Z',
    })
    expect(progress.at(-1)).toEqual({ resources: 4, bytesRead: 14, bytesStored: 0 })
    const { snapshot, bytesRead } = await capture.commit([])
    expect(bytesRead).toBe(14)
    expect(snapshot.time).toBe('2026-03-01T02:00:00.000Z')
    const stored = await (await openForReading(house.deployment, 'user/ann')).snapshot('run-1.1')
    expect(stored).toEqual(snapshot)
    expect(stored.components['files']?.notes).toEqual([
      { code: 'left-out', message: 'Left out.', count: 1, bytes: 7, examples: [] },
    ])
  })

  test('refuses a source that lists something twice or out of order, and keeps nothing of that component', async () => {
    const house = await sliceHouse()
    const capture = await house.ann.capture({ run: 'run-1', signal })
    for (const paths of [
      ['a', 'a'],
      ['b', 'a'],
    ]) {
      async function* resources(): AsyncGenerator<Resource> {
        for (const path of paths) yield resourceOf(path, {})
      }
      await expect(capture.store('files', resources(), { notes: new Notes() })).rejects.toMatchObject({
        code: 'source-unexpected',
      })
    }
    await storeAll(capture, { keycloak: account })
    const { snapshot } = await capture.commit([{ component: 'files', code: 'source-unexpected' }])
    expect(Object.keys(snapshot.components)).toEqual(['keycloak'])
    expect(snapshot.missing).toEqual([{ component: 'files', code: 'source-unexpected' }])
  })

  test('ends with the reason of its signal', async () => {
    const house = await sliceHouse()
    const stop = new AbortController()
    const capture = await house.ann.capture({ run: 'run-1', signal: stop.signal })
    stop.abort(new TorikiError('deadline'))
    await expect(capture.store('files', resourcesOf(home), { notes: new Notes() })).rejects.toMatchObject({
      code: 'deadline',
    })
  })

  test('stores again what a lost snapshot object held', async () => {
    const house = await sliceHouse()
    await backUp(house.ann, 'run-1', { files: home })
    await backUp(house.ann, 'run-2', { files: home, keycloak: account })
    await house.platform.store.delete(`slices/${house.ann.sliceId}/snapshots/run-1.1`)
    await backUp(house.ann, 'run-3', { files: home, keycloak: account })
    expect(await contentsOf(house, 'run-3.1')).toEqual({ files: expected(home), keycloak: expected(account) })
  })

  test('asks for no key a second time: a store that takes one PUT per key, ever, is enough', async () => {
    const platform = memoryPlatform()
    // Its creation tries on purpose whether the store refuses.
    await createDeployment(platform, { name: 'campus', settings: {} })
    const store = refuseSecondPut(platform.store)
    const deployment = await createDeployment({ ...platform, store, keyStore: store }, { name: 'campus', settings: {} })
    for (const [at, id] of ['first', 'first', 'second', 'second'].entries()) {
      const ann = await deployment.openSlice('user/ann', { access: 'write', identity: { id } })
      await backUp(ann, `run-${at}`, { files: home }, [{ component: 'keycloak', code: 'x' }])
      await backUp(ann, `run-${at}`, { files: home, keycloak: account })
      await ann.accept(`run-${at}.1`)
      await ann.accept(`run-${at}.2`)
    }
    expect(store.refused).toEqual([])
  })

  test('passes over a damaged parent, which is for check to report', async () => {
    const house = await sliceHouse()
    await backUp(house.ann, 'run-1', { files: home })
    await backUp(house.ann, 'run-2', { files: home })
    const path = `slices/${house.ann.sliceId}/snapshots/run-2.1`
    const bytes = house.platform.store.peek(path) as Buffer
    bytes[100] = (bytes[100] as number) ^ 1
    house.platform.store.replace(path, bytes)
    const fresh = await house.deployment.openSlice('user/ann', { access: 'write' })
    const { snapshot } = await backUp(fresh, 'run-3', { files: home })
    expect(snapshot.parent).toBe('run-1.1')
  })
})

describe('two attempts of one run', () => {
  test('take over what the first one stored, and add the rest', async () => {
    const house = await sliceHouse()
    await backUp(house.ann, 'run-1', { keycloak: account }, [{ component: 'files', code: 'root-missing' }])
    const capture = await house.ann.capture({ run: 'run-1', signal })
    expect(Object.keys(capture.finished)).toEqual(['keycloak'])
    await storeAll(capture, { files: home })
    const { snapshot, created } = await capture.commit([])
    expect(created).toBe(true)
    expect(snapshot.id).toBe('run-1.2')
    expect(snapshot.missing).toEqual([])
    expect(snapshot.components['keycloak']?.inlinedIn).toBe('run-1.1')
    expect(await contentsOf(house, 'run-1.2')).toEqual({ keycloak: expected(account), files: expected(home) })
  })

  test('write nothing more when there is nothing to add', async () => {
    const house = await sliceHouse()
    await backUp(house.ann, 'run-1', { keycloak: account, files: home })
    const before = house.platform.store.keys()
    const again = await backUp(house.ann, 'run-1', { keycloak: account, files: home })
    expect(again).toMatchObject({ created: false, objectsPut: 0, snapshot: { id: 'run-1.1' } })
    expect(house.platform.store.keys()).toEqual(before)
  })

  test('at once end in one snapshot when both have the same', async () => {
    const house = await sliceHouse()
    const [one, two] = [
      await house.ann.capture({ run: 'run-1', signal }),
      await house.ann.capture({ run: 'run-1', signal }),
    ]
    await storeAll(one, { files: home })
    await storeAll(two, { files: home })
    const results = await Promise.all([one.commit([]), two.commit([])])
    expect(results.filter(({ created }) => created)).toHaveLength(1)
    expect(results.map(({ snapshot }) => snapshot.id)).toEqual(['run-1.1', 'run-1.1'])
  })

  test('at once join what each has', async () => {
    const house = await sliceHouse()
    const [one, two] = [
      await house.ann.capture({ run: 'run-1', signal }),
      await house.ann.capture({ run: 'run-1', signal }),
    ]
    await storeAll(one, { files: { ...home, ...manyFiles(1000) } })
    await storeAll(two, { keycloak: account })
    const results = [
      await one.commit([{ component: 'keycloak', code: 'x' }]),
      await two.commit([{ component: 'files', code: 'y' }]),
    ]
    expect(results.map(({ snapshot, created }) => [snapshot.id, created])).toEqual([
      ['run-1.1', true],
      ['run-1.2', true],
    ])
    expect(results[1]?.snapshot.missing).toEqual([])
    expect(await contentsOf(house, 'run-1.2')).toEqual({
      keycloak: expected(account),
      files: expected({ ...home, ...manyFiles(1000) }),
    })
  })

  test('know their own snapshot when the answer was lost', async () => {
    const house = await sliceHouse()
    const twice: FaultPlan = ({ operation, subject }) =>
      operation === 'create' && subject.includes('/snapshots/') ? { kind: 'duplicate' } : undefined
    const result = await backUp(await withFaults(house, twice), 'run-1', { files: home })
    expect(result).toMatchObject({ created: true, snapshot: { id: 'run-1.1' } })
    const lost: FaultPlan = ({ operation, subject }) =>
      operation === 'create' && subject.includes('/snapshots/') ? { kind: 'fail-after' } : undefined
    await expect(backUp(await withFaults(house, lost), 'run-2', { files: home })).rejects.toMatchObject({
      code: 'store-unavailable',
    })
    const again = await backUp(house.ann, 'run-2', { files: home })
    expect(again).toMatchObject({ created: false, snapshot: { id: 'run-2.1' } })
  })
})
