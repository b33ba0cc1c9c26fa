/**
 * Two nights of a small deployment and a restore, with what goes wrong in them, worked on by the functions themselves: what each of them asked of AWS. Every function opens the service
 * for itself, as a process of its own does, and its calls are written down under its name.
 */
import { handle as backupSlice } from '../../../functions/backup-slice.ts'
import { handle as compactSlice } from '../../../functions/compact-slice.ts'
import { handle as deadLetter } from '../../../functions/dead-letter.ts'
import { handle as planRestore } from '../../../functions/plan-restore.ts'
import { handle as pruneSlice } from '../../../functions/prune-slice.ts'
import { handle as replayRun } from '../../../functions/replay-run.ts'
import { handle as restoreSlice } from '../../../functions/restore-slice.ts'
import { handle as schedule } from '../../../functions/schedule.ts'
import { handle as settleRun } from '../../../functions/settle-run.ts'
import type { Service } from '../../../lib/backup/service.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { encodeMessage } from '../../../lib/messages.ts'
import { MemoryObjectStore } from '../../../lib/platform/object-store/memory.ts'
import type { ObjectStore } from '../../../lib/platform/object-store/port.ts'
import { queueNames } from '../../../lib/platform/queue/port.ts'
import type { Queue, QueueName, ReceivedMessage } from '../../../lib/platform/queue/port.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { beginApply } from '../../../lib/restore/apply-restore.ts'
import { beginPlan } from '../../../lib/restore/plan-restore.ts'
import type { QueuedRestoreService } from '../../../lib/restore/queued-service.ts'
import { sendApply, sendPlan } from '../../../lib/restore/send-restore.ts'
import { FakeClock } from '../fake-clock.ts'
import { fakeComponent, put } from '../fake-component.ts'
import { fakeWriter } from '../fake-writer.ts'
import { memoryPlatform } from '../memory-platform.ts'
import { seededRandom } from '../seeded-random.ts'
import { queueCall, recordCalls } from './record-calls.ts'
import type { Call, Places } from './record-calls.ts'

export type QueueFunction = QueueName | 'dead-letter'
export type RecordedFunction = QueueFunction | 'schedule'

export interface Recorded {
  readonly calls: ReadonlyMap<RecordedFunction, readonly Call[]>
  /** The deployment's random id, as it stands in encryption contexts. */
  readonly deploymentId: string
}

const DAY_MS = 86_400_000
const NIGHT_STEP_MS = 60_000
const STEPS_MAX = 3_000

/** Of a function of a run, and of one of a restore. */
type RecordedService = Service & QueuedRestoreService

export async function recordFunctions(places: Places, topic: string): Promise<Recorded> {
  const clock = new FakeClock()
  const accounts = fakeComponent({ name: 'keycloak', covers: ['user'], identifies: true })
  const homes = fakeComponent({ name: 'files', covers: ['user', 'shared'] })
  const content = seededRandom('content').bytes(400_000)
  for (const name of ['ann', 'bob', 'carl', 'dora'] as const) {
    put(accounts, `user/${name}`, { profile: { name } })
    put(homes, `user/${name}`, { one: { name }, two: { name } }, true)
    homes.live.contents.set('one', content)
    accounts.live.identities.set(`user/${name}`, { id: `${name}-1`, createdAt: clock.now() })
  }
  put(homes, 'user/carl', { one: { name: 'carl' }, paper: { name: 'carl' }, two: { name: 'carl' } }, true)
  homes.live.contents.set('paper', seededRandom('paper').bytes(400_000))
  // Eve deletes most of what she had: what is left is packed anew.
  put(homes, 'user/eve', { large: { name: 'eve' }, one: { name: 'eve' } }, true)
  homes.live.contents.set('large', seededRandom('large').bytes(2_000_000))
  put(homes, 'shared', { one: { name: 'all' } })
  const writers = [fakeWriter(accounts), fakeWriter(homes)]
  /** May throw before something is written. */
  let failing: (slice: string) => void = () => undefined
  const keyStore = new MemoryObjectStore({ clock })
  const platform = memoryPlatform({ clock, keyStore, receivesMax: 2 })
  const { id: deploymentId } = await createDeployment(platform, { name: 'campus', settings: {} })

  const calls = new Map<RecordedFunction, Call[]>()
  /** While it is true the store does not answer. */
  let isDown = false
  const sometimesDown = (store: ObjectStore): ObjectStore => ({
    create: (key, body) => (refuse(), store.create(key, body)),
    get: (key, options) => (refuse(), store.get(key, options)),
    list: (prefix, options) => (refuse(), store.list(prefix, options)),
    delete: (key) => (refuse(), store.delete(key)),
  })
  const refuse = (): void => {
    if (isDown) throw new TorikiError('store-unavailable')
  }
  const services = new Map<RecordedFunction, RecordedService>()
  const serviceOf = async (name: RecordedFunction): Promise<RecordedService> => {
    const known = services.get(name)
    if (known !== undefined) return known
    const own: Call[] = []
    calls.set(name, own)
    const recorded = recordCalls(
      { ...platform, store: sometimesDown(platform.store), keyStore: sometimesDown(platform.keyStore) },
      places,
      (call) => void own.push(call),
    )
    for (const queue of queueNames) await recorded.queues.check?.(queue, { tolerant: true })
    const service: RecordedService = {
      platform: recorded,
      repository: await openDeployment(recorded, { name: 'campus' }),
      components: [accounts, homes],
      // Of the two functions of a restore; the others never look there.
      writers,
      limits: { parallel: 2, attempts: 2, shrink: 0.2, visibilityMs: NIGHT_STEP_MS, rpoMs: 3_600_000 },
      retention: { last: 1, runsMs: 2 * DAY_MS, timezone: 'UTC' },
      alarm: async () => void own.push(queueCall('sns:Publish', topic)),
      metrics: { kept: true, add: () => undefined, flush: () => undefined },
    }
    services.set(name, service)
    return service
  }

  let invocations = 0
  const invocation = () => ({ awsRequestId: `r${++invocations}`, getRemainingTimeInMillis: () => 900_000 })
  const deliver = async (name: QueueFunction, message: ReceivedMessage): Promise<boolean> => {
    const service = await serviceOf(name)
    const records = {
      Records: [
        {
          messageId: message.id,
          receiptHandle: message.receipt,
          body: message.body,
          attributes: { ApproximateReceiveCount: String(message.receiveCount) },
        },
      ],
    }
    const time = new AbortController()
    // Dora's home takes two functions.
    homes.live.beforeResource = (slice, index) => {
      if (slice === 'user/dora' && index === 2 && !message.body.includes('"part":'))
        time.abort(new TorikiError('deadline'))
    }
    writers[1]!.beforeWrite = (slice) => {
      if (slice === 'user/dora' && !message.body.includes('"part":')) time.abort(new TorikiError('deadline'))
      failing(slice)
    }
    const told = { ...invocation(), signal: time.signal }
    const answer = await {
      'backup-slice': () => backupSlice(service, records, told),
      'settle-run': () => settleRun(service, records, told),
      'replay-run': () => replayRun(service, records, told),
      'prune-slice': () => pruneSlice(service, records, told),
      'compact-slice': () => compactSlice(service, records, told),
      'plan-restore': () => planRestore(service, records, told),
      'restore-slice': () => restoreSlice(service, records, told),
      'dead-letter': () => deadLetter(service, records),
    }[name]()
    return 'batchItemFailures' in answer && answer.batchItemFailures.length === 0
  }
  const drain = async (): Promise<void> => {
    const { queues } = platform
    const sources: [QueueFunction, Queue][] = queueNames.flatMap((name): [QueueFunction, Queue][] => [
      [name, queues.queue(name)],
      ['dead-letter', queues.deadLetter(name)],
    ])
    for (let steps = 0; steps < STEPS_MAX; steps++) {
      let isQuiet = true
      for (const [name, queue] of sources) {
        const [message] = await queue.receive({ max: 1, waitMs: 0, visibilityMs: NIGHT_STEP_MS })
        if (message === undefined) continue
        isQuiet = false
        if (await deliver(name, message)) await queue.delete(message.receipt)
      }
      if (!isQuiet) continue
      const depths = await Promise.all(sources.map(([, queue]) => queue.depth()))
      if (depths.every(({ visible, hidden, delayed }) => visible + hidden + delayed === 0)) return
      await clock.advance(NIGHT_STEP_MS)
    }
    throw new Error('the queues do not drain')
  }
  /** The next visible message of a queue, if there is one. */
  const takeOne = async (name: QueueName): Promise<boolean> => {
    const queue = platform.queues.queue(name)
    const [message] = await queue.receive({ max: 1, waitMs: 0, visibilityMs: NIGHT_STEP_MS })
    if (message === undefined) return false
    if (await deliver(name, message)) await queue.delete(message.receipt)
    return true
  }
  const night = async (): Promise<string> => {
    const opened = await schedule(await serviceOf('schedule'), {}, invocation())
    if (!('run' in opened) || 'refused' in opened) throw new Error('no run was opened')
    return opened.run
  }

  // The first night: bob's account cannot be read, then for a while cannot be reached.
  accounts.live.fail = (operation, slice) =>
    operation === 'read' && slice === 'user/bob' ? new TorikiError('source-rights') : undefined
  const first = await night()
  // Called again while it is open, and refused.
  await schedule(await serviceOf('schedule'), {}, invocation())
  await drain()
  accounts.live.fail = (operation, slice) =>
    operation === 'read' && slice === 'user/bob' ? new TorikiError('source-unreachable') : undefined
  await replayRun(await serviceOf('replay-run'), { run: first }, invocation())
  await drain()
  // A message that was deleted is delivered again.
  const bob = encodeMessage({ v: 1, kind: 'backup-slice', run: first, slice: 'user/bob' })
  await platform.queues.queue('backup-slice').send([{ body: bob }])
  await drain()
  await platform.queues.queue('replay-run').send([{ body: encodeMessage({ v: 1, kind: 'replay-run', run: first }) }])
  await drain()

  // The second night: ann is another person of that name, carl's function dies without a word, nobody can read some messages.
  await clock.advance(DAY_MS)
  accounts.live.fail = () => undefined
  accounts.live.identities.set('user/ann', { id: 'ann-2', createdAt: clock.now() })
  put(homes, 'user/eve', { one: { name: 'eve' } }, true)
  const second = await night()
  const carl = encodeMessage({ v: 1, kind: 'backup-slice', run: second, slice: 'user/carl' })
  await platform.queues.deadLetter('backup-slice').send([{ body: carl }])
  for (const name of queueNames) await platform.queues.queue(name).send([{ body: 'not a message' }])
  // The first tick finds the run open, the second no store; the workers find none either.
  await clock.advance(NIGHT_STEP_MS)
  await takeOne('settle-run')
  await takeOne('settle-run')
  await clock.advance(NIGHT_STEP_MS)
  const replay = encodeMessage({ v: 1, kind: 'replay-run', run: second })
  await platform.queues.queue('replay-run').send([{ body: replay }])
  for (const name of queueNames) await serviceOf(name)
  isDown = true
  for (const name of queueNames) while (await takeOne(name));
  isDown = false
  await platform.queues
    .deadLetter('settle-run')
    .send([{ body: encodeMessage({ v: 1, kind: 'settle-run', run: second, tick: 1 }) }])
  await drain()

  // Two more, which nobody settles but who looks next: a replay, and the schedule. Bob is beyond the objective again.
  accounts.live.fail = (operation, slice) =>
    operation === 'read' && slice === 'user/bob' ? new TorikiError('source-rights') : undefined
  for (const look of ['replay-run', 'schedule'] as const) {
    await clock.advance(DAY_MS)
    const run = await night()
    while (await takeOne('backup-slice'));
    if (look === 'replay-run') await replayRun(await serviceOf(look), { run }, invocation())
    else await night()
    await drain()
  }

  // A restore of everybody: bob's home cannot be reached for a while and then not be written, which is taken back; somebody's function dies without a word.
  accounts.live.fail = () => undefined
  const people = ['ann', 'bob', 'carl', 'dora'].map((name) => `user/${name}` as const)
  for (const slice of [...people, 'shared' as const]) homes.live.slices.get(slice)?.clear()
  // What stands in carl's way is kept in the safety snapshot.
  put(homes, 'user/carl', { paper: { name: 'another' } }, true)
  homes.live.contents.set('paper', seededRandom('another paper').bytes(400_000))
  let asked = 0
  writers[1]!.foreseen = () => {
    if (++asked === 1) throw new TorikiError('source-unreachable')
    return undefined
  }
  const asking = {
    ...(await serviceOf('schedule')),
    platform,
    repository: await openDeployment(platform, { name: 'campus' }),
  }
  const { restore } = await beginPlan(asking, { slices: [...people, 'shared'], inPlace: true }, 'wish')
  await sendPlan(asking, restore)
  await drain()
  let failures = 0
  failing = (slice) => {
    if (slice !== 'user/bob') return
    throw new TorikiError(++failures < 2 ? 'source-unreachable' : 'source-rights')
  }
  await sendApply(asking, restore)
  await drain()
  const { restore: another } = await beginPlan(asking, { slices: ['shared', 'user/carl'] }, 'another wish')
  const dead = { restore: another, slice: 'user/carl' }
  await platform.queues
    .deadLetter('plan-restore')
    .send([{ body: encodeMessage({ v: 1, kind: 'plan-restore', ...dead }) }])
  await sendPlan(asking, another)
  await drain()
  await beginApply(asking, another)
  await platform.queues
    .deadLetter('restore-slice')
    .send([{ body: encodeMessage({ v: 1, kind: 'restore-slice', ...dead }) }])
  await drain()
  return { calls, deploymentId }
}
