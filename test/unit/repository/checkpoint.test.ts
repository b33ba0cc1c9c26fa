import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TorikiError } from '../../../lib/errors.ts'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import { condemn, packsOf } from '../../kit/condemn.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { backUp, expected, manyFiles, openForReading, readBack, resourcesOf, storeAll } from '../../kit/slice-source.ts'
import type { DeploymentRepository, SliceRepository } from '../../../lib/repository/repository.ts'
import type { Resource } from '../../../lib/resources/resource.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'
import type { Things } from '../../kit/slice-source.ts'

const account: Things = { 'user/ann': { state: 'enabled', secret: 'hash' } }

interface House {
  readonly platform: MemoryPlatform
  readonly deployment: DeploymentRepository
  readonly ann: SliceRepository
}

async function begin(): Promise<House> {
  const platform = memoryPlatform()
  const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
  return { platform, deployment, ann: await deployment.openSlice('user/ann', { access: 'write' }) }
}

/** A part that has time for so many resources, and notes each. Gives how many contents it read. */
async function part(
  repository: SliceRepository,
  number: number,
  things: Things,
  resources: number,
  run = 'run-1',
): Promise<{ outcome: 'kept' | 'lost'; read: string[] }> {
  const stop = new AbortController()
  const capture = await repository.capture({ run, signal: stop.signal, part: number })
  await storeAll(capture, { keycloak: account })
  const notes = new Notes()
  const read: string[] = []
  async function* limited(): AsyncGenerator<Resource> {
    for await (const resource of resourcesOf(things, capture.resume?.after)) {
      if (read.length === resources) stop.abort(new TorikiError('deadline'))
      read.push(resource.key.toString('latin1'))
      notes.add({ code: 'seen', message: 'Seen.' })
      yield resource
    }
    stop.abort(new TorikiError('deadline'))
  }
  await expect(capture.store('files', limited(), { notes })).rejects.toMatchObject({ code: 'deadline' })
  return { outcome: await capture.checkpoint(), read }
}

async function lastPart(repository: SliceRepository, number: number, things: Things, run = 'run-1') {
  const capture = await repository.capture({ run, signal: new AbortController().signal, part: number })
  const { resume, finished } = capture
  const notes = new Notes()
  const read: string[] = []
  async function* rest(): AsyncGenerator<Resource> {
    for await (const resource of resourcesOf(things, resume?.after)) {
      read.push(resource.key.toString('latin1'))
      yield resource
    }
  }
  if (finished['keycloak'] === undefined) await storeAll(capture, { keycloak: account })
  await capture.store('files', rest(), { notes })
  return { resume, finished, read, result: await capture.commit([]) }
}

async function readAll({ deployment }: House, id: string, component = 'files'): Promise<unknown[]> {
  const reading = await openForReading(deployment, 'user/ann')
  return await readBack(reading, await reading.snapshot(id), component)
}

describe('a continuation', () => {
  test('ends in the same tree as in one go, wherever the parts end', async () => {
    const things = {
      ...manyFiles(600),
      long: { state: 'x'.repeat(5000) },
      sparse: { content: Array.from({ length: 40 }, (_, at) => (at % 2 ? { holeBytes: at } : Buffer.from(`${at}`))) },
    }
    const oneGo = await begin()
    const whole = await backUp(oneGo.ann, 'run-1', { files: things })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 4 }), async (parts) => {
        // The same keys: the same seed, and the same history until here.
        const house = await begin()
        for (const [number, resources] of parts.entries()) await part(house.ann, number, things, resources)
        const { result } = await lastPart(house.ann, parts.length, things)
        expect(result.snapshot.components['files']?.root).toBe(whole.snapshot.components['files']?.root)
        expect(result.snapshot.components['files']).toMatchObject({
          resources: 602,
          bytes: whole.snapshot.components['files']?.bytes,
        })
        expect(await readAll(house, 'run-1.1')).toEqual(expected(things))
        expect(await readAll(house, 'run-1.1', 'keycloak')).toEqual(expected(account))
      }),
      { numRuns: 8 },
    )
  })

  test('goes on after the last key, reads nothing again, and keeps the notes of all parts', async () => {
    const house = await begin()
    const things = manyFiles(100)
    const one = await part(house.ann, 0, things, 30)
    expect(one.outcome).toBe('kept')
    const two = await part(house.ann, 1, things, 30)
    const { resume, finished, read, result } = await lastPart(house.ann, 2, things)
    expect(resume?.component).toBe('files')
    expect(resume?.after.toString('latin1')).toBe('entry\0f000059')
    expect(Object.keys(finished)).toEqual(['keycloak'])
    expect(two.read[0]).toBe('entry\0f000030')
    expect(read[0]).toBe('entry\0f000060')
    expect(read).toHaveLength(40)
    expect(result.snapshot.components['files']?.notes).toEqual([
      { code: 'seen', message: 'Seen.', count: 62, examples: [] },
    ])
  })

  test('that comes to its end before it took anything new keeps what the part before had', async () => {
    const house = await begin()
    const things = manyFiles(100)
    await part(house.ann, 0, things, 30)
    const stop = new AbortController()
    const capture = await house.ann.capture({ run: 'run-1', signal: stop.signal, part: 1 })
    stop.abort(new TorikiError('deadline'))
    await expect(
      capture.store('files', resourcesOf(things, capture.resume?.after), { notes: new Notes() }),
    ).rejects.toMatchObject({ code: 'deadline' })
    expect(await capture.checkpoint()).toBe('kept')
    const { resume } = await lastPart(house.ann, 2, things)
    expect(resume?.after.toString('latin1')).toBe('entry\0f000029')
  })

  test('of another run does not use it', async () => {
    const house = await begin()
    await part(house.ann, 0, manyFiles(100), 30, 'run-1')
    expect(
      (await house.ann.capture({ run: 'run-10', signal: new AbortController().signal, part: 1 })).resume,
    ).toBeUndefined()
    expect(
      (await house.ann.capture({ run: 'run-1', signal: new AbortController().signal, part: 1 })).resume,
    ).toBeDefined()
  })

  test('does not use a checkpoint with a pack that is condemned or gone, and falls back to an earlier one', async () => {
    const house = await begin()
    const things = manyFiles(900)
    await part(house.ann, 0, things, 300)
    const before = await packsOf(house.platform, house.deployment, 'user/ann')
    await part(house.ann, 1, things, 300)
    const later = (await packsOf(house.platform, house.deployment, 'user/ann')).filter((pack) => !before.includes(pack))
    const resumed = async (): Promise<string | undefined> =>
      (await house.ann.capture({ run: 'run-1', signal: new AbortController().signal, part: 2 })).resume?.after.toString(
        'latin1',
      )
    expect(await resumed()).toBe('entry\0f000599')
    await condemn(house.platform, house.deployment, 'user/ann', { packs: [later[0]!] })
    expect(await resumed()).toBe('entry\0f000299')
    for (const folder of ['packs', 'trees'])
      await house.platform.store.delete(`slices/${house.ann.sliceId}/${folder}/${before[0]}`)
    expect(await resumed()).toBeUndefined()
  })

  test('reuses what an earlier snapshot holds, and notices when that is condemned meanwhile', async () => {
    const house = await begin()
    const things = manyFiles(900)
    await backUp(house.ann, 'run-0', { files: things, keycloak: account })
    const packs = await packsOf(house.platform, house.deployment, 'user/ann')
    await part(house.ann, 0, things, 300)
    const capture = await house.ann.capture({ run: 'run-1', signal: new AbortController().signal, part: 1 })
    await capture.store('files', resourcesOf(things, capture.resume?.after), { notes: new Notes() })
    await condemn(house.platform, house.deployment, 'user/ann', { packs: [packs[0]!] })
    await expect(capture.commit([])).rejects.toMatchObject({ code: 'capture-stale' })
  })
})

describe('two deliveries of one part', () => {
  test('end in one checkpoint: the second has lost', async () => {
    const house = await begin()
    const things = manyFiles(100)
    const stop = new AbortController()
    const captures = await Promise.all([0, 1].map(() => house.ann.capture({ run: 'run-1', signal: stop.signal })))
    stop.abort(new TorikiError('deadline'))
    expect(await Promise.all(captures.map((capture) => capture.checkpoint()))).toEqual(['kept', 'lost'])
    // A redelivery goes on from the checkpoint that is there, and may make another.
    expect((await part(house.ann, 0, things, 50)).outcome).toBe('kept')
    expect((await lastPart(house.ann, 1, things)).resume?.after.toString('latin1')).toBe('entry\0f000049')
  })
})
