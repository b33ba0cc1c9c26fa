import { describe, expect, test } from '@jest/globals'
import { FaultInjector } from '../../../lib/platform/fault.ts'
import { faultyObjectStore } from '../../../lib/platform/object-store/fault.ts'
import type { ObjectStore } from '../../../lib/platform/object-store/port.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { CanonicalText, canonicalJson } from '../../../lib/resources/json.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'

async function begin() {
  const platform = memoryPlatform()
  const { records } = await createDeployment(platform, { name: 'campus', settings: {} })
  return { platform, records }
}

describe('a sealed record', () => {
  test('is created once and read back', async () => {
    const { platform, records } = await begin()
    expect(await records.create('runs/r/run', { user: 'ann', n: 1 })).toBe('created')
    expect(await records.create('runs/r/run', { user: 'bob' })).toBe('exists')
    expect(await records.create('runs/r/run', { user: 'ann', n: 1 })).toBe('exists')
    expect(await records.read('runs/r/run')).toEqual({ user: 'ann', n: 1 })
    expect(await records.read('runs/r/other')).toBeUndefined()
    expect(platform.store.peek('runs/r/run')?.includes('ann')).toBe(false)
  })

  test('is read back as the text that it was written as', async () => {
    const { platform, records } = await begin()
    const value = { user: 'änn', n: [1, { b: 2, a: 'x' }] }
    await records.create('runs/r/run', value)
    await records.create('runs/r/text', new CanonicalText(value))
    expect(await records.read('runs/r/text')).toEqual(value)
    for (const name of ['run', 'text'])
      expect((await records.readText(`runs/r/${name}`))?.toString()).toBe(canonicalJson(value))
    expect(await records.readText('runs/r/other')).toBeUndefined()
    platform.store.replace('runs/r/run', platform.store.peek('runs/r/text') as Buffer)
    await expect(records.readText('runs/r/run')).rejects.toMatchObject({ code: 'seal-broken' })
  })

  test('knows its own create when the answer was lost', async () => {
    const { platform } = await begin()
    const faults = new FaultInjector({
      plan: ({ operation }) => (operation === 'create' ? { kind: 'duplicate' } : undefined),
      clock: platform.clock,
    })
    const { records } = await openDeployment(
      { ...platform, store: faultyObjectStore(platform.store, faults) },
      { name: 'campus' },
    )
    expect(await records.create('runs/r/run', { n: 1 })).toBe('created')
    expect(await records.create('runs/r/run', { n: 1 })).toBe('exists')
  })

  test('is looked for alone by who wants the first one only, and the others come when he goes on', async () => {
    const { platform } = await begin()
    let listed = 0
    const { store } = platform
    const counting: ObjectStore = {
      create: (...given) => store.create(...given),
      get: (...given) => store.get(...given),
      delete: (...given) => store.delete(...given),
      async list(...given) {
        const page = await store.list(...given)
        listed += page.objects.length
        return page
      },
    }
    const { records } = await openDeployment({ ...platform, store: counting }, { name: 'campus' })
    for (const name of ['a', 'b', 'c']) await records.create(`runs/r/${name}`, {})
    listed = 0
    const found: string[] = []
    for await (const { path } of records.list('runs/', { after: 'runs/', pageMax: 1 })) {
      if (found.length === 0) expect(listed).toBe(1)
      found.push(path)
    }
    expect(found).toEqual(['runs/r/a', 'runs/r/b', 'runs/r/c'])
  })

  test("is listed in order, after a place, with the store's time", async () => {
    const { platform, records } = await begin()
    for (const name of ['b', 'a', 'c']) await records.create(`runs/r/${name}`, {})
    await records.create('restores/x/plan', {})
    const list = async (prefix: string, after?: string): Promise<string[]> => {
      const found: string[] = []
      for await (const { path, modifiedAt } of records.list(prefix, after === undefined ? {} : { after })) {
        expect(modifiedAt).toEqual(platform.clock.now())
        found.push(path)
      }
      return found
    }
    expect(await list('runs/')).toEqual(['runs/r/a', 'runs/r/b', 'runs/r/c'])
    expect(await list('runs/', 'runs/r/a')).toEqual(['runs/r/b', 'runs/r/c'])
    expect(await list('runs/', 'runs/r/~')).toEqual([])
  })

  test('does not open in another place or of another kind, nor damaged', async () => {
    const { platform, records } = await begin()
    await records.create('runs/r/run', { n: 1 })
    const bytes = platform.store.peek('runs/r/run') as Buffer
    for (const path of ['runs/s/run', 'restores/r/run']) {
      platform.store.replace(path, bytes)
      await expect(records.read(path)).rejects.toMatchObject({ code: 'seal-broken' })
    }
    for (const at of [0, 6, 10, 60, 80, bytes.length - 1]) {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] as number) ^ 2
      platform.store.replace('runs/r/run', damaged)
      await expect(records.read('runs/r/run')).rejects.toMatchObject({
        code: at === 6 ? 'format-newer' : 'seal-broken',
      })
    }
  })
})
