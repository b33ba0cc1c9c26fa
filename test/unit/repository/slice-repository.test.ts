import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { encodeKey } from '../../../lib/resources/key.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { backUp, expected, manyFiles, openForReading, readBack } from '../../kit/slice-source.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'
import type { DeploymentRepository, SliceRepository } from '../../../lib/repository/repository.ts'
import type { Things } from '../../kit/slice-source.ts'

async function begin(): Promise<{ platform: MemoryPlatform; deployment: DeploymentRepository; ann: SliceRepository }> {
  const platform = memoryPlatform()
  const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
  return { platform, deployment, ann: await deployment.openSlice('user/ann', { access: 'write' }) }
}

const home: Things = {
  '.': { state: 'dir' },
  'a.txt': { state: 'file', content: 'hello' },
  'notes/b.txt': { state: 'file', content: 'world', kept: 'inode' },
  'notes/b.txt.bak': { state: 'file', content: '' },
  sparse: { content: [Buffer.from('begin'), { holeBytes: 2 ** 40 }, Buffer.from('end')] },
}
const account: Things = { 'user/ann': { state: 'enabled', kept: 'id-1', secret: 'hash' } }

describe('a slice', () => {
  test('gives back what was captured, small and large', async () => {
    const { deployment, ann } = await begin()
    const files = { ...home, ...manyFiles(3000) }
    const { snapshot, created } = await backUp(ann, 'run-1', { keycloak: account, files })
    expect(created).toBe(true)
    expect(snapshot.id).toBe('run-1.1')
    expect(snapshot.components['keycloak']?.inlinedIn).toBe('run-1.1')
    expect(snapshot.components['files']?.inlinedIn).toBeUndefined()
    const reading = await openForReading(deployment, 'user/ann')
    expect(await readBack(reading, snapshot, 'keycloak')).toEqual(expected(account))
    expect(await readBack(reading, snapshot, 'files')).toEqual(expected(files))
  })

  test('gives back a long file as a stream, and any range of it', async () => {
    const { deployment, ann } = await begin()
    const pieces = Array.from({ length: 66 }, (_, at) => seededRandom(at % 8).bytes(1024 * 1024 - 7))
    const { snapshot } = await backUp(ann, 'run-1', { files: { long: { content: pieces } } })
    expect(snapshot.components['files']?.bytes).toBe(66 * (1024 * 1024 - 7))
    const reading = await openForReading(deployment, 'user/ann')
    const { content } = (await reading.resource(snapshot, 'files', encodeKey('entry', ['long']))) ?? {}
    const digestOf = async (range?: { offset: number; length: number }): Promise<string> => {
      const digest = createHash('sha256')
      for await (const part of reading.content(content!, range)) if (!('holeBytes' in part)) digest.update(part)
      return digest.digest('hex')
    }
    const whole = Buffer.concat(pieces)
    expect(await digestOf()).toBe(createHash('sha256').update(whole).digest('hex'))
    for (const [offset, length] of [
      [0, 1],
      [64 * 1024 * 1024 - 5, 10],
      [whole.length - 3, 10],
      [30_000_000, 20_000_000],
    ] as const) {
      expect(await digestOf({ offset, length })).toBe(
        createHash('sha256')
          .update(whole.subarray(offset, offset + length))
          .digest('hex'),
      )
    }
  })

  test('finds one resource, and those under a key or after one', async () => {
    const { deployment, ann } = await begin()
    const { snapshot } = await backUp(ann, 'run-1', { files: home })
    const reading = await openForReading(deployment, 'user/ann')
    const key = (path: string): Buffer => encodeKey('entry', path.split('/'))
    expect((await reading.resource(snapshot, 'files', key('a.txt')))?.state).toEqual({ value: 'file' })
    expect(await reading.resource(snapshot, 'files', key('b.txt'))).toBeUndefined()
    expect(await reading.resource(snapshot, 'keycloak', key('b.txt'))).toBeUndefined()
    const list = async (options: Parameters<SliceRepository['resources']>[2]): Promise<string[]> => {
      const found: string[] = []
      for await (const one of reading.resources(snapshot, 'files', options))
        found.push(one.key.toString('latin1').split('\0').slice(1).join('/'))
      return found
    }
    expect(await list({ under: key('notes') })).toEqual(['notes/b.txt', 'notes/b.txt.bak'])
    expect(await list({ under: key('notes/b.txt') })).toEqual(['notes/b.txt'])
    expect(await list({ after: key('notes/b.txt') })).toEqual(['notes/b.txt.bak', 'sparse'])
    expect(await list({ after: key('notes/b.txt'), under: key('notes') })).toEqual(['notes/b.txt.bak'])
    expect(await list({ after: key('a'), under: key('notes') })).toEqual(['notes/b.txt', 'notes/b.txt.bak'])
    await expect(list.call(undefined, {}).then(() => readBack(reading, snapshot, 'keycloak'))).rejects.toMatchObject({
      code: 'resource-not-found',
    })
  })

  test('gives the keys alone, in order and some at a time', async () => {
    const { deployment, ann } = await begin()
    const files = manyFiles(2000)
    const { snapshot } = await backUp(ann, 'run-1', { files })
    const reading = await openForReading(deployment, 'user/ann')
    const [batches, keys]: [Buffer[][], Buffer[]] = [[], []]
    for await (const some of reading.keys(snapshot, 'files')) batches.push([...some])
    for await (const { key } of reading.resources(snapshot, 'files')) keys.push(key)
    expect(batches.flat()).toEqual(keys)
    expect(keys).toHaveLength(2000)
    expect(batches.length).toBeLessThan(keys.length / 10)
    const none = async (): Promise<void> => {
      for await (const _ of reading.keys(snapshot, 'keycloak')) continue
    }
    await expect(none()).rejects.toMatchObject({ code: 'resource-not-found' })
  })

  test('diffs two snapshots', async () => {
    const { deployment, ann } = await begin()
    const files = manyFiles(2000)
    const one = await backUp(ann, 'run-1', { files, keycloak: account })
    const two = await backUp(ann, 'run-2', {
      files: { ...files, f000500: { state: 'other', content: 'other' }, g: { state: 'new' } },
    })
    const reading = await openForReading(deployment, 'user/ann')
    const found: unknown[] = []
    for await (const some of reading.diff('files', one.snapshot, two.snapshot))
      for (const { key, before, after } of some) found.push([key.toString('latin1'), before?.state, after?.state])
    expect(found).toEqual([
      ['entry\0f000500', { value: 'file 500' }, { value: 'other' }],
      ['entry\0g', undefined, { value: 'new' }],
    ])
    const gone: unknown[] = []
    for await (const some of reading.diff('keycloak', one.snapshot, two.snapshot))
      for (const { before, after } of some) gone.push([before?.state, after?.state])
    expect(gone).toEqual([[{ value: 'enabled' }, undefined]])
  })

  test('lists snapshots newest first, the highest n of each run, without the forgotten', async () => {
    const { ann } = await begin()
    await backUp(ann, 'run-1', { files: home })
    await backUp(ann, 'run-2', { files: home }, [{ component: 'keycloak', code: 'source-unreachable' }])
    await backUp(ann, 'run-2', { files: home, keycloak: account })
    const ids: string[] = []
    for await (const { id } of ann.snapshots()) ids.push(id)
    expect(ids).toEqual(['run-2.2', 'run-1.1'])
    expect((await ann.snapshot('run-2.1')).missing).toEqual([{ component: 'keycloak', code: 'source-unreachable' }])
    await expect(ann.snapshot('run-3.1')).rejects.toMatchObject({ code: 'snapshot-not-found' })
    await expect(ann.snapshot('../x')).rejects.toMatchObject({ code: 'snapshot-not-found' })
  })

  test('does not open content for a writer, and says so', async () => {
    const { ann } = await begin()
    const { snapshot } = await backUp(ann, 'run-1', { files: { ...home, ...manyFiles(2000) }, keycloak: account })
    for (const component of ['files', 'keycloak']) {
      for await (const resource of ann.resources(snapshot, component)) {
        for (const reference of [resource.content, ...Object.values(resource.secrets)]) {
          if (reference === undefined || reference.sizeBytes === 0) continue
          const read = (async () => {
            for await (const _ of ann.content(reference)) continue
          })()
          await expect(read).rejects.toMatchObject({ code: 'content-locked' })
        }
      }
    }
  })
})
