import { describe, expect, test } from '@jest/globals'
import { systemClock } from '../../lib/platform/clock.ts'
import { FaultInjector, noFaults } from '../../lib/platform/fault.ts'
import { faultyQueues } from '../../lib/platform/queue/fault.ts'
import { limitQueues } from '../../lib/platform/queue/limit.ts'
import { openLocalQueues } from '../../lib/platform/queue/local.ts'
import { MemoryQueues } from '../../lib/platform/queue/memory.ts'
import type { Queues } from '../../lib/platform/queue/port.ts'
import { retryQueues } from '../../lib/platform/queue/retry.ts'
import { systemRandom } from '../../lib/platform/random.ts'
import { runProcess } from '../kit/child-process.ts'
import { FakeClock } from '../kit/fake-clock.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { temporaryFolder } from '../kit/temporary-folder.ts'
import { CONTRACT_RECEIVES_MAX, queueContract } from './queue.ts'

const receivesMax = CONTRACT_RECEIVES_MAX
const memory = (clock: FakeClock, shuffle = false): Queues =>
  new MemoryQueues({ clock, random: seededRandom(1), receivesMax, shuffle })
const local = async (clock: FakeClock): Promise<Queues> =>
  openLocalQueues({ folder: await temporaryFolder(), clock, random: seededRandom(1), receivesMax })

queueContract('memory', async (clock) => memory(clock))
queueContract('memory, in a seeded disorder', async (clock) => memory(clock, true))
queueContract('local', local)
queueContract('memory with retries', async (clock) => retryQueues(memory(clock), { clock, random: seededRandom(2) }))
queueContract('local with retries', async (clock) =>
  retryQueues(await local(clock), { clock, random: seededRandom(2) }),
)
queueContract('memory under limits', async (clock) =>
  limitQueues(memory(clock), { clock, requestsPerSecond: 10_000, callsAtOnce: 2 }),
)
queueContract('memory with a fault injector that has no faults', async (clock) =>
  faultyQueues(memory(clock), new FaultInjector({ plan: noFaults, clock })),
)

describe('queue: local, several processes', () => {
  test('two processes that consume one queue share its messages, each message once', async () => {
    const folder = await temporaryFolder()
    const sent = Array.from({ length: 300 }, (_, number) => `message ${number}`)
    const queues = openLocalQueues({ folder, clock: systemClock, random: systemRandom, receivesMax })
    await queues.queue('backup-slice').send(sent.map((body) => ({ body })))
    const file = new URL('./processes/consume-messages.ts', import.meta.url)
    const had = (await Promise.all([runProcess(file, folder), runProcess(file, folder)])).flatMap(
      (text) => JSON.parse(text) as string[],
    )
    expect(had.toSorted()).toEqual(sent.toSorted())
    expect(await queues.queue('backup-slice').depth()).toEqual({ visible: 0, hidden: 0, delayed: 0 })
    await queues.close()
  })

  test('processes that open a new queue at the same time all get one', async () => {
    const folder = await temporaryFolder()
    const file = new URL('./processes/consume-messages.ts', import.meta.url)
    expect(await Promise.all(Array.from({ length: 4 }, () => runProcess(file, folder)))).toEqual([
      '[]',
      '[]',
      '[]',
      '[]',
    ])
  })

  test('a waiting receive sees what another process sent', async () => {
    const folder = await temporaryFolder()
    const clock = new FakeClock()
    const open = (): Queues => openLocalQueues({ folder, clock, random: systemRandom, receivesMax })
    const [here, there] = [open(), open()]
    const waiting = here.queue('replay-run').receive({ max: 1, waitMs: 20_000, visibilityMs: 1000 })
    await clock.untilSleeping()
    await there.queue('replay-run').send([{ body: 'from there' }])
    await clock.advance(200)
    expect(await waiting).toMatchObject([{ body: 'from there' }])
    await here.close()
    await there.close()
  })

  test('what was sent, received and left is there again when the queue is opened again', async () => {
    const folder = await temporaryFolder()
    const clock = new FakeClock()
    const open = (): Queues => openLocalQueues({ folder, clock, random: systemRandom, receivesMax })
    const first = open()
    await first.queue('backup-slice').send([{ body: 'done' }, { body: 'begun' }])
    const messages = await first.queue('backup-slice').receive({ max: 10, waitMs: 0, visibilityMs: 5000 })
    await first.queue('backup-slice').delete(messages.find(({ body }) => body === 'done')!.receipt)
    await first.close()
    const second = open()
    expect(await second.queue('backup-slice').depth()).toEqual({ visible: 0, hidden: 1, delayed: 0 })
    await clock.advance(5000)
    expect(await second.queue('backup-slice').receive({ max: 10, waitMs: 0, visibilityMs: 5000 })).toMatchObject([
      { body: 'begun', receiveCount: 2 },
    ])
    await second.close()
  })
})
