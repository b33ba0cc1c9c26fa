/** prune-slice and compact-slice, sent by the end of a full run and delivered as a queue delivers. What they do to a history is tested with the repository. */
import { beforeEach, describe, expect, test } from '@jest/globals'
import { handle as compactSlice } from '../../../functions/compact-slice.ts'
import { handle as deadLetter } from '../../../functions/dead-letter.ts'
import { handle as pruneSlice } from '../../../functions/prune-slice.ts'
import { handle as schedule } from '../../../functions/schedule.ts'
import type { Service } from '../../../lib/backup/service.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { encodeMessage } from '../../../lib/messages.ts'
import type { Message } from '../../../lib/messages.ts'
import type { ObjectStore } from '../../../lib/platform/object-store/port.ts'
import type { QueueName } from '../../../lib/platform/queue/port.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { drainQueues } from '../../kit/drain-queues.ts'
import { fakeComponent, put } from '../../kit/fake-component.ts'
import type { FakeComponent } from '../../kit/fake-component.ts'
import { runHouse } from '../../kit/run-house.ts'
import type { RunHouse } from '../../kit/run-house.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { openForReading } from '../../kit/slice-source.ts'

const DAY_MS = 86_400_000
const FILES = 60
const PIECE_BYTES = 40_000
const ANN = 'user/ann'

let homes: FakeComponent
let house: RunHouse
let service: Service

beforeEach(async () => {
  homes = fakeComponent({ name: 'files', covers: ['user'] })
  put(
    homes,
    ANN,
    filesOf(() => true),
  )
  put(homes, 'user/bob', { notes: {} })
  for (let at = 0; at < FILES; at++)
    homes.live.contents.set(`piece${at}`, seededRandom(`piece ${at}`).bytes(PIECE_BYTES))
  house = await runHouse({
    components: [homes],
    repository: (platform) => createDeployment(platform, { name: 'campus', settings: {} }),
  })
  service = { ...house.service, retention: { last: 1, timezone: 'UTC' } }
})

function filesOf(stays: (at: number) => boolean): Record<string, { readonly at: number }> {
  const all = Array.from({ length: FILES }, (_, at) => [`piece${at}`, { at }] as const)
  return Object.fromEntries(all.filter(([, { at }]) => stays(at)))
}

const invocation = () => ({
  awsRequestId: `${Math.random()}`,
  getRemainingTimeInMillis: () => 900_000,
})
const event = (...messages: readonly Message[]) => ({
  Records: messages.map((message, index) => ({
    messageId: `m${index}`,
    receiptHandle: `r${index}`,
    body: encodeMessage(message),
    attributes: { ApproximateReceiveCount: '1' },
  })),
})
const done = { batchItemFailures: [] }

async function night(of: Service = service): Promise<string> {
  const opened = await schedule(of, {}, invocation())
  if (!('run' in opened) || 'refused' in opened) throw new Error('no run was opened')
  await drainQueues(of, house.clock)
  await house.clock.advance(DAY_MS + 60_000)
  return opened.run
}

async function waiting(name: QueueName, dead = false): Promise<Record<string, unknown>[]> {
  const { queues } = house.platform
  const queue = dead ? queues.deadLetter(name) : queues.queue(name)
  const found: Record<string, unknown>[] = []
  for (;;) {
    const messages = await queue.receive({ max: 10, waitMs: 0, visibilityMs: 60_000 })
    if (messages.length === 0) return found
    for (const { receipt, body } of messages) {
      found.push(JSON.parse(body) as Record<string, unknown>)
      await queue.delete(receipt)
    }
  }
}

const stored = (folder: string, slice: 'user/ann' | 'user/bob' = ANN): string[] =>
  house.platform.store
    .keys()
    .filter((key) => key.startsWith(`slices/${house.service.repository.sliceId(slice, 1)}/${folder}/`))

async function countSnapshots(): Promise<number> {
  let count = 0
  const ann = await openForReading(house.service.repository, ANN)
  for await (const _snapshot of ann.snapshots()) count++
  return count
}

async function bytesOfNewest(): Promise<number> {
  const ann = await openForReading(house.service.repository, ANN)
  const snapshot = await ann.latest('files')
  let bytes = 0
  if (snapshot !== undefined)
    for await (const { content } of ann.resources(snapshot, 'files'))
      if (content !== undefined)
        for await (const part of ann.content(content)) bytes += 'holeBytes' in part ? 0 : part.length
  return bytes
}

describe('the end of a full run', () => {
  const endOf = async (of: Service, trigger: object = {}): Promise<Record<string, unknown>[]> => {
    const opened = (await schedule(of, trigger, invocation())) as { readonly run: string }
    const sent: Record<string, unknown>[] = []
    await drainQueues(of, house.clock, {
      until: async () => {
        sent.push(...(await waiting('prune-slice')))
        return false
      },
    })
    return [...sent, ...(await waiting('prune-slice'))].map((message) => ({
      ...message,
      run: message['run'] === opened.run,
    }))
  }

  test('sends one message for everybody, and one for old records where those have a time', async () => {
    const of = { ...service, retention: { last: 1, runsMs: 400 * DAY_MS, timezone: 'UTC' } }
    const [first, ...others] = await endOf(of)
    expect(first).toEqual({ v: 1, kind: 'prune-slice', records: 'expired', run: true })
    expect(others.toSorted((one, other) => (String(one['slice']) < String(other['slice']) ? -1 : 1))).toEqual(
      [ANN, 'user/bob'].map((slice) => ({ v: 1, kind: 'prune-slice', slice, run: true })),
    )
  })

  test('also for somebody who left', async () => {
    await night({ ...house.service })
    homes.live.slices.delete('user/bob')
    const sent = (await endOf(service)).filter(({ run }) => run === true)
    expect(new Set(sent.map(({ slice }) => slice))).toEqual(new Set([ANN, 'user/bob']))
    expect(sent).toHaveLength(2)
  })

  test('sends nothing where nobody works on it, or after a run of some people', async () => {
    expect(await endOf(house.service)).toEqual([])
    expect(await endOf(service, { users: ['ann'] })).toEqual([])
  })

  test('sends it once, whoever looks at the run how often', async () => {
    const { settleRun } = await import('../../../lib/backup/settle-run.ts')
    const opened = (await schedule(service, {}, invocation())) as { readonly run: string }
    await drainQueues(service, house.clock)
    for (let look = 0; look < 3; look++) await settleRun(service, { run: opened.run })
    expect(await waiting('prune-slice')).toEqual([])
  })
})

describe('night after night', () => {
  test('what the policy does not keep is forgotten and deleted, what is mostly dead is packed anew, and what is kept is whole', async () => {
    await night()
    const [first = ''] = stored('packs')
    put(
      homes,
      ANN,
      filesOf((at) => at % 4 === 0),
    )
    for (let count = 0; count < 6; count++) await night()
    expect(await countSnapshots()).toBe(1)
    expect(stored('packs')).toHaveLength(1)
    expect(stored('packs')).not.toContain(first)
    // The one that holds what did not change, the newest, and the last nights’ that are condemned.
    expect(stored('snapshots').length).toBeLessThanOrEqual(4)
    expect(await bytesOfNewest()).toBe((FILES / 4) * PIECE_BYTES)
    expect(house.alarms).toEqual([])
  })

  test('without a policy that keeps anything nothing is forgotten, and dead packs are pruned all the same', async () => {
    const of = { ...service, retention: { runsMs: 400 * DAY_MS, timezone: 'UTC' } }
    for (let count = 0; count < 3; count++) await night(of)
    expect(await countSnapshots()).toBe(3)
    expect(house.alarms).toEqual([])
  })
})

describe('prune-slice', () => {
  const message = { v: 1, kind: 'prune-slice', slice: ANN } as const

  test('sent by hand, twice, for somebody whom nobody knows: done', async () => {
    await night(house.service)
    expect(await pruneSlice(service, event(message), invocation())).toEqual(done)
    expect(await pruneSlice(service, event(message), invocation())).toEqual(done)
    expect(await pruneSlice(service, event({ ...message, slice: 'user/nobody' }), invocation())).toEqual(done)
  })

  test('whose time is over comes back and goes on', async () => {
    await night(house.service)
    const late = { ...invocation(), signal: AbortSignal.abort(new TorikiError('deadline')) }
    expect((await pruneSlice(service, event(message), late)).batchItemFailures).toHaveLength(1)
    expect(await pruneSlice(service, event(message), invocation())).toEqual(done)
  })

  test('of what cannot be read deletes nothing and goes to dead-letter, which tells once per run', async () => {
    const run = await night(house.service)
    const [tree = ''] = stored('snapshots')
    house.platform.store.replace(tree, Buffer.alloc(100))
    const before = house.platform.store.keys()
    for (let count = 0; count < 2; count++)
      expect(await pruneSlice(service, event({ ...message, run }), invocation())).toEqual(done)
    expect(house.platform.store.keys()).toEqual(before)
    const dead = (await waiting('prune-slice', true)) as unknown as Message[]
    expect(dead).toHaveLength(2)
    expect(await deadLetter(service, event(...dead))).toEqual(done)
    expect(house.alarms).toEqual([
      expect.objectContaining({ alarm: 'dead-letter', run, message: expect.stringContaining('could not be pruned') }),
    ])
    expect(JSON.stringify(house.alarms)).not.toContain('ann')
  })

  test('which names neither a slice nor records, or both, is no message', async () => {
    const bodies = [{ v: 1, kind: 'prune-slice' } as const, { ...message, records: 'expired' } as const]
    expect(await pruneSlice(service, event(...bodies), invocation())).toEqual(done)
    expect(await waiting('prune-slice', true)).toHaveLength(2)
  })
})

describe('compact-slice', () => {
  const message = { v: 1, kind: 'compact-slice', slice: ANN } as const

  /** Two nights, of which the first is forgotten and most of what it stored dead. */
  async function worn(): Promise<void> {
    await night(house.service)
    put(
      homes,
      ANN,
      filesOf((at) => at % 4 === 0),
    )
    await night(house.service)
    const ann = await openForReading(house.service.repository, ANN)
    const ids: string[] = []
    for await (const { id } of ann.snapshots()) ids.push(id)
    await ann.forget(ids.slice(1))
  }

  test('packs anew what is alive; the same message again finds nothing to do', async () => {
    await worn()
    expect(await compactSlice(service, event(message), invocation())).toEqual(done)
    expect(stored('packs')).toHaveLength(2)
    expect(await compactSlice(service, event(message), invocation())).toEqual(done)
    expect(stored('packs')).toHaveLength(2)
  })

  test('whose time is over sends what is left to do as the next message', async () => {
    // A second pack of which little stays.
    await night(house.service)
    for (let at = 0; at < FILES / 2; at++)
      homes.live.contents.set(`piece${at}`, seededRandom(`another piece ${at}`).bytes(PIECE_BYTES))
    await worn()
    const ann = await openForReading(house.service.repository, ANN)
    const ids: string[] = []
    for await (const { id } of ann.snapshots()) ids.push(id)
    await ann.forget(ids.slice(1))
    const time = new AbortController()
    const slow: ObjectStore = {
      create: (key, body) => house.platform.store.create(key, body),
      delete: (key) => house.platform.store.delete(key),
      list: (prefix, options) => house.platform.store.list(prefix, options),
      get: async (key, options) => {
        if (key.includes('/packs/')) time.abort(new TorikiError('deadline'))
        return await house.platform.store.get(key, options)
      },
    }
    const repository = await openDeployment({ ...house.platform, store: slow }, { name: 'campus' })
    const told = { ...invocation(), signal: time.signal }
    const before = stored('packs').length
    expect(before).toBeGreaterThan(1)
    expect(await compactSlice({ ...service, repository }, event(message), told)).toEqual(done)
    expect(stored('packs')).toHaveLength(before + 1)
    const [next] = await waiting('compact-slice')
    expect(next).toEqual({ ...message, part: 1 })
    expect(await compactSlice(service, event(next as unknown as Message), invocation())).toEqual(done)
    expect(await waiting('compact-slice')).toEqual([])
  })

  test('what does not open is told once per run, names nobody, and is not carried on', async () => {
    await worn()
    const [pack = ''] = stored('packs')
    const bytes = Buffer.from(house.platform.store.peek(pack) ?? Buffer.alloc(0))
    bytes[200] = (bytes[200] ?? 0) ^ 1
    house.platform.store.replace(pack, bytes)
    await house.clock.advance(2 * DAY_MS)
    const run = '20260301T020000000Z-full-5dc71102f1'
    for (let count = 0; count < 2; count++)
      expect(await compactSlice(service, event({ ...message, run }), invocation())).toEqual(done)
    expect(house.alarms).toEqual([expect.objectContaining({ alarm: 'damaged', run })])
    expect(JSON.stringify(house.alarms)).not.toContain('ann')
  })
})
