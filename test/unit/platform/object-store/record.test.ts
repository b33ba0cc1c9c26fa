import { expect, test } from '@jest/globals'
import { MemoryObjectStore } from '../../../../lib/platform/object-store/memory.ts'
import { recordObjectStore } from '../../../../lib/platform/object-store/record.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'

test('requests are counted by verb, failed ones too; bytes only when they moved', async () => {
  const store = recordObjectStore(new MemoryObjectStore({ clock: new FakeClock() }))
  await store.create('key', Buffer.alloc(10))
  await expect(store.create('key', Buffer.alloc(10))).rejects.toThrow()
  await store.get('key', { range: { offset: 0, length: 4 } })
  await expect(store.get('missing')).rejects.toThrow()
  await store.list('')
  await store.delete('key')
  expect(store.record).toEqual({ create: 2, get: 2, list: 1, delete: 1, bytesSent: 10, bytesReceived: 4 })
  store.reset()
  expect(store.record).toEqual({ create: 0, get: 0, list: 0, delete: 0, bytesSent: 0, bytesReceived: 0 })
})
