/** Creates objects and sends messages as fast as it can until it is killed; prints each number when both are promised to be durable. */
import { join } from 'node:path'
import { systemClock } from '../../../lib/platform/clock.ts'
import { LocalObjectStore } from '../../../lib/platform/object-store/local.ts'
import { openLocalQueues } from '../../../lib/platform/queue/local.ts'
import { systemRandom } from '../../../lib/platform/random.ts'

const [folder = ''] = process.argv.slice(2)
const store = new LocalObjectStore({ folder: join(folder, 'store'), clock: systemClock, random: systemRandom })
const queue = openLocalQueues({
  folder: join(folder, 'queue'),
  clock: systemClock,
  random: systemRandom,
  receivesMax: 5,
}).queue('backup-slice')
for (let number = 0; ; number++) {
  await Promise.all([
    store.create(`k${number % 10}/${number}`, Buffer.alloc(200_000, number)),
    queue.send([{ body: String(number) }]),
  ])
  process.stdout.write(`${number}\n`)
}
