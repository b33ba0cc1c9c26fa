import { expect, test } from '@jest/globals'
import { attack, attacks } from '../kit/fuzz/fuzz.ts'
import { fuzzWorld } from '../kit/fuzz/fuzz-world.ts'

const MINUTES = Number(process.env.TORIKI_FUZZ_MINUTES ?? 10)
/** So much at most, whatever is stored: what a function of 1 GiB may take. */
const RSS_BYTES_MAX = 1024 * 1024 * 1024

test(`${MINUTES} minutes of attacks on a store find no crash and no unbounded memory`, async () => {
  const world = await fuzzWorld()
  const from = Math.floor(Date.now() / 1000)
  const end = Date.now() + MINUTES * 60_000
  let [seed, count, rss] = [from, 0, 0]
  const crashes: unknown[] = []
  for (; Date.now() < end && crashes.length < 5; seed++)
    for (const kind of attacks) {
      const crash = await attack(world, kind, seed)
      count++
      rss = Math.max(rss, process.memoryUsage().rss)
      if (crash !== undefined) crashes.push({ kind, seed, crash })
    }
  process.stdout.write(`${count} attacks from seed ${from}, ${Math.round(rss / 1024 / 1024)} MiB at most\n`)
  expect(crashes).toEqual([])
  expect(rss).toBeLessThan(RSS_BYTES_MAX)
})
