/** Whole deployments under a seeded disorder of deliveries, faults and kills: the standing promises hold. See README.md. */
import { describe, expect, test } from '@jest/globals'
import { askedSeed, keptSeeds, stretch } from './seeds.ts'
import { simulate } from './simulate.ts'

/** A third of a second each on an idle core. */
const NEW_SEEDS = 30
const asked = askedSeed()
const seeds: (number | string)[] = asked === undefined ? [...keptSeeds(), ...stretch(1, NEW_SEEDS)] : [asked]

describe('whatever comes in between, the promises hold', () => {
  test.each(seeds)(
    'seed %s',
    async (seed) => {
      const { counts } = await simulate(seed)
      expect(counts.snapshots).toBeGreaterThan(0)
    },
    60_000,
  )
})
