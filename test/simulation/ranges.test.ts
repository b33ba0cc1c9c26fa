/** The same disorder, where homes are divided and read in ranges by several functions at once: the same promises. See README.md. */
import { expect, test } from '@jest/globals'
import { askedSeed, stretch } from './seeds.ts'
import { simulate } from './simulate.ts'

/** One to five seconds each. 701: borders that were condemned; it once failed everybody. */
const NEW_SEEDS = 6
const asked = askedSeed()
const seeds: readonly (number | string)[] = asked === undefined ? stretch(700, NEW_SEEDS) : [asked]

test.each(seeds)(
  'seed %s: homes in ranges are whole, once, and as they were',
  async (seed) => {
    const { counts } = await simulate(seed, { ranged: true })
    expect(counts.snapshots).toBeGreaterThan(0)
  },
  120_000,
)
