import { describe, expect, test } from '@jest/globals'
import { anyOf, FaultInjector, Killed, killAt, noFaults, randomFaults } from '../../../lib/platform/fault.ts'
import type { Fault, FaultPlan } from '../../../lib/platform/fault.ts'
import { faultyKeyService } from '../../../lib/platform/key-service/fault.ts'
import { faultyObjectStore } from '../../../lib/platform/object-store/fault.ts'
import { faultyQueues } from '../../../lib/platform/queue/fault.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

function faulty(plan: FaultPlan) {
  const clock = new FakeClock({ auto: true })
  const inside = memoryPlatform({ clock })
  const faults = new FaultInjector({ plan, clock })
  return {
    clock,
    inside,
    faults,
    store: faultyObjectStore(inside.store, faults),
    keys: faultyKeyService(inside.keys, faults),
    queues: faultyQueues(inside.queues, faults),
  }
}
const once =
  (fault: Fault): FaultPlan =>
  (call) =>
    call.number === 1 ? fault : undefined

describe('fault injection', () => {
  test('a failure before: nothing happened', async () => {
    const { store, inside } = faulty(once({ kind: 'fail-before' }))
    await expect(store.create('key', Buffer.from('x'))).rejects.toMatchObject({
      code: 'store-unavailable',
      retry: 'now',
    })
    expect(inside.store.keys()).toEqual([])
  })

  test('a failure after: it happened, and the answer is lost', async () => {
    const { store, inside } = faulty(once({ kind: 'fail-after' }))
    await expect(store.create('key', Buffer.from('x'))).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(inside.store.keys()).toEqual(['key'])
  })

  test('each port fails with its own code', async () => {
    const { keys, queues } = faulty(() => ({ kind: 'fail-before' }))
    await expect(keys.wrap(Buffer.of(1), {})).rejects.toMatchObject({ code: 'key-service-unavailable' })
    await expect(queues.queue('settle-run').send([{ body: 'x' }])).rejects.toMatchObject({ code: 'queue-unavailable' })
  })

  test('a delay passes on the clock', async () => {
    const { store, clock } = faulty(once({ kind: 'delay', ms: 5000 }))
    await store.create('key', Buffer.from('x'))
    expect(clock.monotonicMs()).toBe(5000)
  })

  test('a duplicate: a receive delivers twice, a send puts in twice, a create meets its own object', async () => {
    const { queues, store } = faulty(() => ({ kind: 'duplicate' }))
    const queue = queues.queue('backup-slice')
    await queue.send([{ body: 'x' }])
    const messages = await queue.receive({ max: 10, waitMs: 0, visibilityMs: 1000 })
    expect(messages.map(({ body }) => body)).toEqual(['x', 'x', 'x', 'x'])
    await expect(store.create('key', Buffer.from('x'))).rejects.toMatchObject({ code: 'object-exists' })
  })

  test.each(['before', 'after'] as const)(
    'a kill %s a call ends every port of the process, and no other process',
    async (when) => {
      const { store, keys, queues, inside, faults } = faulty(killAt(2, when))
      await store.create('one', Buffer.from('1'))
      await expect(store.create('two', Buffer.from('2'))).rejects.toBeInstanceOf(Killed)
      await expect(store.create('three', Buffer.from('3'))).rejects.toBeInstanceOf(Killed)
      await expect(keys.wrap(Buffer.of(1), {})).rejects.toBeInstanceOf(Killed)
      await expect(queues.deadLetter('replay-run').send([{ body: 'x' }])).rejects.toBeInstanceOf(Killed)
      expect(faults.killed).toBe(true)
      expect(inside.store.keys()).toEqual(when === 'before' ? ['one'] : ['one', 'two'])
      expect(inside.keys.calls.wrap).toBe(0)
    },
  )

  test('a call under way when the process is killed gives no answer any more', async () => {
    const { store, faults, inside } = faulty(noFaults)
    const creating = store.create('key', Buffer.from('x'))
    faults.kill()
    await expect(creating).rejects.toBeInstanceOf(Killed)
    expect(inside.store.keys()).toEqual(['key'])
  })

  test('calls are counted over all ports, so that a test knows where it can kill', async () => {
    const { store, keys, queues, faults } = faulty(noFaults)
    await store.create('key', Buffer.from('x'))
    await keys.wrap(Buffer.of(1), {})
    await queues.queue('settle-run').depth()
    expect(faults.calls).toBe(3)
  })

  test('random faults are those of the seed, in about the wanted shares', () => {
    const draw = (seed: number): (string | undefined)[] => {
      const plan = randomFaults(seededRandom(seed), { failBefore: 0.1, failAfter: 0.1, delay: 0.2, duplicate: 0.1 })
      return Array.from(
        { length: 2000 },
        (_, number) => plan({ port: 'queue', operation: 'send', subject: '', number })?.kind,
      )
    }
    const kinds = draw(1)
    expect(draw(1)).toEqual(kinds)
    expect(draw(2)).not.toEqual(kinds)
    const share = (kind: string | undefined): number => kinds.filter((one) => one === kind).length / kinds.length
    for (const [kind, wanted] of [
      ['fail-before', 0.1],
      ['fail-after', 0.1],
      ['delay', 0.2],
      ['duplicate', 0.1],
      [undefined, 0.5],
    ] as const) {
      expect(Math.abs(share(kind) - wanted)).toBeLessThan(0.04)
    }
  })

  test('of several plans the first with a fault speaks', () => {
    const plan = anyOf(noFaults, killAt(3, 'before'), () => ({ kind: 'fail-before' }))
    expect([1, 3].map((number) => plan({ port: 'queue', operation: 'send', subject: '', number })?.kind)).toEqual([
      'fail-before',
      'kill-before',
    ])
  })
})
