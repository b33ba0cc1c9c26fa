/**
 * A whole restore by messages, driven as Lambda drives it: every message is delivered twice, and the process that works on one is killed before or after any of its writes. What comes of it is
 * the same each time.
 */
import { describe, expect, test } from '@jest/globals'
import { handle as deadLetter } from '../../../functions/dead-letter.ts'
import { handle as planRestore } from '../../../functions/plan-restore.ts'
import { handle as restoreSlice } from '../../../functions/restore-slice.ts'
import { startEventSource } from '../../../lib/embedded/event-source.ts'
import type { EventHandler, EventSource } from '../../../lib/embedded/event-source.ts'
import { silentLog } from '../../../lib/log.ts'
import type { ObjectStore } from '../../../lib/platform/object-store/port.ts'
import type { Platform } from '../../../lib/platform/platform.ts'
import { openLocalQueues } from '../../../lib/platform/queue/local.ts'
import type { Queue, QueueName, Queues } from '../../../lib/platform/queue/port.ts'
import { openDeployment } from '../../../lib/repository/deployment-repository.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { beginPlan } from '../../../lib/restore/plan-restore.ts'
import type { QueuedRestoreService } from '../../../lib/restore/queued-service.ts'
import { restoreReport } from '../../../lib/restore/restore-report.ts'
import { finishPlan } from '../../../lib/restore/root-plan.ts'
import { sendApply, sendPlan } from '../../../lib/restore/send-restore.ts'
import { queuedRestoreHouse } from '../../kit/queued-restore-house.ts'
import type { QueuedRestoreHouse } from '../../kit/queued-restore-house.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

const slices: readonly SliceName[] = ['shared', 'user/ann']
const TIMEOUT_MS = 20_000
const VISIBILITY_MS = 30_000
/** More turns of the clock than any restore takes. */
const TURNS_MAX = 500

/** Ends the process at its `cut`-th write: that write is not done, or is the last that was; nothing that this process does afterwards reaches anybody. */
class Kill {
  writes = 0
  readonly #cut: number
  readonly #after: boolean
  constructor(cut: number, after: boolean) {
    this.#cut = cut
    this.#after = after
  }

  async write<T>(process: { dead: boolean }, act: () => Promise<T>): Promise<T> {
    const never = new Promise<never>(() => undefined)
    if (process.dead) return await never
    if (++this.writes !== this.#cut) return await act()
    process.dead = true
    if (this.#after) await act()
    return await never
  }
}

function killedPlatform(platform: Platform, kill: Kill, process: { dead: boolean }): Platform {
  const { store } = platform
  const killed: ObjectStore = {
    create: async (key, body) => await kill.write(process, async () => await store.create(key, body)),
    get: (key, options) => store.get(key, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key) => store.delete(key),
  }
  // Whatever is sent comes twice.
  const twice = (queue: Queue): Queue => ({
    send: async (messages) =>
      await kill.write(process, async () => await queue.send(messages.flatMap((one) => [one, one]))),
    receive: (options) => queue.receive(options),
    delete: (receipt) => queue.delete(receipt),
    changeVisibility: (receipt, ms) => queue.changeVisibility(receipt, ms),
    depth: () => queue.depth(),
  })
  const queues: Queues = {
    queue: (name) => twice(platform.queues.queue(name)),
    deadLetter: (name) => twice(platform.queues.deadLetter(name)),
    close: () => platform.queues.close(),
  }
  return { ...platform, store: killed, keyStore: killed, queues }
}

async function restored(
  kill: Kill,
  openQueues: (house: QueuedRestoreHouse) => Queues = ({ platform }) => platform.queues,
): Promise<QueuedRestoreHouse & { readonly restore: string }> {
  const house = await queuedRestoreHouse({ shared: { realm: { of: 'all' } }, 'user/ann': { desk: { of: 'ann' } } })
  for (const slice of slices) await house.backUp('20261121T020000000Z-full-0000000001', slice)
  for (const slice of slices) house.component.live.slices.get(slice)?.clear()
  house.component.live.slices.get('user/ann')?.set('desk', { of: 'somebody else' })
  const platform: Platform = { ...house.platform, queues: openQueues(house) }
  const sending = { ...house.sending, platform }

  // Of the writer there is one; who writes is the process that took the latest message.
  let latest = { dead: false }
  const write = house.writer.apply
  house.writer.apply = async (...given) => {
    const process = latest
    house.writer.beforeWrite = async () => await kill.write(process, async () => undefined)
    return await write(...given)
  }
  const process = (handle: (service: QueuedRestoreService) => Promise<unknown>): Promise<unknown> => {
    const own = { dead: false }
    latest = own
    const killed = killedPlatform(platform, kill, own)
    return openDeployment(killed, { name: 'campus' }).then((repository) =>
      handle({ ...house.restoring, platform: killed, repository }),
    )
  }
  const answering =
    (handle: (event: unknown, invocation: Parameters<EventHandler>[1]) => Promise<unknown>): EventHandler =>
    async (event, context) =>
      (await handle(event, context)) as { batchItemFailures: { itemIdentifier: string }[] }
  const source = (queue: Queue, name: string, handler: EventHandler): EventSource =>
    startEventSource({
      queue,
      name,
      handler,
      clock: house.clock,
      random: house.platform.random,
      log: silentLog,
      batchSize: 1,
      concurrency: 1,
      timeoutMs: TIMEOUT_MS,
      visibilityMs: VISIBILITY_MS,
      waitMs: 1_000,
    })
  const names: readonly Extract<QueueName, 'plan-restore' | 'restore-slice'>[] = ['plan-restore', 'restore-slice']
  const handlers = { 'plan-restore': planRestore, 'restore-slice': restoreSlice }
  const sources = names.flatMap((name) => [
    source(
      platform.queues.queue(name),
      name,
      answering((event, context) => process((service) => handlers[name](service, event, context))),
    ),
    source(
      platform.queues.deadLetter(name),
      `${name}-dead`,
      answering((event) => deadLetter({ ...house.recording, platform }, event)),
    ),
  ])
  const turnUntil = async (isReached: () => Promise<boolean>): Promise<void> => {
    for (let turns = 0; !(await isReached()); turns++) {
      if (turns > TURNS_MAX) throw new Error('it does not end')
      await house.clock.advance(1_000)
    }
  }
  const { restore } = await beginPlan(sending, { slices, inPlace: true }, 'wish')
  await sendPlan(sending, restore)
  await turnUntil(async () => (await finishPlan(house.service, restore)) !== undefined)
  await sendApply(sending, restore)
  await turnUntil(async () => !(await restoreReport(house.service, restore)).open)
  const stopping = sources.map((one) => one.stop(0))
  await house.clock.advance(5_000)
  await Promise.all(stopping)
  await platform.queues.close()
  return { ...house, restore }
}

async function expectWhole(house: QueuedRestoreHouse & { readonly restore: string }): Promise<void> {
  expect(await restoreReport(house.service, house.restore)).toMatchObject({
    outcome: 'complete',
    slices: { verified: 2 },
  })
  expect([house.live('shared'), house.live('user/ann')]).toEqual([{ realm: { of: 'all' } }, { desk: { of: 'ann' } }])
}

describe('a restore by messages', () => {
  test.each([
    ['before', false],
    ['after', true],
  ] as const)(
    'killed %s any of its writes, and every message delivered twice, is complete in the end',
    async (_when, after) => {
      let cut = 1
      for (; ; cut++) {
        const kill = new Kill(cut, after)
        const house = await restored(kill)
        try {
          await expectWhole(house)
          expect(house.alarms).toEqual([])
        } catch (error) {
          throw new Error(`cut ${cut}`, { cause: error })
        }
        if (kill.writes < cut) break
      }
      expect(cut).toBeGreaterThan(20)
    },
  )

  test('is the same by the queue of one machine', async () => {
    const folder = await temporaryFolder()
    const random = seededRandom('queue')
    const house = await restored(new Kill(0, false), ({ clock }) =>
      openLocalQueues({ folder, clock, random, receivesMax: 5 }),
    )
    await expectWhole(house)
  })
})
