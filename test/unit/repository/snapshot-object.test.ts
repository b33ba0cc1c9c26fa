import { describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { backUp, expected, manyFiles, openForReading, readBack, storeAll } from '../../kit/slice-source.ts'
import type { DeploymentRepository, SliceRepository } from '../../../lib/repository/repository.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'
import type { Things } from '../../kit/slice-source.ts'

const account: Things = { 'user/x': { state: 'enabled', secret: 'hash' } }

interface House {
  readonly platform: MemoryPlatform
  readonly deployment: DeploymentRepository
  readonly ann: SliceRepository
  readonly bob: SliceRepository
}

/** Two people, two runs each, a checkpoint, a mark: every kind of object of the upper half. */
async function begin(): Promise<House> {
  const platform = memoryPlatform()
  const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
  const [ann, bob] = [
    await deployment.openSlice('user/ann', { access: 'write' }),
    await deployment.openSlice('user/bob', { access: 'write' }),
  ]
  for (const one of [ann, bob]) {
    for (const run of ['run-1', 'run-2'])
      await backUp(one, run, { keycloak: account, files: manyFiles(600, (at) => `${run} ${at}`) })
    const stop = new AbortController()
    const capture = await one.capture({ run: 'run-3', signal: stop.signal })
    await storeAll(capture, { keycloak: { ...account, one: { secret: 'more' } } })
    stop.abort(new TorikiError('deadline'))
    await capture.checkpoint()
    await one.accept('run-1.1')
    await one.accept('run-2.1')
  }
  return { platform, deployment, ann, bob }
}

/** Reads everything of ann's there is to read. */
async function readEverything({ deployment }: House): Promise<void> {
  const reading = await openForReading(deployment, 'user/ann')
  for await (const snapshot of reading.snapshots()) {
    for (const component of Object.keys(snapshot.components)) await readBack(reading, snapshot, component)
  }
}

describe('an object of a slice', () => {
  test("opens in no other user's, snapshot's, number's or kind's place", async () => {
    const house = await begin()
    const { store } = house.platform
    const of = (slice: SliceRepository, rest: string): string => `slices/${slice.sliceId}/${rest}`
    const all = (slice: SliceRepository, folder: string): string[] =>
      store.keys().filter((key) => key.startsWith(of(slice, `${folder}/`)))
    const first = (slice: SliceRepository, folder: string): string => all(slice, folder)[0] as string
    const swaps: [from: string, to: string | string[]][] = [
      [of(house.bob, 'snapshots/run-2.1'), of(house.ann, 'snapshots/run-2.1')],
      [of(house.ann, 'snapshots/run-1.1'), of(house.ann, 'snapshots/run-2.1')],
      [of(house.ann, 'checkpoints/run-3.0.1'), of(house.ann, 'snapshots/run-2.1')],
      [of(house.ann, 'marks/1'), of(house.ann, 'marks/2')],
      [of(house.bob, 'marks/2'), of(house.ann, 'marks/2')],
      [of(house.ann, 'snapshots/run-2.1'), of(house.ann, 'marks/2')],
      // A chunk may lie in several of these: all of them are swapped, whichever is read.
      [first(house.bob, 'trees'), all(house.ann, 'trees')],
      [first(house.bob, 'packs'), all(house.ann, 'packs')],
      [first(house.bob, 'index'), all(house.ann, 'index')],
      [first(house.ann, 'trees'), all(house.ann, 'packs')],
    ]
    await readEverything(house)
    for (const [from, to] of swaps) {
      const swapped = [to].flat().map((key) => ({ key, before: store.peek(key) as Buffer }))
      const other = store.peek(from) as Buffer
      for (const { key } of swapped) store.replace(key, other)
      await expect(readEverything(house)).rejects.toMatchObject({ code: 'seal-broken' })
      for (const { key, before } of swapped) store.replace(key, before)
    }
    await readEverything(house)
    // A slice's keys are bound to it, too.
    const keys = `keys/${house.ann.sliceId}/1`
    store.replace(keys, store.peek(`keys/${house.bob.sliceId}/1`) as Buffer)
    await expect(readEverything(house)).rejects.toMatchObject({ code: 'key-context-mismatch' })
  })

  test('does not open when any byte of it was changed, or its end is missing', async () => {
    const platform = memoryPlatform()
    const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
    const ann = await deployment.openSlice('user/ann', { access: 'write' })
    await backUp(ann, 'run-1', { keycloak: account })
    const key = `slices/${ann.sliceId}/snapshots/run-1.1`
    const whole = platform.store.peek(key) as Buffer
    const reading = async (): Promise<unknown> => {
      const fresh = await openForReading(deployment, 'user/ann')
      return await readBack(fresh, await fresh.snapshot('run-1.1'), 'keycloak')
    }
    expect(await reading()).toEqual(expected(account))
    for (let at = 0; at < whole.length; at += 7) {
      const damaged = Buffer.from(whole)
      damaged[at] = (damaged[at] as number) ^ 0x10
      platform.store.replace(key, damaged)
      await expect(reading()).rejects.toThrow(TorikiError)
    }
    for (const length of [0, 10, 72, 100, whole.length - 1]) {
      platform.store.replace(key, whole.subarray(0, length))
      await expect(reading()).rejects.toMatchObject({ code: 'seal-broken' })
    }
  })

  test('that is missing is said to be', async () => {
    const house = await begin()
    const reading = await openForReading(house.deployment, 'user/ann')
    const snapshot = await reading.snapshot('run-2.1')
    expect(snapshot.components['keycloak']?.inlinedIn).toBe('run-1.1')
    await house.platform.store.delete(`slices/${house.ann.sliceId}/snapshots/run-1.1`)
    await expect(readBack(reading, snapshot, 'keycloak')).rejects.toMatchObject({ code: 'object-not-found' })
  })
})
