import { expect, test } from '@jest/globals'
import { MemoryObjectStore } from '../../../../lib/platform/object-store/memory.ts'
import { refuseSecondPut } from '../../../../lib/platform/object-store/refuse-second-put.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'

test('a second PUT to a key is refused, also after a delete, and named', async () => {
  const store = refuseSecondPut(new MemoryObjectStore({ clock: new FakeClock() }))
  await store.create('key', Buffer.from('x'))
  await expect(store.create('key', Buffer.from('x'))).rejects.toMatchObject({ code: 'store-refused' })
  await store.delete('key')
  await expect(store.create('key', Buffer.from('x'))).rejects.toMatchObject({ code: 'store-refused' })
  await store.create('other', Buffer.from('x'))
  expect(store.refused).toEqual(['key', 'key'])
})
