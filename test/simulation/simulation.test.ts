/** Whole deployments under a seeded disorder of deliveries, faults and kills: the standing promises hold. See README.md. */
import { describe, expect, test } from '@jest/globals'
import { askedSeed, keptSeeds, stretch } from './seeds.ts'
import { simulate } from './simulate.ts'

/** Half a second to a second each. */
const NEW_SEEDS = 10
const asked = askedSeed()
const seeds: (number | string)[] = asked === undefined ? [...keptSeeds(), ...stretch(200, NEW_SEEDS)] : [asked]

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

test('a seed gives the same run again', async () => {
  const [once, again] = [await simulate(5), await simulate(5)]
  expect(again.counts).toEqual(once.counts)
  expect(again.store.keys()).toEqual(once.store.keys())
}, 60_000)
