/** Tries to create the objects race/0 … race/<count − 1> in a local store, each holding this process's name; prints the numbers it won as JSON. */
import { isTorikiError } from '../../../lib/errors.ts'
import { systemClock } from '../../../lib/platform/clock.ts'
import { LocalObjectStore } from '../../../lib/platform/object-store/local.ts'
import { systemRandom } from '../../../lib/platform/random.ts'

const [folder = '', name = '', count = ''] = process.argv.slice(2)
const store = new LocalObjectStore({ folder, clock: systemClock, random: systemRandom })
const won: number[] = []
for (let number = 0; number < Number(count); number++) {
  try {
    await store.create(`race/${number % 7}/${number}`, Buffer.from(name))
    won.push(number)
  } catch (error) {
    if (!isTorikiError(error, 'object-exists')) throw error
  }
}
process.stdout.write(JSON.stringify(won))
