import { describe, expect, test } from '@jest/globals'
import { limitObjectStore } from '../../../../lib/platform/object-store/limit.ts'
import { MemoryObjectStore } from '../../../../lib/platform/object-store/memory.ts'
import type { ObjectStore } from '../../../../lib/platform/object-store/port.ts'
import { FakeClock } from '../../../kit/fake-clock.ts'

describe('a store under limits', () => {
  test('requests come no faster than the cap', async () => {
    const clock = new FakeClock({ auto: true })
    const store = limitObjectStore(new MemoryObjectStore({ clock }), { clock, requestsPerSecond: 10 })
    for (let number = 0; number < 21; number++) await store.create(`key-${number}`, Buffer.of(1))
    expect(clock.monotonicMs()).toBe(2000)
  })

  test('bytes are paid before they are sent, and after they came', async () => {
    const clock = new FakeClock({ auto: true })
    const store = limitObjectStore(new MemoryObjectStore({ clock }), { clock, bytesPerSecond: 1000 })
    await store.create('key', Buffer.alloc(3000))
    expect(clock.monotonicMs()).toBe(2000)
    await store.get('key')
    expect(clock.monotonicMs()).toBe(2000)
    await store.create('small', Buffer.alloc(1))
    expect(clock.monotonicMs()).toBe(5001)
  })

  test('no more calls are under way than the cap', async () => {
    const clock = new FakeClock({ auto: true })
    const memory = new MemoryObjectStore({ clock })
    let now = 0
    let most = 0
    const slow: ObjectStore = {
      create: async (key, body) => {
        most = Math.max(most, ++now)
        await clock.sleep(10)
        await memory.create(key, body)
        now--
      },
      get: (key, options) => memory.get(key, options),
      list: (prefix, options) => memory.list(prefix, options),
      delete: (key) => memory.delete(key),
    }
    const store = limitObjectStore(slow, { clock, callsAtOnce: 3 })
    await Promise.all(Array.from({ length: 20 }, (_, number) => store.create(`key-${number}`, Buffer.of(1))))
    expect(most).toBe(3)
    expect(memory.keys()).toHaveLength(20)
  })

  test('an abort ends the waiting of calls that have not begun', async () => {
    const clock = new FakeClock()
    const stop = new AbortController()
    const memory = new MemoryObjectStore({ clock })
    const store = limitObjectStore(memory, { clock, requestsPerSecond: 1, signal: stop.signal })
    await store.create('one', Buffer.of(1))
    const waiting = store.create('two', Buffer.of(1))
    await clock.untilSleeping()
    stop.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
    expect(memory.keys()).toEqual(['one'])
  })
})
