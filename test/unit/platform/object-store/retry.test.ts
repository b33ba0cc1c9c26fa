import { describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../../../lib/errors.ts'
import { FaultInjector } from '../../../../lib/platform/fault.ts'
import type { Fault } from '../../../../lib/platform/fault.ts'
import { faultyObjectStore } from '../../../../lib/platform/object-store/fault.ts'
import { MemoryObjectStore } from '../../../../lib/platform/object-store/memory.ts'
import type { ObjectStore } from '../../../../lib/platform/object-store/port.ts'
import { recordObjectStore } from '../../../../lib/platform/object-store/record.ts'
import { retryObjectStore } from '../../../../lib/platform/object-store/retry.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'
import { seededRandom } from '../../../kit/seeded-random.ts'

const clock = new FakeClock({ auto: true })
const retry = { clock, random: seededRandom(1) }

/** A store over which the first calls have these faults. */
function setUp(
  faults: readonly (Fault | undefined)[],
  restrict: (store: ObjectStore) => ObjectStore = (store) => store,
) {
  const memory = new MemoryObjectStore({ clock })
  const injector = new FaultInjector({ clock, plan: ({ number }) => faults[number - 1] })
  const record = recordObjectStore(faultyObjectStore(restrict(memory), injector))
  return { memory, record: record.record, store: retryObjectStore(record, retry) }
}
const withoutRead = (store: ObjectStore): ObjectStore => ({
  create: (key, body) => store.create(key, body),
  get: () => Promise.reject(new TorikiError('store-refused')),
  list: (prefix, options) => store.list(prefix, options),
  delete: (key) => store.delete(key),
})

describe('a store with retries', () => {
  test('a create whose answer was lost succeeds when it finds its own bytes', async () => {
    const { store, memory, record } = setUp([{ kind: 'fail-after' }])
    await store.create('key', Buffer.from('mine'))
    expect(memory.peek('key')?.toString()).toBe('mine')
    expect(record).toMatchObject({ create: 2, get: 1 })
  })

  test.each(['other bytes', 'diff', ''])(
    'a retried create that finds other bytes (%j) is object-exists',
    async (theirs) => {
      const { store, memory } = setUp([{ kind: 'fail-before' }])
      memory.replace('key', Buffer.from(theirs))
      await expect(store.create('key', Buffer.from('mine'))).rejects.toMatchObject({ code: 'object-exists' })
      expect(memory.peek('key')?.toString()).toBe(theirs)
    },
  )

  test('a first create that finds an object is object-exists at once, even when the bytes are the same', async () => {
    const { store, memory, record } = setUp([])
    memory.replace('key', Buffer.from('mine'))
    await expect(store.create('key', Buffer.from('mine'))).rejects.toMatchObject({ code: 'object-exists' })
    expect(record).toMatchObject({ create: 1, get: 0 })
  })

  test('looking at what a retried create found is itself tried again', async () => {
    const { store } = setUp([{ kind: 'fail-after' }, undefined, { kind: 'fail-before' }])
    await store.create('key', Buffer.from('mine'))
  })

  test('where the role may not read, the same length is its own and another length is not', async () => {
    const { store } = setUp([{ kind: 'fail-after' }], withoutRead)
    await store.create('slices/a/packs/p', Buffer.from('mine'))
    const other = setUp([{ kind: 'fail-before' }], withoutRead)
    other.memory.replace('slices/a/packs/p', Buffer.from('longer'))
    await expect(other.store.create('slices/a/packs/p', Buffer.from('mine'))).rejects.toMatchObject({
      code: 'object-exists',
    })
  })

  test('reading, listing and deleting are tried again', async () => {
    const { store, memory } = setUp(
      Array.from({ length: 12 }, (_, number) => (number % 2 === 0 ? { kind: 'fail-after' as const } : undefined)),
    )
    memory.replace('key', Buffer.from('x'))
    expect((await store.get('key')).toString()).toBe('x')
    expect((await store.list('')).objects).toHaveLength(1)
    await store.delete('key')
    expect(memory.keys()).toEqual([])
  })
})
