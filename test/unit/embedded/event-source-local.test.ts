import { expect, test } from '@jest/globals'
import { startEventSource } from '../../../lib/embedded/event-source.ts'
import { localPlatform } from '../../kit/memory-platform.ts'
import { temporaryFolder } from '../../kit/temporary-folder.ts'

test('over the queues of one machine every message is handled, what fails comes back, and what keeps failing dies', async () => {
  const platform = await localPlatform(await temporaryFolder(), { receivesMax: 2 })
  const { queues, clock, random, log } = platform
  const queue = queues.queue('backup-slice')
  await queue.send(Array.from({ length: 60 }, (_, number) => ({ body: String(number) })))
  const tries = new Map<string, number>()
  const source = startEventSource({
    queue,
    name: 'backup-slice',
    handler: async ({ Records }) => {
      const failed = Records.filter(({ body }) => {
        const count = (tries.get(body) ?? 0) + 1
        tries.set(body, count)
        return body === '7' || (body === '8' && count === 1)
      })
      for (const { receiptHandle } of failed) await queue.changeVisibility(receiptHandle, 0)
      return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) }
    },
    clock,
    random,
    log,
    batchSize: 5,
    concurrency: 3,
    timeoutMs: 60_000,
    visibilityMs: 360_000,
    leaseMs: 30_000,
  })
  await source.idle()
  await source.stop(1000)
  expect([...tries.values()].reduce((sum, count) => sum + count, 0)).toBe(62)
  expect(await queue.depth()).toEqual({ visible: 0, hidden: 0, delayed: 0 })
  expect(await queues.deadLetter('backup-slice').receive({ max: 10, waitMs: 0, visibilityMs: 1000 })).toMatchObject([
    { body: '7', receiveCount: 3 },
  ])
  await platform.close()
})
