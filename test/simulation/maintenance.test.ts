/** Prune, compact, forget and check beside a running backup of the same history, killed at any write: nothing that is kept is lost, and two prunes leave nothing dead. See README.md. */
import { describe, expect, test } from '@jest/globals'
import { askedSeed, stretch } from './seeds.ts'
import { simulateMaintenance } from './simulate-maintenance.ts'

const NEW_SEEDS = 8
const asked = askedSeed()
const seeds: (number | string)[] = asked === undefined ? [...stretch(1, NEW_SEEDS)] : [asked]

describe('whatever comes in between, nothing that is kept is lost, and nothing dead stays', () => {
  test.each(seeds)(
    'seed %s',
    async (seed) => {
      expect((await simulateMaintenance(seed)).snapshots).toBeGreaterThan(0)
    },
    120_000,
  )
})

test.each(['before', 'after'] as const)(
  'killed %s any write of backup, prune, compact or forget, all at once',
  async (when) => {
    const killedAt = (write: number) => simulateMaintenance('small', { small: { write, when } })
    const { writes, kills } = await killedAt(Number.POSITIVE_INFINITY)
    expect(kills).toBe(0)
    expect(writes).toBeGreaterThan(8)
    for (let write = 0; write < writes; write++) expect((await killedAt(write)).kills).toBe(1)
  },
  300_000,
)
