import type { SQSBatchResponse, SQSEvent } from 'aws-lambda'
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals'
import { startEventSource } from '../../../lib/embedded/event-source.ts'
import type { EventContext, EventSource, EventSourceOptions } from '../../../lib/embedded/event-source.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { jsonLog } from '../../../lib/log.ts'
import { FaultInjector } from '../../../lib/platform/fault.ts'
import type { FaultPlan } from '../../../lib/platform/fault.ts'
import { faultyQueues } from '../../../lib/platform/queue/fault.ts'
import { MemoryQueues } from '../../../lib/platform/queue/memory.ts'
import type { MemoryQueue } from '../../../lib/platform/queue/memory.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { seededRandom } from '../../kit/seeded-random.ts'

const RECEIVES_MAX = 3
const VISIBILITY_MS = 60_000

/** A handler that a test answers for, invocation by invocation. */
class Invocations {
  readonly begun: {
    event: SQSEvent
    context: EventContext
    answer: (response?: SQSBatchResponse) => void
    fail: (error: Error) => void
  }[] = []
  readonly handler = (event: SQSEvent, context: EventContext): Promise<SQSBatchResponse | void> =>
    new Promise((resolve, reject) => this.begun.push({ event, context, answer: resolve, fail: reject }))

  async until(count: number): Promise<void> {
    while (this.begun.length < count) await turn()
  }
}
/** Its methods by themselves. */
const bound = (invocations: Invocations) => ({
  begun: invocations.begun,
  handler: invocations.handler,
  until: (count: number) => invocations.until(count),
})
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const bodiesOf = (event: SQSEvent): string[] => event.Records.map(({ body }) => body)
const failing = (...ids: string[]): SQSBatchResponse => ({
  batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })),
})

describe('the event source', () => {
  let clock: FakeClock
  let queue: MemoryQueue
  let dead: MemoryQueue
  let source: EventSource | undefined
  let log: string[]
  let queues: MemoryQueues
  beforeEach(() => {
    clock = new FakeClock()
    queues = new MemoryQueues({ clock, random: seededRandom(1), receivesMax: RECEIVES_MAX })
    queue = queues.queue('backup-slice')
    dead = queues.deadLetter('backup-slice')
    source = undefined
    log = []
  })
  afterEach(() => source?.stop(0))

  function start(handler: EventSourceOptions['handler'], options: Partial<EventSourceOptions> = {}): EventSource {
    source = startEventSource({
      queue,
      name: 'backup-slice',
      handler,
      clock,
      random: seededRandom(2),
      log: jsonLog(
        (line) => log.push(line),
        () => clock.now(),
        'debug',
      ),
      batchSize: 1,
      concurrency: 1,
      timeoutMs: 10_000,
      visibilityMs: VISIBILITY_MS,
      ...options,
    })
    return source
  }
  const send = (...bodies: string[]): Promise<void> => queue.send(bodies.map((body) => ({ body })))
  const logged = (event: string): boolean => log.some((line) => line.includes(`"${event}"`))

  test('works alone on what must be worked on alone: others end first, and none is received meanwhile', async () => {
    const { begun, handler, until } = bound(new Invocations())
    await send('bad')
    start(handler, { concurrency: 3, alone: async ({ receiveCount }) => receiveCount > 1, timeoutMs: 600_000 })
    await until(1)
    begun[0]!.fail(new Error('bad'))
    await clock.advance(VISIBILITY_MS / 2)
    await send('slow')
    await until(2)
    await clock.advance(VISIBILITY_MS / 2)
    await send('other')
    while ((await queue.depth()).hidden < 2) await turn()
    expect(begun.map(({ event }) => bodiesOf(event))).toEqual([['bad'], ['slow']])
    begun[1]!.answer()
    await until(3)
    expect(await queue.depth()).toMatchObject({ visible: 1, hidden: 1 })
    begun[2]!.answer()
    await until(4)
    expect(begun.map(({ event }) => bodiesOf(event))).toEqual([['bad'], ['slow'], ['bad'], ['other']])
    begun[3]!.answer()
  })

  test('hands over an event as Lambda does, and deletes what succeeded', async () => {
    await send('x')
    const invocations = new Invocations()
    const running = start(invocations.handler)
    await invocations.until(1)
    const { event, context, answer } = invocations.begun[0]!
    expect(event.Records).toEqual([
      {
        messageId: expect.stringMatching(/./),
        receiptHandle: expect.stringMatching(/./),
        body: 'x',
        attributes: {
          ApproximateReceiveCount: '1',
          SentTimestamp: String(clock.now().getTime()),
          SenderId: expect.any(String),
          ApproximateFirstReceiveTimestamp: expect.any(String),
        },
        messageAttributes: {},
        md5OfBody: '9dd4e461268c8034f5c8564e155c67a6',
        eventSource: expect.any(String),
        eventSourceARN: 'backup-slice',
        awsRegion: expect.any(String),
      },
    ])
    expect(context.awsRequestId).toMatch(/^[0-9a-f]{32}$/)
    answer()
    await running.idle()
    expect(queue.bodies()).toEqual([])
  })

  test('a batch has no more messages than batchSize, and each message is handed over once', async () => {
    const sent = Array.from({ length: 25 }, (_, number) => `message ${number}`)
    await send(...sent)
    const sizes: number[] = []
    const had: string[] = []
    await start(
      async (event) => {
        sizes.push(event.Records.length)
        had.push(...bodiesOf(event))
      },
      { batchSize: 4, concurrency: 3 },
    ).idle()
    expect(Math.max(...sizes)).toBe(4)
    expect(had.toSorted()).toEqual(sent.toSorted())
    expect(queue.bodies()).toEqual([])
  })

  test('only the messages that a handler names stay; they come back when their visibility ends', async () => {
    await send('good', 'bad')
    const counts: string[] = []
    const running = start(
      async (event) => {
        counts.push(...event.Records.map(({ body, attributes }) => `${body} ${attributes.ApproximateReceiveCount}`))
        return failing(...event.Records.filter(({ body }) => body === 'bad').map(({ messageId }) => messageId))
      },
      { batchSize: 10 },
    )
    await running.idle()
    expect(queue.bodies()).toEqual(['bad'])
    expect(await queue.depth()).toMatchObject({ hidden: 1 })
    await clock.advance(VISIBILITY_MS)
    await running.idle()
    expect(counts).toEqual(['good 1', 'bad 1', 'bad 2'])
  })

  test('a handler may shorten the visibility of what it gives back', async () => {
    await send('x')
    let calls = 0
    const running = start(async ({ Records: [record] }) => {
      calls++
      await queue.changeVisibility(record!.receiptHandle, 1000)
      return failing(record!.messageId)
    })
    await running.idle()
    await clock.advance(1000)
    await running.idle()
    expect(calls).toBe(2)
  })

  test.each([
    ['throws', async () => Promise.reject(new TorikiError('source-unreachable'))],
    [
      'throws before it returns a promise',
      () => {
        throw new Error('at once')
      },
    ],
    ['names a message that is not in the batch', async () => failing('nobody')],
    ['names nothing', async () => failing('')],
    ['answers nonsense', async () => ({ batchItemFailures: [null] }) as unknown as SQSBatchResponse],
  ] as [string, EventSourceOptions['handler']][])(
    'a handler that %s gives the whole batch back',
    async (_name, handler) => {
      await send('x', 'y')
      await start(handler, { batchSize: 10 }).idle()
      expect(queue.bodies()).toEqual(['x', 'y'])
      expect(await queue.depth()).toMatchObject({ hidden: 2 })
    },
  )

  test.each([undefined, { batchItemFailures: [] }, null])('the answer %j means that all succeeded', async (answer) => {
    await send('x', 'y')
    await start(async () => answer as undefined, { batchSize: 10 }).idle()
    expect(queue.bodies()).toEqual([])
  })

  test('a message that keeps failing ends in the dead-letter queue after receivesMax tries', async () => {
    await send('bad')
    let calls = 0
    const running = start(async () => {
      calls++
      throw new Error('always')
    })
    for (let round = 0; round <= RECEIVES_MAX; round++) {
      await running.idle()
      await clock.advance(VISIBILITY_MS)
    }
    await running.idle()
    expect(calls).toBe(RECEIVES_MAX)
    expect(dead.bodies()).toEqual(['bad'])
  })

  test('no more batches are under way than the cap, and that many are', async () => {
    await send(...Array.from({ length: 20 }, (_, number) => String(number)))
    let now = 0
    let most = 0
    await start(
      async () => {
        most = Math.max(most, ++now)
        await turn()
        now--
      },
      { concurrency: 4 },
    ).idle()
    expect(most).toBe(4)
    expect(queue.bodies()).toEqual([])
  })

  test('a slow batch does not hold up the others', async () => {
    await send('slow', ...Array.from({ length: 30 }, (_, number) => String(number)))
    const done: string[] = []
    let release: () => void = () => undefined
    const running = start(
      async (event) => {
        if (bodiesOf(event)[0] === 'slow') await new Promise<void>((resolve) => (release = resolve))
        done.push(...bodiesOf(event))
      },
      { concurrency: 2 },
    )
    while (done.length < 30) await turn()
    release()
    await running.idle()
    expect(done.at(-1)).toBe('slow')
  })

  test('the remaining time falls to nothing; then the signal is aborted, and what the handler answers later deletes nothing', async () => {
    await send('x')
    const invocations = new Invocations()
    const running = start(invocations.handler)
    await invocations.until(1)
    const { context, answer } = invocations.begun[0]!
    expect(context.getRemainingTimeInMillis()).toBe(10_000)
    await clock.advance(4000)
    expect(context.getRemainingTimeInMillis()).toBe(6000)
    expect(context.signal.aborted).toBe(false)
    await clock.advance(6000)
    expect(context.getRemainingTimeInMillis()).toBe(0)
    expect(context.signal.reason).toMatchObject({ code: 'deadline' })
    answer()
    await running.idle()
    expect(queue.bodies()).toEqual(['x'])
    expect(logged('event-source.timed-out')).toBe(true)
  })

  test('a handler that hangs beyond its time makes room for the next batch', async () => {
    await send('hangs', 'next')
    const invocations = new Invocations()
    start(invocations.handler)
    await invocations.until(1)
    await clock.advance(10_000)
    await invocations.until(2)
    expect(bodiesOf(invocations.begun[1]!.event)).toEqual(['next'])
    invocations.begun[0]!.fail(new Error('long after'))
    await turn()
    expect(logged('event-source.ended-late')).toBe(true)
  })

  test('with a lease a message stays hidden as long as it is in work, and comes back soon after a crash', async () => {
    await send('x')
    const invocations = new Invocations()
    start(invocations.handler, { leaseMs: 3000 })
    await invocations.until(1)
    for (let second = 0; second < 9; second++) {
      await clock.advance(1000)
      expect(await queue.depth()).toEqual({ visible: 0, hidden: 1, delayed: 0 })
    }
    // The renewal is what keeps it: without it the lease ends three seconds after the last one.
    await clock.advance(1000) // the invocation's own time is over, and with it the renewal
    await turn()
    await source!.stop(0)
    await clock.advance(3000)
    expect(await queue.depth()).toEqual({ visible: 1, hidden: 0, delayed: 0 })
  })

  test('idle waits for what is in work, and for what that puts into the queue', async () => {
    await send('first')
    const done: string[] = []
    await start(async (event) => {
      await turn()
      const [body] = bodiesOf(event)
      if (body === 'first') await send('second')
      if (body === 'second') await send('third')
      done.push(body!)
    }).idle()
    expect(done).toEqual(['first', 'second', 'third'])
  })

  test('idle of an empty queue resolves at once, again and again', async () => {
    const running = start(async () => undefined)
    await running.idle()
    await clock.untilSleeping() // now it waits in a long receive
    await Promise.all([running.idle(), running.idle()])
    expect(clock.monotonicMs()).toBe(0)
  })

  test('a message that comes while it waits is handed over at once', async () => {
    const invocations = new Invocations()
    start(invocations.handler)
    await clock.untilSleeping()
    await send('x')
    await invocations.until(1)
    expect(clock.monotonicMs()).toBe(0)
    invocations.begun[0]!.answer()
  })

  test('stop lets what is in work end, and receives nothing more', async () => {
    await send('begun', 'waiting')
    const invocations = new Invocations()
    const running = start(invocations.handler)
    await invocations.until(1)
    const stopped = running.stop(5000)
    await turn()
    expect(invocations.begun[0]!.context.signal.aborted).toBe(false)
    invocations.begun[0]!.answer()
    await stopped
    await running.ended
    expect(invocations.begun).toHaveLength(1)
    expect(queue.bodies()).toEqual(['waiting'])
    expect(await queue.depth()).toEqual({ visible: 1, hidden: 0, delayed: 0 })
  })

  test('stop aborts what does not end in time, waits for it, and makes visible at once what it did not finish', async () => {
    await send('finished after all', 'given up')
    const invocations = new Invocations()
    const running = start(invocations.handler, { batchSize: 2, timeoutMs: 900_000 })
    await invocations.until(1)
    const stopped = running.stop(5000)
    await clock.untilSleeping(2)
    await clock.advance(5000)
    const { context, answer, event } = invocations.begun[0]!
    expect(context.signal.reason).toMatchObject({ code: 'interrupted' })
    answer(failing(event.Records.find(({ body }) => body === 'given up')!.messageId))
    await stopped
    expect(queue.bodies()).toEqual(['given up'])
    expect(await queue.depth()).toEqual({ visible: 1, hidden: 0, delayed: 0 })
  })

  test('stop does not wait for ever for a handler that does not heed the signal', async () => {
    await send('x')
    const invocations = new Invocations()
    const running = start(invocations.handler, { timeoutMs: 900_000 })
    await invocations.until(1)
    const stopped = running.stop(5000)
    for (let step = 0; step < 2; step++) {
      await clock.untilSleeping(2)
      await clock.advance(5000)
    }
    await stopped
    expect(queue.bodies()).toEqual(['x'])
  })

  test('what stop aborted may take its own time for a checkpoint', async () => {
    await send('checkpoints')
    const invocations = new Invocations()
    const running = start(invocations.handler, { timeoutMs: 900_000 })
    await invocations.until(1)
    const stopped = running.stop(2000, 30_000)
    await clock.untilSleeping(2)
    await clock.advance(2000)
    expect(invocations.begun[0]!.context.signal.aborted).toBe(true)
    await clock.untilSleeping(2)
    await clock.advance(29_000)
    invocations.begun[0]!.answer()
    await stopped
    expect(queue.bodies()).toEqual([])
  })

  test('stop while waiting for a message, twice, ends at once', async () => {
    const running = start(async () => undefined)
    await clock.untilSleeping()
    await Promise.all([running.stop(60_000), running.stop(60_000)])
    await running.idle()
    expect(clock.monotonicMs()).toBe(0)
    expect(clock.sleeping).toBe(0)
  })

  describe('when the queue fails', () => {
    const withFaults = (plan: FaultPlan): Partial<EventSourceOptions> => ({
      queue: faultyQueues(queues, new FaultInjector({ plan, clock })).queue('backup-slice'),
    })

    test('a receive that fails is tried again after a pause, and told to the log', async () => {
      await send('x')
      let calls = 0
      const running = start(
        async () => void calls++,
        withFaults(({ number }) => (number <= 3 ? { kind: 'fail-before' } : undefined)),
      )
      for (let round = 0; round < 3; round++) {
        await clock.untilSleeping()
        await clock.advance(5000)
      }
      await running.idle()
      expect(calls).toBe(1)
      expect(log.filter((line) => line.includes('receive-failed'))).toHaveLength(3)
    })

    test('a queue that refuses for good ends the source, and says so to whoever waits', async () => {
      const running = start(
        async () => undefined,
        withFaults(() => ({ kind: 'fail-before', error: new TorikiError('queue-refused') })),
      )
      await expect(running.ended).rejects.toMatchObject({ code: 'queue-refused' })
      await expect(running.idle()).rejects.toMatchObject({ code: 'queue-refused' })
      await running.stop(0)
    })

    test('a delete that fails leaves the message for another delivery, and the source goes on', async () => {
      await send('x', 'y')
      let failed = false
      const running = start(
        async () => undefined,
        withFaults(({ operation }) =>
          operation === 'delete' && !failed ? ((failed = true), { kind: 'fail-before' }) : undefined,
        ),
      )
      await running.idle()
      expect(queue.bodies()).toEqual(['x'])
      expect(logged('event-source.acknowledge-failed')).toBe(true)
      await clock.advance(VISIBILITY_MS)
      await running.idle()
      expect(queue.bodies()).toEqual([])
    })

    test('a message delivered twice in one answer is handed over twice and deleted once', async () => {
      await send('x')
      const had: string[] = []
      await start(async (event) => void had.push(...bodiesOf(event)), {
        ...withFaults(({ operation }) => (operation === 'receive' ? { kind: 'duplicate' } : undefined)),
        batchSize: 10,
      }).idle()
      expect(had).toEqual(['x', 'x'])
      expect(queue.bodies()).toEqual([])
    })
  })

  test('bodies of messages and texts of errors never reach the log', async () => {
    await send('user/secret-name')
    await start(async () => {
      throw new Error('about secret-name')
    }).idle()
    expect(logged('event-source.handler-failed')).toBe(true)
    expect(log.join('')).not.toContain('secret-name')
  })
})
