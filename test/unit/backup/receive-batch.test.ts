import { beforeEach, describe, expect, test } from '@jest/globals'
import { receiveBatch } from '../../../lib/backup/receive-batch.ts'
import type { Handled, Handling, QueueRecord } from '../../../lib/backup/receive-batch.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { encodeMessage } from '../../../lib/messages.ts'
import type { SettleRunMessage } from '../../../lib/messages.ts'
import { recordsHouse } from '../../kit/run-house.ts'

let house: Awaited<ReturnType<typeof recordsHouse>>
const run = '20261121T020000000Z-full-0123456789'

beforeEach(async () => {
  house = await recordsHouse([])
})

const queue = () => house.platform.queues.queue('settle-run')
const invocation = { awsRequestId: 'r', getRemainingTimeInMillis: () => 900_000 }
/** Sends the bodies and hands them over in one batch. */
async function receive(
  bodies: readonly string[],
  handle: (message: SettleRunMessage, handling: Handling) => Promise<Handled>,
) {
  await queue().send(bodies.map((body) => ({ body })))
  const received = await queue().receive({ max: 10, waitMs: 0, visibilityMs: 60_000 })
  const records: QueueRecord[] = received.map(({ id, receipt, body, receiveCount }) => ({
    messageId: id,
    receiptHandle: receipt,
    body,
    attributes: { ApproximateReceiveCount: String(receiveCount) },
  }))
  const { batchItemFailures } = await receiveBatch(
    house.service,
    'settle-run',
    { Records: records },
    invocation,
    handle,
  )
  const failed = batchItemFailures.map(
    ({ itemIdentifier }) => records.find(({ messageId }) => messageId === itemIdentifier)?.body,
  )
  return { failed, dead: house.platform.queues.deadLetter('settle-run').bodies() }
}
const tick = (number: number) => encodeMessage({ v: 1, kind: 'settle-run', run, tick: number })

describe('a batch of messages', () => {
  test('gives back only what was not done', async () => {
    const { failed } = await receive([tick(1), tick(2), tick(3)], async (message) =>
      message.tick === 2 ? 1000 : undefined,
    )
    expect(failed).toEqual([tick(2)])
  })

  test('hides what is given back for its own pause', async () => {
    await receive([tick(1)], async () => 5_000)
    expect(await queue().receive({ max: 1, waitMs: 0, visibilityMs: 1 })).toEqual([])
    await house.clock.advance(5_001)
    expect(await queue().receive({ max: 1, waitMs: 0, visibilityMs: 1 })).toMatchObject([
      { body: tick(1), receiveCount: 2 },
    ])
  })

  test('one that fails unforeseen comes back, and the others are done', async () => {
    const { failed, dead } = await receive([tick(1), tick(2)], async (message) => {
      if (message.tick === 1) throw new Error('unforeseen')
      return undefined
    })
    expect({ failed, dead }).toEqual({ failed: [tick(1)], dead: [] })
  })

  test('one that can never be done goes to dead-letter at once', async () => {
    const { failed, dead } = await receive([tick(1)], () => Promise.reject(new TorikiError('run-not-found')))
    expect({ failed, dead }).toEqual({ failed: [], dead: [tick(1)] })
  })

  test.each(['not json', '{"v":2,"kind":"settle-run"}', encodeMessage({ v: 1, kind: 'replay-run', run })])(
    'one that cannot be read here goes to dead-letter: %s',
    async (body) => {
      const { failed, dead } = await receive([body], async () => undefined)
      expect({ failed, dead }).toEqual({ failed: [], dead: [body] })
    },
  )

  test('tells the handler the delivery it is and when to stop', async () => {
    const seen: Handling[] = []
    await receive([tick(1)], async (_message, handling) => void seen.push(handling))
    expect(seen).toMatchObject([{ attempt: 1, messageId: expect.any(String) }])
    let stopped: unknown
    await receive([tick(2)], async (_message, { signal }) => {
      await house.clock.advance(840_001)
      stopped = signal.reason
      return undefined
    })
    expect(stopped).toMatchObject({ code: 'deadline' })
  })

  test('says to whoever watches which slice rests without a record of its cause, and only that', async () => {
    const told: [string, string][] = []
    const service = {
      ...house.service,
      observer: {
        bytes: () => undefined,
        ended: () => undefined,
        stuck: (slice: string, { code }: TorikiError) => void told.push([slice, code]),
      },
    }
    const errors: Readonly<Record<string, TorikiError>> = {
      'user/ann': new TorikiError('store-full'),
      'user/ben': new TorikiError('run-not-found'),
    }
    const records = ['user/ann', 'user/ben', 'user/carla'].map((slice) => ({
      messageId: slice,
      receiptHandle: slice,
      body: encodeMessage({ v: 1, kind: 'backup-slice', run, slice }),
      attributes: { ApproximateReceiveCount: '1' },
    }))
    const { batchItemFailures } = await receiveBatch(
      service,
      'backup-slice',
      { Records: records },
      invocation,
      async ({ slice }) => {
        const error = errors[slice]
        if (error !== undefined) throw error
        return undefined
      },
    )
    expect(batchItemFailures).toEqual([{ itemIdentifier: 'user/ann' }])
    expect(told).toEqual([['user/ann', 'store-full']])
  })
})
