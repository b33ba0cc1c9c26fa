/** plan-restore and restore-slice, delivered as a queue delivers: in any number, cut off, late. What a slice's restore does is tested with it. */
import { beforeEach, describe, expect, test } from '@jest/globals'
import { handle as deadLetter } from '../../../functions/dead-letter.ts'
import { handle as planRestore } from '../../../functions/plan-restore.ts'
import { handle as restoreSlice } from '../../../functions/restore-slice.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { encodeMessage } from '../../../lib/messages.ts'
import type { Message } from '../../../lib/messages.ts'
import { beginApply } from '../../../lib/restore/apply-restore.ts'
import { followApply, followPlan } from '../../../lib/restore/follow-restore.ts'
import { beginPlan } from '../../../lib/restore/plan-restore.ts'
import { finishPlan } from '../../../lib/restore/root-plan.ts'
import { acknowledgeSlice } from '../../../lib/restore/restore-slice.ts'
import { restoreReport } from '../../../lib/restore/restore-report.ts'
import { sendApply, sendPlan } from '../../../lib/restore/send-restore.ts'
import { findSlicePlan } from '../../../lib/restore/slice-plan.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { drainQueues } from '../../kit/drain-queues.ts'
import { queuedRestoreHouse } from '../../kit/queued-restore-house.ts'
import type { QueuedRestoreHouse } from '../../kit/queued-restore-house.ts'

const RUN = '20261121T020000000Z-full-0000000001'
const all: readonly SliceName[] = ['shared', 'user/ann', 'user/bob', 'user/cid']
const people = {
  shared: { realm: { of: 'all' } },
  'user/ann': { desk: { of: 'ann' } },
  'user/bob': { desk: { of: 'bob' } },
  'user/cid': { desk: { of: 'cid' } },
}

let house: QueuedRestoreHouse
const live = () => all.map((slice) => house.live(slice))
let whole: ReturnType<typeof live>

beforeEach(async () => {
  house = await queuedRestoreHouse(people)
  for (const slice of all) await house.backUp(RUN, slice)
  whole = live()
  for (const slice of all) house.component.live.slices.get(slice)?.clear()
})

const drain = () => drainQueues(house.recording, house.clock, { restoring: house.restoring })
const begin = async (slices: readonly SliceName[] = all): Promise<string> =>
  (await beginPlan(house.sending, { slices }, 'wish')).restore
const planned = async (slices: readonly SliceName[] = all): Promise<string> => {
  const restore = await begin(slices)
  await sendPlan(house.sending, restore)
  await drain()
  return restore
}
const report = (restore: string) => restoreReport(house.service, restore)
const stay = new AbortController().signal
const invocation = (signal?: AbortSignal) => ({
  awsRequestId: 'r',
  getRemainingTimeInMillis: () => 900_000,
  ...(signal === undefined ? {} : { signal }),
})
const event = (message: Message, attempt = 1) => ({
  Records: [
    {
      messageId: 'm',
      receiptHandle: 'r',
      body: encodeMessage(message),
      attributes: { ApproximateReceiveCount: String(attempt) },
    },
  ],
})
const slice = (restore: string, name: string, more: object = {}): Message => ({
  v: 1,
  kind: 'restore-slice',
  restore,
  slice: name,
  ...more,
})
const planOf = (restore: string, name: string): Message => ({ v: 1, kind: 'plan-restore', restore, slice: name })
const done = { batchItemFailures: [] }
const back = { batchItemFailures: [{ itemIdentifier: 'm' }] }
const waiting = async (name: 'plan-restore' | 'restore-slice', dead = false): Promise<string[]> => {
  const { queues } = house.platform
  const queue = dead ? queues.deadLetter(name) : queues.queue(name)
  const bodies: string[] = []
  for (;;) {
    const got = await queue.receive({ max: 10, waitMs: 0, visibilityMs: 1_000_000 })
    if (got.length === 0) return bodies
    for (const { body, receipt } of got) {
      bodies.push(body)
      await queue.delete(receipt)
    }
  }
}

describe('plan-restore', () => {
  test('whoever plans the last slice writes the root plan', async () => {
    const restore = await begin()
    for (const name of all) {
      expect(await house.service.repository.records.read(`restores/${restore}/plan`)).toBeUndefined()
      expect(await planRestore(house.restoring, event(planOf(restore, name)), invocation())).toEqual(done)
    }
    expect(await house.service.repository.records.read(`restores/${restore}/plan`)).toMatchObject({ slices: 4 })
  })

  test('writes nothing live, and is the same done twice', async () => {
    const restore = await planned()
    const root = await finishPlan(house.service, restore)
    await sendPlan(house.sending, restore)
    await drain()
    expect(await finishPlan(house.service, restore)).toEqual(root)
    expect(house.writer.written).toEqual([])
  })

  test('everybody’s message is sent when shared state is planned, or cannot be', async () => {
    const restore = await begin()
    await sendPlan(house.sending, restore)
    expect((await waiting('plan-restore')).map((body) => JSON.parse(body) as unknown)).toEqual([
      planOf(restore, 'shared'),
    ])
    expect(await planRestore(house.restoring, event(planOf(restore, 'shared')), invocation())).toEqual(done)
    expect(await waiting('plan-restore')).toHaveLength(3)
    await deadLetter(house.recording, event(planOf(restore, 'shared')))
    expect(await waiting('plan-restore')).toHaveLength(3)
  })

  test('what may pass is given back, and in the end it says why there is no plan, and the others are planned', async () => {
    const restore = await begin()
    house.component.live.fail = (_operation, of) =>
      of === 'user/bob' ? new TorikiError('source-unreachable') : undefined
    house.writer.foreseen = () => undefined
    const foresee = house.writer.foresee
    house.writer.foresee = async (of, ...rest) => {
      if (of.name === 'user/bob') throw new TorikiError('source-unreachable')
      return await foresee(of, ...rest)
    }
    expect(await planRestore(house.restoring, event(planOf(restore, 'user/bob')), invocation())).toEqual(back)
    await sendPlan(house.sending, restore)
    await drain()
    const sliceId = house.service.repository.sliceId('user/bob', 1)
    expect((await findSlicePlan(house.service.repository.records, { restore, sliceId }))?.failed).toMatchObject({
      code: 'source-unreachable',
    })
    expect(await finishPlan(house.service, restore)).toMatchObject({ slices: 4, failed: 1 })
  })

  test('what a function has no time for says so instead of beginning anew for ever', async () => {
    const restore = await begin(['user/bob'])
    const late = new AbortController()
    const foresee = house.writer.foresee
    house.writer.foresee = async (...given) => {
      late.abort(new TorikiError('deadline'))
      return await foresee(...given)
    }
    const look = house.writer.look
    house.writer.look = (of, keys, context) => (late.abort(new TorikiError('deadline')), look(of, keys, context))
    expect(await planRestore(house.restoring, event(planOf(restore, 'user/bob')), invocation(late.signal))).toEqual(
      done,
    )
    const sliceId = house.service.repository.sliceId('user/bob', 1)
    expect((await findSlicePlan(house.service.repository.records, { restore, sliceId }))?.failed).toMatchObject({
      code: 'deadline',
    })
  })

  test('a crash that nobody reported is the plan’s failure, and is told', async () => {
    const restore = await begin()
    for (const name of ['shared', 'user/ann', 'user/cid'])
      await planRestore(house.restoring, event(planOf(restore, name)), invocation())
    expect(await deadLetter(house.recording, event(planOf(restore, 'user/bob')))).toEqual(done)
    expect(await finishPlan(house.service, restore)).toMatchObject({ failed: 1 })
    expect(house.alarms).toMatchObject([
      { alarm: 'dead-letter', restore, failures: [{ code: 'ended-without-report', count: 1 }] },
    ])
  })

  test('a message of another restore, or of another queue, goes to dead-letter', async () => {
    const restore = await begin()
    const strange = planOf('20261121T020000000Z-restore-0123456789', 'user/ann')
    expect(await planRestore(house.restoring, event(strange), invocation())).toEqual(done)
    expect(await planRestore(house.restoring, event(slice(restore, 'user/ann')), invocation())).toEqual(done)
    expect(await waiting('plan-restore', true)).toHaveLength(2)
  })
})

describe('restore-slice', () => {
  test('nobody’s message is sent before shared state is proven', async () => {
    const restore = await planned()
    await sendApply(house.sending, restore)
    const first = await waiting('restore-slice')
    expect(first.map((body) => JSON.parse(body) as unknown)).toEqual([slice(restore, 'shared')])
    expect(await restoreSlice(house.restoring, event(slice(restore, 'shared')), invocation())).toEqual(done)
    const others = (await waiting('restore-slice')).map((body) => (JSON.parse(body) as { slice: string }).slice)
    expect(others.sort()).toEqual(['user/ann', 'user/bob', 'user/cid'])
    expect(live()).toEqual([whole[0], {}, {}, {}])
  })

  test('everybody comes back, delivered as often as it likes', async () => {
    const restore = await planned()
    for (let times = 0; times < 3; times++) {
      await sendApply(house.sending, restore)
      await drain()
    }
    expect(await report(restore)).toMatchObject({ outcome: 'complete', open: false, slices: { verified: 4 } })
    expect(live()).toEqual(whole)
    expect(house.writer.written.filter((write) => write.startsWith('create'))).toHaveLength(4)
    expect(house.alarms).toEqual([])
  })

  test('shared state that does not verify is taken back, and nobody is started', async () => {
    const restore = await planned()
    house.writer.forgets = new Set(['of'])
    await sendApply(house.sending, restore)
    await drain()
    expect(await report(restore)).toMatchObject({
      outcome: 'rolled-back',
      open: false,
      slices: { undone: 1, refused: 3 },
    })
    expect(live()).toEqual([{}, {}, {}, {}])
    expect(house.alarms).toMatchObject([
      { alarm: 'dead-letter', restore, failures: [{ code: 'restore-not-verified' }] },
    ])
  })

  test('of shared state that does not verify nobody’s message is sent', async () => {
    const restore = await planned()
    house.writer.forgets = new Set(['of'])
    await beginApply(house.service, restore)
    expect(await restoreSlice(house.restoring, event(slice(restore, 'shared')), invocation())).toEqual(done)
    expect(await waiting('restore-slice')).toEqual([])
    expect(await report(restore)).toMatchObject({ open: false, slices: { undone: 1, refused: 3 } })
  })

  test('what may pass is given back with a pause, tried again, and counted as an attempt', async () => {
    const restore = await planned(['user/bob'])
    let tries = 0
    house.writer.beforeWrite = () => {
      if (++tries <= 2) throw new TorikiError('source-unreachable')
    }
    await sendApply(house.sending, restore)
    await drain()
    expect(tries).toBeGreaterThan(2)
    expect(await report(restore)).toMatchObject({ outcome: 'complete' })
  })

  test('what did not pass is taken back with attempts of its own', async () => {
    const restore = await planned(['user/bob'])
    let failures = 0
    house.writer.beforeWrite = (_slice, write) => {
      if (write.startsWith('complete')) throw new TorikiError('source-unreachable')
      if (write === 'delete desk' && ++failures <= 2) throw new TorikiError('source-unreachable')
    }
    await sendApply(house.sending, restore)
    await drain()
    expect(failures).toBe(3)
    expect(await report(restore)).toMatchObject({ outcome: 'rolled-back', slices: { undone: 1 } })
    expect(house.live('user/bob')).toEqual({})
  })

  test('before anything is written a cause that stays refuses the slice, and lets go of it', async () => {
    const restore = await planned(['user/bob'])
    const look = house.writer.look
    house.writer.look = () => {
      throw new TorikiError('source-rights')
    }
    await sendApply(house.sending, restore)
    await drain()
    house.writer.look = look
    expect(await report(restore)).toMatchObject({
      outcome: 'refused',
      open: false,
      failures: [{ slice: 'user/bob', code: 'source-rights' }],
    })
    const stored = await house.service.repository.openSlice('user/bob', { access: 'read-trees' })
    expect(await stored?.claim('another')).toBe('another')
  })

  test('what takes longer than a function goes on in the next, and costs no attempt', async () => {
    const restore = await planned(['user/bob'])
    await beginApply(house.service, restore)
    let message = slice(restore, 'user/bob')
    // One step more each time: each function ends when it has taken one.
    for (let hop = 1; ; hop++) {
      const time = new AbortController()
      const { records } = house.service.repository
      const create: typeof records.create = async (path, value) => {
        const created = await records.create(path, value)
        if (path.includes('/slices/')) time.abort(new TorikiError('deadline'))
        return created
      }
      const slow = {
        ...house.restoring,
        repository: {
          name: house.service.repository.name,
          id: house.service.repository.id,
          sliceId: house.service.repository.sliceId.bind(house.service.repository),
          openSlice: house.service.repository.openSlice.bind(house.service.repository),
          records: {
            create,
            read: records.read.bind(records),
            readText: records.readText.bind(records),
            list: records.list.bind(records),
            delete: records.delete.bind(records),
          },
        },
      }
      expect(await restoreSlice(slow, event(message), invocation(time.signal))).toEqual(done)
      const [next] = await waiting('restore-slice')
      if (next === undefined) {
        expect(hop).toBeGreaterThan(2)
        break
      }
      message = JSON.parse(next) as Message
      expect(message).toMatchObject({ part: hop, idle: 0 })
    }
    expect(await report(restore)).toMatchObject({ outcome: 'complete' })
  })

  test('a hop that was cut off after it handed the work on does nothing when it comes again', async () => {
    const restore = await planned(['user/bob'])
    await beginApply(house.service, restore)
    const time = new AbortController()
    time.abort(new TorikiError('deadline'))
    expect(await restoreSlice(house.restoring, event(slice(restore, 'user/bob')), invocation(time.signal))).toEqual(
      done,
    )
    expect(await waiting('restore-slice')).toHaveLength(1)
    expect(await restoreSlice(house.restoring, event(slice(restore, 'user/bob'), 2), invocation())).toEqual(done)
    expect(await waiting('restore-slice')).toEqual([])
    expect(house.live('user/bob')).toEqual({})
  })

  test('where nothing comes of one function after the other it says so', async () => {
    const restore = await planned(['user/bob'])
    await beginApply(house.service, restore)
    const time = new AbortController()
    time.abort(new TorikiError('deadline'))
    let message: Message | undefined = slice(restore, 'user/bob')
    let hops = 0
    while (message !== undefined && ++hops < 20) {
      expect(await restoreSlice(house.restoring, event(message), invocation(time.signal))).toEqual(done)
      const [next] = await waiting('restore-slice')
      message = next === undefined ? undefined : (JSON.parse(next) as Message)
    }
    expect(hops).toBe(3)
    expect(await report(restore)).toMatchObject({ open: false, failures: [{ slice: 'user/bob', code: 'deadline' }] })
  })

  test('interrupted it is given back at once, and has lost nothing', async () => {
    const restore = await planned(['user/bob'])
    await beginApply(house.service, restore)
    const stop = new AbortController()
    stop.abort(new TorikiError('interrupted'))
    expect(await restoreSlice(house.restoring, event(slice(restore, 'user/bob')), invocation(stop.signal))).toEqual(
      back,
    )
    expect(await restoreSlice(house.restoring, event(slice(restore, 'user/bob'), 2), invocation())).toEqual(done)
    expect(await report(restore)).toMatchObject({ outcome: 'complete' })
  })

  test('sent before its turn it does nothing; shared state sends it again', async () => {
    const restore = await planned()
    await beginApply(house.service, restore)
    expect(await restoreSlice(house.restoring, event(slice(restore, 'user/bob')), invocation())).toEqual(done)
    expect(live()).toEqual([{}, {}, {}, {}])
    await sendApply(house.sending, restore)
    await drain()
    expect(live()).toEqual(whole)
  })

  test('before anybody asked to apply it does nothing', async () => {
    const restore = await planned()
    expect(await restoreSlice(house.restoring, event(slice(restore, 'user/bob')), invocation())).toEqual(done)
    expect(await waiting('restore-slice', true)).toEqual([])
    expect(house.writer.written).toEqual([])
  })
})

describe('a crash that nobody reported', () => {
  const crashed = async (name: SliceName, write: string, slices: readonly SliceName[] = all): Promise<string> => {
    const restore = await planned(slices)
    await beginApply(house.service, restore)
    if (slices.includes('shared') && name !== 'shared')
      await restoreSlice(house.restoring, event(slice(restore, 'shared')), invocation())
    await waiting('restore-slice')
    // The process ends: nothing more is recorded, and the queue gives the message up.
    const dead = new Promise<never>(() => undefined)
    let reached = (): void => undefined
    const wrote = new Promise<void>((resolve) => (reached = resolve))
    house.writer.beforeWrite = (_slice, what) => {
      if (what !== write) return undefined
      reached()
      return dead
    }
    void restoreSlice(house.restoring, event(slice(restore, name)), invocation())
    await wrote
    house.writer.beforeWrite = () => undefined
    expect(await deadLetter(house.recording, event(slice(restore, name)))).toEqual(done)
    return restore
  }

  test('ends the report, names slice and cause, and is told once', async () => {
    const restore = await crashed('user/bob', 'complete desk', ['user/bob'])
    await deadLetter(house.recording, event(slice(restore, 'user/bob')))
    expect(await report(restore)).toMatchObject({
      open: false,
      outcome: 'rollback-failed',
      verified: false,
      slices: { stopped: 1, pending: 0 },
      failures: [{ slice: 'user/bob', code: 'ended-without-report', outcome: 'stopped' }],
    })
    expect(house.alarms).toMatchObject([
      { alarm: 'dead-letter', restore, failures: [{ code: 'ended-without-report', count: 1 }] },
    ])
    expect(JSON.stringify(house.alarms)).not.toContain('bob')
  })

  test('resumed it goes on where it was', async () => {
    const restore = await crashed('user/bob', 'complete desk', ['user/bob'])
    await sendApply(house.sending, restore)
    expect(await report(restore)).toMatchObject({ open: true, slices: { stopped: 0, pending: 1 } })
    await drain()
    expect(await report(restore)).toMatchObject({ outcome: 'complete' })
    expect(house.live('user/bob')).toEqual(whole[2])
  })

  test('of shared state leaves nobody waiting for ever, and resumed everybody comes back', async () => {
    const restore = await crashed('shared', 'complete realm')
    expect(await report(restore)).toMatchObject({ open: false, slices: { stopped: 4, pending: 0 } })
    await sendApply(house.sending, restore)
    await drain()
    expect(await report(restore)).toMatchObject({ outcome: 'complete' })
    expect(live()).toEqual(whole)
  })

  test('acknowledged it lets go of the slice', async () => {
    const restore = await crashed('user/bob', 'complete desk', ['user/bob'])
    await acknowledgeSlice(house.service, { restore, sliceId: house.service.repository.sliceId('user/bob', 1) })
    const stored = await house.service.repository.openSlice('user/bob', { access: 'read-trees' })
    expect(await stored?.claim('another')).toBe('another')
    expect((await report(restore)).open).toBe(false)
  })

  test('the last cause that was recorded is the one that is named', async () => {
    const restore = await planned(['user/bob'])
    await beginApply(house.service, restore)
    house.writer.beforeWrite = () => {
      throw new TorikiError('source-unreachable')
    }
    expect(await restoreSlice(house.restoring, event(slice(restore, 'user/bob')), invocation())).toEqual(back)
    await deadLetter(house.recording, event(slice(restore, 'user/bob')))
    expect((await report(restore)).failures).toMatchObject([{ code: 'source-unreachable', outcome: 'stopped' }])
  })

  test('between the end of shared state and the sending of the others loses nobody', async () => {
    const restore = await planned()
    await beginApply(house.service, restore)
    await restoreSlice(house.restoring, event(slice(restore, 'shared')), invocation())
    await waiting('restore-slice')
    await deadLetter(house.recording, event(slice(restore, 'shared')))
    await drain()
    expect(live()).toEqual(whole)
    expect(house.alarms).toEqual([])
  })
})

describe('following', () => {
  /** To the next look, when it was looked. */
  const turn = async (): Promise<void> => {
    if (house.clock.sleeping > 0) await house.clock.advance(2_000)
    else await new Promise((resolve) => setImmediate(resolve))
  }

  test('ends with the plan, and with the report', async () => {
    const restore = await begin()
    await sendPlan(house.sending, restore)
    await drain()
    const seen: [number, number][] = []
    expect(
      await followPlan(house.sending, restore, { signal: stay, onLook: (...counts) => seen.push(counts) }),
    ).toMatchObject({ restore, slices: 4 })
    expect(seen.at(-1)).toEqual([4, 4])
    await sendApply(house.sending, restore)
    await drain()
    expect(await followApply(house.sending, restore, { signal: stay })).toMatchObject({ outcome: 'complete' })
  })

  test('says within a minute that nobody takes the messages', async () => {
    const restore = await begin()
    await sendPlan(house.sending, restore)
    const following = followPlan(house.sending, restore, { signal: stay })
    let error: unknown
    void following.catch((thrown: unknown) => (error = thrown))
    const begunMs = house.clock.monotonicMs()
    while (error === undefined) await turn()
    expect(error).toMatchObject({ code: 'no-consumer' })
    expect(house.clock.monotonicMs() - begunMs).toBeLessThan(65_000)
  })

  test('does not say so while somebody works on one', async () => {
    const restore = await begin()
    await sendPlan(house.sending, restore)
    await house.platform.queues.queue('plan-restore').receive({ max: 1, waitMs: 0, visibilityMs: 600_000 })
    const stop = new AbortController()
    const following = followPlan(house.sending, restore, { signal: stop.signal })
    const begunMs = house.clock.monotonicMs()
    while (house.clock.monotonicMs() - begunMs < 80_000) await turn()
    stop.abort(new TorikiError('interrupted'))
    expect(await following).toBeUndefined()
  })

  test('a slice that was given up is an end', async () => {
    const restore = await planned(['user/bob'])
    await beginApply(house.service, restore)
    await deadLetter(house.recording, event(slice(restore, 'user/bob')))
    expect(await followApply(house.sending, restore, { signal: stay })).toMatchObject({ slices: { stopped: 1 } })
  })
})
