/** Receives and deletes from a local queue until it finds nothing; prints the bodies it had as JSON. */
import { systemClock } from '../../../lib/platform/clock.ts'
import { openLocalQueues } from '../../../lib/platform/queue/local.ts'
import { systemRandom } from '../../../lib/platform/random.ts'

const [folder = ''] = process.argv.slice(2)
const queues = openLocalQueues({ folder, clock: systemClock, random: systemRandom, receivesMax: 5 })
const queue = queues.queue('backup-slice')
const had: string[] = []
for (;;) {
  const messages = await queue.receive({ max: 3, waitMs: 0, visibilityMs: 60_000 })
  if (messages.length === 0) break
  for (const { body, receipt } of messages) {
    had.push(body)
    await queue.delete(receipt)
  }
}
await queues.close()
process.stdout.write(JSON.stringify(had))
