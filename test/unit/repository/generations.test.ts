import { describe, expect, test } from '@jest/globals'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { backUp } from '../../kit/slice-source.ts'
import type { DeploymentRepository, OpenSliceOptions } from '../../../lib/repository/repository.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'

const ann = 'user/ann'
const home = { 'a.txt': { content: 'hello' } }

async function begin(): Promise<{ platform: MemoryPlatform; clock: FakeClock; deployment: DeploymentRepository }> {
  const clock = new FakeClock()
  const platform = memoryPlatform({ clock })
  return { platform, clock, deployment: await createDeployment(platform, { name: 'campus', settings: {} }) }
}

/** What opening for writing gives. */
async function write(
  deployment: DeploymentRepository,
  identity?: OpenSliceOptions['identity'],
): Promise<[number, boolean]> {
  const { generation, generationOpened } = await deployment.openSlice(ann, { access: 'write', identity })
  return [generation, generationOpened]
}

describe('a slice', () => {
  test('without history is made for a writer, and is nothing for a reader', async () => {
    const { deployment } = await begin()
    expect(await deployment.openSlice(ann, { access: 'read-content' })).toBeUndefined()
    expect(await write(deployment)).toEqual([1, false])
    expect(await deployment.openSlice(ann, { access: 'read-content' })).toMatchObject({
      generation: 1,
      sliceId: deployment.sliceId(ann, 1),
    })
  })

  test('belongs to the first identity that is known; another opens the next generation, once', async () => {
    const { deployment } = await begin()
    const [first, second] = [{ id: 'first' }, { id: 'second' }]
    expect(await write(deployment, first)).toEqual([1, false])
    expect(await write(deployment, first)).toEqual([1, false])
    expect(await write(deployment)).toEqual([1, false])
    expect(await write(deployment, second)).toEqual([2, true])
    expect(await write(deployment, second)).toEqual([2, false])
    // Nobody in particular is whoever came last; and a return under the old id is not silently joined to the old history.
    expect(await write(deployment)).toEqual([2, false])
    expect(await write(deployment, first)).toEqual([3, true])
    expect(await deployment.openSlice(ann, { access: 'read-trees' })).toMatchObject({ generation: 3 })
    expect(await deployment.openSlice(ann, { access: 'read-trees', generation: 1 })).toMatchObject({ generation: 1 })
    expect(await deployment.openSlice(ann, { access: 'read-trees', generation: 4 })).toBeUndefined()
  })

  test('of nobody binds to an account that is older than its first snapshot, even when that is forgotten by now', async () => {
    for (const [createdAt, expected] of [
      ['2026-03-01T01:59:59Z', 1],
      ['2026-03-01T02:00:01Z', 2],
      [undefined, 2],
    ] as const) {
      const { platform, clock, deployment } = await begin()
      const repository = await deployment.openSlice(ann, { access: 'write' })
      await backUp(repository, 'run-1', { files: home })
      await clock.advance(3600_000)
      await backUp(repository, 'run-2', { files: home })
      await platform.store.delete(`slices/${repository.sliceId}/snapshots/run-1.1`)
      const identity = { id: 'x', ...(createdAt && { createdAt: new Date(createdAt) }) }
      expect(await write(deployment, identity)).toEqual([expected, expected === 2])
    }
  })

  test('of nobody, and without a snapshot, binds to whoever comes', async () => {
    const { deployment } = await begin()
    expect(await write(deployment)).toEqual([1, false])
    expect(await write(deployment, { id: 'x' })).toEqual([1, false])
    expect(await write(deployment, { id: 'y' })).toEqual([2, true])
  })

  test("that was erased is refused to a reader; a writer begins the next generation, which is not another person's", async () => {
    for (const keysLeft of [true, false]) {
      const { platform, deployment } = await begin()
      await write(deployment, { id: 'x' })
      const id = deployment.sliceId(ann, 1)
      await platform.store.create(`erased/${id}`, Buffer.from('x'))
      if (!keysLeft)
        for (const key of platform.store.keys().filter((name) => name.startsWith(`keys/${id}/`)))
          await platform.store.delete(key)
      await expect(deployment.openSlice(ann, { access: 'read-content' })).rejects.toMatchObject({
        code: 'slice-erased',
      })
      await expect(deployment.openSlice(ann, { access: 'read-content', generation: 1 })).rejects.toMatchObject({
        code: 'slice-erased',
      })
      expect(await write(deployment, { id: 'x' })).toEqual([2, false])
      expect(await deployment.openSlice(ann, { access: 'read-content' })).toMatchObject({ generation: 2 })
    }
  })

  test('goes past an erased generation in the middle', async () => {
    const { platform, deployment } = await begin()
    for (const id of ['a', 'b', 'c']) await write(deployment, { id })
    await platform.store.create(`erased/${deployment.sliceId(ann, 2)}`, Buffer.from('x'))
    expect(await write(deployment, { id: 'c' })).toEqual([3, false])
  })

  test('whose next generation was begun and cut off is completed by the next writer, and until then the old one reads', async () => {
    const { platform, deployment } = await begin()
    await write(deployment, { id: 'a' })
    await write(deployment, { id: 'b' })
    const id = deployment.sliceId(ann, 2)
    for (const key of platform.store.keys().filter((name) => name.startsWith(`keys/${id}/`)))
      await platform.store.delete(key)
    expect(await deployment.openSlice(ann, { access: 'read-content' })).toMatchObject({ generation: 1 })
    expect(await write(deployment, { id: 'b' })).toEqual([2, true])
  })

  test('opened by many at once for the first time has one owner and one set of keys', async () => {
    const { deployment } = await begin()
    const opened = await Promise.all(
      Array.from({ length: 8 }, () => deployment.openSlice(ann, { access: 'write', identity: { id: 'x' } })),
    )
    expect(opened.map(({ generation }) => generation)).toEqual(Array.from({ length: 8 }, () => 1))
    await Promise.all(opened.map((one, at) => backUp(one, `run-${at}`, { files: home })))
    const ids: string[] = []
    for await (const snapshot of (opened[0] as (typeof opened)[number]).snapshots()) ids.push(snapshot.id)
    expect(ids).toHaveLength(8)
  })

  test('has no name, and no identity, in any key or clear byte of the store', async () => {
    const { platform, deployment } = await begin()
    const repository = await deployment.openSlice('user/annabelle-secret', {
      access: 'write',
      identity: { id: 'identity-of-annabelle' },
    })
    await deployment.openSlice('user/annabelle-secret', { access: 'write', identity: { id: 'another-identity' } })
    await backUp(repository, 'run-1', {
      files: { 'file-named-thus': { state: 'planted', secret: 'planted', content: 'planted' } },
    })
    for (const key of platform.store.keys()) {
      for (const word of ['annabelle', 'identity', 'file-named-thus', 'planted']) {
        expect(key).not.toContain(word)
        if (!key.startsWith('deployment/') && !key.startsWith('keys/deployment/'))
          expect(platform.store.peek(key)?.includes(word)).toBe(false)
      }
    }
  })
})
