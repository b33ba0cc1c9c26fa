/** The SQS driver keeps the promises of its port on servers that we did not write: ElasticMQ and, as second opinion, moto, under a clock that the suite turns. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { AwsQueues } from '../../../lib/platform/queue/aws.ts'
import { eachQueue } from '../../../lib/platform/queue/each-queue.ts'
import type { AwsQueuesOptions } from '../../../lib/platform/queue/aws.ts'
import { queueNames } from '../../../lib/platform/queue/port.ts'
import type { Queues } from '../../../lib/platform/queue/port.ts'
import { CONTRACT_RECEIVES_MAX, queueContract } from '../../contract/queue.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { createQueues } from '../../kit/servers/create-queues.ts'
import { startElasticMq, type ElasticMq } from '../../kit/servers/elasticmq.ts'
import { startMoto } from '../../kit/servers/moto.ts'
import { TEST_CREDENTIALS as credentials } from '../../kit/servers/versitygw.ts'

const noRules = { visibilityMsMin: 0, receivesMin: 1 }
let server: ElasticMq
beforeAll(async () => {
  server = await startElasticMq({ standsAt: new FakeClock().now() })
})
afterAll(() => server?.stop())

/** Turns the server's clock with its own. Nobody sleeps on it: a receive waits at the server. */
class ServerClock extends FakeClock {
  constructor() {
    super()
    this.#turn(0)
  }
  override async advance(ms: number): Promise<void> {
    await super.advance(ms)
    this.#turn(0)
  }
  /** The receive has reached the server; should it come later still, what the test does meanwhile is there already, and the same must hold. */
  override untilSleeping(): Promise<void> {
    return pause(200)
  }
  /** While the clock stands, a message that became visible at this very millisecond is counted as not visible yet: counted a moment later, it is. */
  async aMomentLater<T>(look: () => Promise<T>): Promise<T> {
    this.#turn(1)
    return await look().finally(() => this.#turn(0))
  }
  #turn(moreMs: number): void {
    server.setTime(new Date(this.now().getTime() + moreMs))
  }
}

let opened = 0
/** As the assembly does. */
async function openAndCheck(options: AwsQueuesOptions): Promise<AwsQueues> {
  const queues = new AwsQueues(options)
  for (const name of queueNames) await queues.check(name, { tolerant: true })
  return queues
}
async function open(clock: FakeClock): Promise<Queues> {
  const { endpoint } = server
  const prefix = `campus${++opened}`
  await createQueues({ endpoint, prefix, receivesMax: CONTRACT_RECEIVES_MAX })
  const queues = await openAndCheck({ prefix, endpoint, credentials, rules: noRules })
  return eachQueue(queues, (queue) => ({
    send: (messages) => queue.send(messages),
    receive: (options) => queue.receive(options),
    delete: (receipt) => queue.delete(receipt),
    changeVisibility: (receipt, ms) => queue.changeVisibility(receipt, ms),
    depth: () => (clock instanceof ServerClock ? clock.aMomentLater(() => queue.depth()) : queue.depth()),
  }))
}

queueContract('aws on ElasticMQ', open, {
  makeClock: () => new ServerClock(),
  exceptions: {
    'the visibility of a message that is visible again does not change':
      'ElasticMQ hides it again, SQS says MessageNotInflight',
    'a message that dies makes room for the next in the same receive': 'the next receive gives it',
  },
})
test('moto agrees: batches, counts, giving back, deleting, and the dead-letter queue after the last receive', async () => {
  // Only what needs no clock: moto's long poll asks the time, so under a standing one it never ends.
  const moto = await startMoto()
  try {
    await createQueues({ endpoint: moto.endpoint, prefix: 'campus', receivesMax: CONTRACT_RECEIVES_MAX })
    const place = { prefix: 'campus', endpoint: moto.endpoint, credentials }
    const queues = await openAndCheck({ ...place, rules: { visibilityMsMin: 5_400_000, receivesMin: 3 } })
    const [queue, dead] = [queues.queue('backup-slice'), queues.deadLetter('backup-slice')]
    const bodies = Array.from({ length: 23 }, (_, number) => `message ${number} 木`)
    await queue.send(bodies.map((body) => ({ body })))
    const received = []
    while (received.length < bodies.length)
      received.push(...(await queue.receive({ max: 10, waitMs: 0, visibilityMs: 60_000 })))
    expect(received.map(({ body }) => body).toSorted()).toEqual(bodies.toSorted())
    const [bad, ...good] = received
    for (const { receipt } of good) await queue.delete(receipt)
    let receipt = bad!.receipt
    for (let count = 2; count <= CONTRACT_RECEIVES_MAX; count++) {
      await queue.changeVisibility(receipt, 0)
      const [again] = await queue.receive({ max: 10, waitMs: 0, visibilityMs: 60_000 })
      expect(again).toMatchObject({ id: bad!.id, body: bad!.body, receiveCount: count })
      receipt = again!.receipt
    }
    expect(await queue.depth()).toEqual({ visible: 0, hidden: 1, delayed: 0 })
    await queue.changeVisibility(receipt, 0)
    expect(await queue.receive({ max: 10, waitMs: 0, visibilityMs: 60_000 })).toEqual([])
    expect(await dead.receive({ max: 10, waitMs: 0, visibilityMs: 60_000 })).toMatchObject([{ body: bad!.body }])
    await queues.close()
  } finally {
    await moto.stop()
  }
})

test.each([
  [
    'hides a message for too short',
    { visibilitySeconds: 5399, receivesMax: 5 },
    /campus-\d+-backup-slice hides .* too short/,
  ],
  [
    'gives a message up too early',
    { visibilitySeconds: 5400, receivesMax: 4 },
    /campus-\d+-backup-slice gives .* too few/,
  ],
])('a queue that %s is refused by name when it is opened', async (_, made, says) => {
  const { endpoint } = server
  const prefix = `campus-${++opened}`
  await createQueues({ endpoint, prefix, ...made })
  const rules = { visibilityMsMin: 5_400_000, receivesMin: 5 }
  await expect(openAndCheck({ prefix, endpoint, credentials, rules })).rejects.toMatchObject({
    code: 'queue-refused',
    retry: 'never',
    message: expect.stringMatching(says),
  })
})

test('a queue that is not there is refused by name, when it is opened and when it is used', async () => {
  const { endpoint } = server
  const options = { prefix: 'nobody', endpoint, credentials, rules: noRules }
  const refused = { code: 'queue-refused', message: expect.stringContaining('no queue nobody-') }
  await expect(openAndCheck(options)).rejects.toMatchObject(refused)
  const queues = new AwsQueues(options)
  await expect(queues.queue('backup-slice').send([{ body: 'x' }])).rejects.toMatchObject(refused)
  await queues.close()
})
