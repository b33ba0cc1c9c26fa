/** What every queue promises, whatever is behind it (lib/platform/queue/port.ts). Over a clock that the test turns: nothing waits. */
import { afterEach, beforeEach, describe, expect } from '@jest/globals'
import { MESSAGE_BYTES_MAX, queueNames } from '../../lib/platform/queue/port.ts'
import type { Queue, Queues, ReceivedMessage } from '../../lib/platform/queue/port.ts'
import { FakeClock } from '../kit/fake-clock.ts'
import { keptPromises } from './kept-promises.ts'

/** How often a message is received before it goes to the dead-letter queue, in this suite. */
export const CONTRACT_RECEIVES_MAX = 3
const HIDDEN_MS = 30_000

/**
 * `open` gives empty queues over this clock with CONTRACT_RECEIVES_MAX; the suite closes them. `makeClock`: a clock of the driver's own, such as one that turns
 * a server's. `exceptions`: see keptPromises.
 */
export function queueContract(
  driver: string,
  open: (clock: FakeClock) => Promise<Queues>,
  options: {
    readonly makeClock?: () => FakeClock
    readonly exceptions?: Readonly<Record<string, string>>
  } = {},
): void {
  const test = keptPromises(options.exceptions ?? {})
  describe(`queue: ${driver}`, () => {
    let clock: FakeClock
    let queues: Queues
    let queue: Queue
    beforeEach(async () => {
      clock = options.makeClock?.() ?? new FakeClock()
      queues = await open(clock)
      queue = queues.queue('backup-slice')
    })
    afterEach(() => queues.close())

    const receive = (from: Queue = queue, max = 10): Promise<readonly ReceivedMessage[]> =>
      from.receive({ max, waitMs: 0, visibilityMs: HIDDEN_MS })
    const one = async (from: Queue = queue): Promise<ReceivedMessage> => {
      const [message] = await receive(from, 1)
      if (message === undefined) throw new Error('nothing to receive')
      return message
    }
    const bodies = (messages: readonly ReceivedMessage[]): string[] => messages.map(({ body }) => body).toSorted()

    test('a message arrives as it was sent, with its id, its time and a count of 1', async () => {
      const body = JSON.stringify({ slice: 'user/änn', text: 'line\nbreak "quotes" 木' })
      await queue.send([{ body }])
      const message = await one()
      expect(message).toMatchObject({ body, receiveCount: 1 })
      expect(message.sentAt).toEqual(clock.now())
      expect(message.id).not.toBe('')
    })

    test('every queue and every dead-letter queue is its own', async () => {
      for (const name of queueNames) await queues.queue(name).send([{ body: name }])
      for (const name of queueNames) expect(bodies(await receive(queues.queue(name)))).toEqual([name])
      for (const name of queueNames) expect(await receive(queues.deadLetter(name))).toEqual([])
    })

    test('many messages sent at once all arrive, at most ten a receive, none twice while hidden', async () => {
      const sent = Array.from({ length: 205 }, (_, number) => `message ${number}`)
      await queue.send(sent.map((body) => ({ body })))
      const received: ReceivedMessage[] = []
      for (let batch = await receive(); batch.length > 0; batch = await receive()) {
        expect(batch.length).toBeLessThanOrEqual(10)
        received.push(...batch)
      }
      expect(bodies(received)).toEqual(sent.toSorted())
      expect(new Set(received.map(({ id }) => id)).size).toBe(sent.length)
    })

    test('sending nothing is fine', async () => {
      await queue.send([])
      expect(await receive()).toEqual([])
    })

    test('a received message is hidden until its visibility ends, then comes again with the same id, another receipt and a higher count', async () => {
      await queue.send([{ body: 'x' }])
      const first = await one()
      await clock.advance(HIDDEN_MS - 1)
      expect(await receive()).toEqual([])
      await clock.advance(1)
      const second = await one()
      expect(second).toMatchObject({ id: first.id, body: 'x', receiveCount: 2, sentAt: first.sentAt })
      expect(second.receipt).not.toBe(first.receipt)
    })

    test('a deleted message never comes again; deleting it twice is fine', async () => {
      await queue.send([{ body: 'x' }, { body: 'y' }])
      const [gone, kept] = await receive()
      await queue.delete(gone!.receipt)
      await queue.delete(gone!.receipt)
      await clock.advance(HIDDEN_MS)
      expect(bodies(await receive())).toEqual([kept!.body])
    })

    test('a receipt still deletes after its visibility ended, as long as nobody received the message again', async () => {
      await queue.send([{ body: 'x' }])
      const { receipt } = await one()
      await clock.advance(HIDDEN_MS * 2)
      await queue.delete(receipt)
      expect(await receive()).toEqual([])
    })

    test('a receipt does nothing once the message was received again: neither deletes it nor shows it', async () => {
      await queue.send([{ body: 'x' }])
      const stale = await one()
      await clock.advance(HIDDEN_MS)
      await one()
      await queue.delete(stale.receipt)
      await queue.changeVisibility(stale.receipt, 0)
      expect(await receive()).toEqual([])
      await clock.advance(HIDDEN_MS)
      expect((await one()).receiveCount).toBe(3)
    })

    test('a receipt of one queue, or of nobody, does nothing', async () => {
      await queue.send([{ body: 'x' }])
      const { receipt } = await one()
      const other = queues.queue('settle-run')
      for (const nonsense of [receipt, '', '.', 'x', '1', '1.', 'NaN.1', '1e400.x']) {
        await other.delete(nonsense)
        await other.changeVisibility(nonsense, 0)
        if (nonsense !== receipt) await queue.delete(nonsense)
      }
      expect(await queue.depth()).toEqual({ visible: 0, hidden: 1, delayed: 0 })
    })

    test('a changed visibility counts from now: 0 shows the message at once, more hides it longer', async () => {
      await queue.send([{ body: 'x' }])
      await queue.changeVisibility((await one()).receipt, 0)
      const second = await one()
      await clock.advance(HIDDEN_MS - 1)
      await queue.changeVisibility(second.receipt, HIDDEN_MS)
      await clock.advance(HIDDEN_MS - 1)
      expect(await receive()).toEqual([])
      await clock.advance(1)
      expect((await one()).receiveCount).toBe(3)
    })

    test('the visibility of a message that is visible again does not change', async () => {
      await queue.send([{ body: 'x' }])
      const { receipt } = await one()
      await clock.advance(HIDDEN_MS)
      await queue.changeVisibility(receipt, HIDDEN_MS)
      expect((await one()).receiveCount).toBe(2)
    })

    test('a delayed message arrives when its delay is over, not before, and later ones overtake it', async () => {
      await queue.send([
        { body: 'late', delaySeconds: 60 },
        { body: 'now', delaySeconds: 0 },
      ])
      expect(bodies(await receive())).toEqual(['now'])
      await clock.advance(59_999)
      expect(bodies((await receive()).filter(({ body }) => body === 'late'))).toEqual([])
      await clock.advance(1)
      expect((await receive()).map(({ body }) => body)).toContain('late')
    })

    test('after receivesMax receives without a delete a message moves to the dead-letter queue at the next receive, with its id and time', async () => {
      await queue.send([{ body: 'bad' }])
      const first = await one()
      for (let count = 2; count <= CONTRACT_RECEIVES_MAX; count++) {
        await clock.advance(HIDDEN_MS)
        expect(await one()).toMatchObject({ receiveCount: count })
      }
      await clock.advance(HIDDEN_MS)
      expect(await receive(queues.deadLetter('backup-slice'))).toEqual([])
      expect(await receive()).toEqual([])
      const dead = await one(queues.deadLetter('backup-slice'))
      expect(dead).toMatchObject({
        id: first.id,
        body: 'bad',
        sentAt: first.sentAt,
        receiveCount: CONTRACT_RECEIVES_MAX + 1,
      })
      expect(await queue.depth()).toEqual({ visible: 0, hidden: 0, delayed: 0 })
    })

    test('a message that dies makes room for the next in the same receive', async () => {
      await queue.send([{ body: 'bad' }])
      for (let count = 0; count < CONTRACT_RECEIVES_MAX; count++) {
        await one()
        await clock.advance(HIDDEN_MS)
      }
      await queue.send([{ body: 'good' }])
      expect(bodies(await receive(queue, 1))).toEqual(['good'])
    })

    test.each([0, HIDDEN_MS])(
      'a message that dies does not make a receive give more than was asked for, nor the same twice (visibility %d)',
      async (visibilityMs) => {
        await queue.send([{ body: 'bad' }])
        for (let count = 0; count < CONTRACT_RECEIVES_MAX; count++) {
          await one()
          await clock.advance(HIDDEN_MS)
        }
        await queue.send(['a', 'b', 'c'].map((body) => ({ body })))
        const two = await queue.receive({ max: 2, waitMs: 0, visibilityMs })
        expect(two.length).toBeGreaterThan(0)
        expect(two.length).toBeLessThanOrEqual(2)
        expect(new Set(bodies(two)).size).toBe(two.length)
        expect(bodies(two)).not.toContain('bad')
      },
    )

    test('a dead-letter queue hides, gives back and deletes as any other, and never gives up a message', async () => {
      await queue.send([{ body: 'bad' }])
      for (let count = 0; count <= CONTRACT_RECEIVES_MAX; count++) {
        await receive()
        await clock.advance(HIDDEN_MS)
      }
      const dead = queues.deadLetter('backup-slice')
      for (let count = 0; count < CONTRACT_RECEIVES_MAX * 3; count++) {
        expect((await one(dead)).body).toBe('bad')
        expect(await receive(dead)).toEqual([])
        await clock.advance(HIDDEN_MS)
      }
      await dead.delete((await one(dead)).receipt)
      await clock.advance(HIDDEN_MS)
      expect(await receive(dead)).toEqual([])
    })

    test('a receive waits for a message that is sent meanwhile', async () => {
      const waiting = queue.receive({ max: 10, waitMs: 20_000, visibilityMs: HIDDEN_MS })
      await clock.untilSleeping()
      await queue.send([{ body: 'x' }])
      expect(bodies(await waiting)).toEqual(['x'])
    })

    test('a receive waits for a message whose delay or visibility ends meanwhile', async () => {
      await queue.send([{ body: 'delayed', delaySeconds: 5 }])
      const waiting = queue.receive({ max: 10, waitMs: 20_000, visibilityMs: 10_000 })
      await clock.untilSleeping()
      await clock.advance(5000)
      expect(bodies(await waiting)).toEqual(['delayed'])
      const again = queue.receive({ max: 10, waitMs: 20_000, visibilityMs: 10_000 })
      await clock.untilSleeping()
      await clock.advance(10_000)
      expect(await again).toMatchObject([{ body: 'delayed', receiveCount: 2 }])
    })

    test('a receive that waited long enough answers with none', async () => {
      const waiting = queue.receive({ max: 10, waitMs: 1000, visibilityMs: HIDDEN_MS })
      await clock.untilSleeping()
      await clock.advance(1000)
      expect(await waiting).toEqual([])
    })

    test('an aborted receive answers with none and has taken none', async () => {
      const stop = new AbortController()
      const waiting = queue.receive({ max: 10, waitMs: 20_000, visibilityMs: HIDDEN_MS, signal: stop.signal })
      await clock.untilSleeping()
      stop.abort()
      expect(await waiting).toEqual([])
      await queue.send([{ body: 'x' }])
      expect(await queue.receive({ max: 10, waitMs: 0, visibilityMs: HIDDEN_MS, signal: stop.signal })).toEqual([])
      expect(await queue.depth()).toEqual({ visible: 1, hidden: 0, delayed: 0 })
    })

    test('of 20 who receive at the same time each gets other messages', async () => {
      await queue.send(Array.from({ length: 30 }, (_, number) => ({ body: `message ${number}` })))
      const batches = await Promise.all(Array.from({ length: 20 }, () => receive(queue, 2)))
      const ids = batches.flat().map(({ id }) => id)
      expect(ids).toHaveLength(30)
      expect(new Set(ids).size).toBe(30)
    })

    test('a receive with a visibility of 0 gives each message once and leaves it visible', async () => {
      await queue.send([{ body: 'x' }, { body: 'y' }])
      expect(bodies(await queue.receive({ max: 10, waitMs: 0, visibilityMs: 0 }))).toEqual(['x', 'y'])
      expect(await queue.depth()).toEqual({ visible: 2, hidden: 0, delayed: 0 })
    })

    test('the depth counts visible, hidden and delayed messages', async () => {
      await queue.send([{ body: 'a' }, { body: 'b' }, { body: 'c' }, { body: 'd', delaySeconds: 900 }])
      await receive(queue, 1)
      expect(await queue.depth()).toEqual({ visible: 2, hidden: 1, delayed: 1 })
      expect(await queues.deadLetter('backup-slice').depth()).toEqual({ visible: 0, hidden: 0, delayed: 0 })
    })

    test("SQS's bounds hold: on bodies, delays, batches, waits and visibility", async () => {
      await expect(queue.send([{ body: 'x'.repeat(MESSAGE_BYTES_MAX + 1) }])).rejects.toThrow(/bytes/)
      await expect(queue.send([{ body: 'ä'.repeat(MESSAGE_BYTES_MAX / 2 + 1) }])).rejects.toThrow(/bytes/)
      await expect(queue.send([{ body: '' }])).rejects.toThrow(/bytes/)
      await expect(queue.send([{ body: 'fine' }, { body: 'x', delaySeconds: 901 }])).rejects.toThrow(/delay/)
      await expect(receive(queue, 11)).rejects.toThrow(/1 to 10/)
      await expect(receive(queue, 0)).rejects.toThrow(/1 to 10/)
      await expect(queue.receive({ max: 1, waitMs: 20_001, visibilityMs: 0 })).rejects.toThrow(/waits/)
      await expect(queue.receive({ max: 1, waitMs: 0, visibilityMs: 43_200_001 })).rejects.toThrow(/visibility/)
      expect(await queue.depth()).toEqual({ visible: 0, hidden: 0, delayed: 0 })
      await queue.send([{ body: 'x'.repeat(MESSAGE_BYTES_MAX) }])
      expect((await one()).body).toHaveLength(MESSAGE_BYTES_MAX)
    })
  })
}
