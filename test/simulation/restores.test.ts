/** Whole deployments that are restored under a seeded disorder of deliveries, faults, kills and people at work: the promises of a restore hold. See README.md. */
import { describe, expect, test } from '@jest/globals'
import { askedSeed, keptRestoreSeeds, stretch } from './seeds.ts'
import { simulateRestores } from './simulate-restores.ts'

/** A second each. */
const NEW_SEEDS = 4
const asked = askedSeed()
const seeds: (number | string)[] = asked === undefined ? [...keptRestoreSeeds(), ...stretch(2, NEW_SEEDS)] : [asked]

describe('whatever comes in between, a restore keeps its promises', () => {
  test.each(seeds)(
    'seed %s',
    async (seed) => {
      const { verified, undone, refused, undoFailed } = (await simulateRestores(seed)).counts
      expect(verified + undone + refused + undoFailed).toBeGreaterThan(0)
    },
    60_000,
  )
})

test('in calm everything comes back, and a seed gives the same again', async () => {
  const [once, again] = [await simulateRestores('calm', { calm: true }), await simulateRestores('calm', { calm: true })]
  expect(once.counts).toMatchObject({ kills: 0, undone: 0, refused: 0, undoFailed: 0 })
  expect(once.counts.verified).toBeGreaterThan(3)
  expect(again).toEqual(once)
}, 60_000)

test.each(['before', 'after'] as const)(
  'killed %s any write, to the store or to a live system, it ends restored',
  async (when) => {
    const killedAt = async (write: number) =>
      (await simulateRestores('small', { rounds: 1, calm: true, small: { write, when } })).counts
    const { writes, kills } = await killedAt(Number.POSITIVE_INFINITY)
    expect(kills).toBe(0)
    expect(writes).toBeGreaterThan(30)
    const strides = 11
    let [killed, tried] = [0, 0]
    for (let write = 0; write < writes; write += strides, tried++) {
      const counts = await killedAt(write)
      killed += counts.kills
      expect(counts).toMatchObject({ undone: 0, refused: 0, undoFailed: 0 })
    }
    // After the last write nobody may be left to see that the process ended.
    expect(killed).toBeGreaterThanOrEqual(tried - 1)
  },
  120_000,
)
