/** The SQS driver keeps the promises of its port on servers that we did not write: ElasticMQ and, as second opinion, moto, under a clock that the suite turns. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { AwsQueues, openAwsQueues } from '../../../lib/platform/queue/aws.ts'
import { eachQueue } from '../../../lib/platform/queue/each-queue.ts'
import type { Queues } from '../../../lib/platform/queue/port.ts'
import { CONTRACT_RECEIVES_MAX, queueContract } from '../../contract/queue.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { createQueues } from '../../kit/servers/create-queues.ts'
import { startElasticMq } from '../../kit/servers/elasticmq.ts'
import { startMoto } from '../../kit/servers/moto.ts'
import type { LocalServer } from '../../kit/servers/serve-on-port.ts'
import { standingClock, type StandingClock } from '../../kit/servers/standing-clock.ts'
import { TEST_CREDENTIALS as credentials } from '../../kit/servers/versitygw.ts'

const noRules = { visibilityMsMin: 0, receivesMin: 1 }
const servers = new Map<string, LocalServer & { readonly clock: StandingClock }>()
beforeAll(async () => {
  const start = async (name: string, make: (clock: StandingClock) => Promise<LocalServer>): Promise<void> => {
    const clock = await standingClock(new FakeClock().now())
    servers.set(name, { ...(await make(clock)), clock })
  }
  await Promise.all([start('ElasticMQ', startElasticMq), start('moto', startMoto)])
})
afterAll(() => Promise.all([...servers.values()].map((server) => server.stop())))

/** Turns the server's clock with its own. Nobody sleeps on it: a receive waits at the server. */
class ServerClock extends FakeClock {
  readonly #server: string
  constructor(server: string) {
    super()
    this.#server = server
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
    servers.get(this.#server)?.clock.setTime(new Date(this.now().getTime() + moreMs))
  }
}

let opened = 0
async function open(name: string, clock: FakeClock): Promise<Queues> {
  const { endpoint } = servers.get(name) as LocalServer
  const prefix = `campus${++opened}`
  await createQueues({ endpoint, prefix, receivesMax: CONTRACT_RECEIVES_MAX })
  const queues = await openAwsQueues({ prefix, endpoint, credentials, rules: noRules })
  return eachQueue(queues, (queue) => ({
    send: (messages) => queue.send(messages),
    receive: (options) => queue.receive(options),
    delete: (receipt) => queue.delete(receipt),
    changeVisibility: (receipt, ms) => queue.changeVisibility(receipt, ms),
    depth: () => (clock instanceof ServerClock ? clock.aMomentLater(() => queue.depth()) : queue.depth()),
  }))
}

queueContract('aws on ElasticMQ', (clock) => open('ElasticMQ', clock), {
  makeClock: () => new ServerClock('ElasticMQ'),
  exceptions: {
    'the visibility of a message that is visible again does not change':
      'ElasticMQ hides it again, SQS says MessageNotInflight',
    'a message that dies makes room for the next in the same receive': 'the next receive gives it',
  },
})
queueContract('aws on moto', (clock) => open('moto', clock), { makeClock: () => new ServerClock('moto') })

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
  const { endpoint } = servers.get('ElasticMQ') as LocalServer
  const prefix = `campus-${++opened}`
  await createQueues({ endpoint, prefix, ...made })
  const rules = { visibilityMsMin: 5_400_000, receivesMin: 5 }
  await expect(openAwsQueues({ prefix, endpoint, credentials, rules })).rejects.toMatchObject({
    code: 'queue-refused',
    retry: 'never',
    message: expect.stringMatching(says),
  })
})

test('a queue that is not there is refused by name, when it is opened and when it is used', async () => {
  const { endpoint } = servers.get('ElasticMQ') as LocalServer
  const options = { prefix: 'nobody', endpoint, credentials, rules: noRules }
  const refused = { code: 'queue-refused', message: expect.stringContaining('no queue nobody-') }
  await expect(openAwsQueues(options)).rejects.toMatchObject(refused)
  const queues = new AwsQueues(options)
  await expect(queues.queue('backup-slice').send([{ body: 'x' }])).rejects.toMatchObject(refused)
  await queues.close()
})
