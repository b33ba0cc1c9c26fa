import { describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../lib/errors.ts'
import type { ObjectStore } from '../../../lib/platform/object-store/port.ts'
import { retryObjectStore } from '../../../lib/platform/object-store/retry.ts'
import { requireCreateOnly } from '../../../lib/repository/create-only.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'

/** A store that takes every PUT, as servers do that do not know the condition. */
function careless(platform: MemoryPlatform): ObjectStore {
  const { store } = platform
  return {
    async create(key, body) {
      await store.delete(key)
      await store.create(key, body)
    },
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key) => store.delete(key),
  }
}

describe('a store is held to "create only"', () => {
  test('one that keeps it is left as it is', async () => {
    const platform = memoryPlatform()
    await platform.store.create('a/b', Buffer.from('x'))
    await requireCreateOnly(platform.store, 'a/b')
    expect(platform.store.keys()).toEqual(['a/b'])
    expect((await platform.store.get('a/b')).toString()).toBe('x')
  })

  test('also when an answer is lost and the create tried again', async () => {
    const platform = memoryPlatform()
    await platform.store.create('a/b', Buffer.from('x'))
    let lost = 0
    const losing = {
      ...careless(platform),
      async create(key: string, body: Uint8Array) {
        if (lost++ === 0) throw new TorikiError('store-unavailable')
        await platform.store.create(key, body)
      },
    }
    await requireCreateOnly(retryObjectStore(losing, platform), 'a/b')
    expect(lost).toBeGreaterThan(1)
  })

  test('one that writes over what is there is refused, and holds the same bytes afterwards', async () => {
    const platform = memoryPlatform()
    await platform.store.create('a/b', Buffer.from('x'))
    await expect(requireCreateOnly(careless(platform), 'a/b')).rejects.toMatchObject({
      code: 'store-refused',
      message: expect.stringContaining('If-None-Match'),
    })
    expect((await platform.store.get('a/b')).toString()).toBe('x')
  })
})

describe('a new deployment', () => {
  const made = { name: 'campus', settings: {} }

  test.each(['store', 'keyStore'] as const)(
    'is refused again and again on a %s that writes over what is there, and never finished',
    async (which) => {
      const platform = memoryPlatform({ keyStore: memoryPlatform().store })
      const other = which === 'store' ? platform : { ...platform, store: platform.keyStore }
      const broken = { ...platform, [which]: careless(other) }
      for (let tries = 0; tries < 2; tries++)
        await expect(createDeployment(broken, made)).rejects.toMatchObject({ code: 'store-refused' })
      expect(platform.store.keys()).toEqual(['deployment/1'])
      await expect(openDeployment(broken, made)).rejects.toMatchObject({ code: 'deployment-missing' })
    },
  )

  test('writes nothing with a key that cannot be used', async () => {
    const platform = memoryPlatform({ mayUnwrap: () => false })
    await expect(createDeployment(platform, made)).rejects.toMatchObject({ code: 'key-unusable' })
    expect(platform.store.keys()).toEqual([])
  })

  test('writes nothing when the store for keys is not there', async () => {
    const platform = memoryPlatform()
    const keyStore: ObjectStore = {
      ...careless(memoryPlatform()),
      list: () => Promise.reject(new TorikiError('store-refused')),
    }
    await expect(createDeployment({ ...platform, keyStore }, made)).rejects.toMatchObject({
      code: 'store-refused',
    })
    expect(platform.store.keys()).toEqual([])
  })
})
