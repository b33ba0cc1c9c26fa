/** The simulation for hours: thousands of seeds beyond those of `npm test`, longer histories, and small runs killed at every write under other seeds; the same of restores. */
import { describe, expect, test } from '@jest/globals'
import { askedSeed, stretch } from '../simulation/seeds.ts'
import { simulateRestores } from '../simulation/simulate-restores.ts'
import { simulate } from '../simulation/simulate.ts'

/** Seeds in one test: a failing one names itself, and the others of its batch go on in the next. */
const BATCH = 50
const SEEDS = 4000
const FIRST = 10_000

const asked = askedSeed()
const batches = asked === undefined ? stretch(0, SEEDS / BATCH).map((batch) => FIRST + batch * BATCH) : []

describe('the simulation, long', () => {
  test.each(batches)('seeds from %i on', async (from) => {
    const failed: string[] = []
    for (const seed of stretch(from, BATCH)) await simulate(seed).catch((error: Error) => failed.push(error.message))
    expect(failed).toEqual([])
  })

  const histories: (number | string)[] = asked === undefined ? [...stretch(1, 40)] : [asked]
  test.each(histories)('ten nights of seed long-%s', async (seed) => {
    const { counts } = await simulate(`long-${seed}`, { nights: 10 })
    expect(counts.snapshots).toBeGreaterThan(20)
  })

  test.each(stretch(1, 20))('small runs killed at every write, seed %i', async (seed) => {
    for (const when of ['before', 'after'] as const) {
      for (let write = 0, writes = 1; write < writes; write++)
        ({ writes } = (await simulate(`small-${seed}`, { nights: 2, calm: true, small: { write, when } })).counts)
    }
  })
})

describe('homes in ranges, long', () => {
  test.each(batches.slice(0, 10))('seeds from %i on', async (from) => {
    const failed: string[] = []
    for (const seed of stretch(from, BATCH))
      await simulate(seed, { ranged: true }).catch((error: Error) => failed.push(error.message))
    expect(failed).toEqual([])
  })

  test.each(stretch(1, 5))('small runs killed at every write, seed %i', async (seed) => {
    for (const when of ['before', 'after'] as const) {
      for (let write = 0, writes = 1; write < writes; write++) {
        const small = { nights: 2, calm: true, ranged: true, small: { write, when } }
        ;({ writes } = (await simulate(`small-${seed}`, small)).counts)
      }
    }
  })
})

describe('restores, long', () => {
  test.each(batches)('seeds from %i on', async (from) => {
    const failed: string[] = []
    for (const seed of stretch(from, BATCH))
      await simulateRestores(seed).catch((error: Error) => failed.push(error.message))
    expect(failed).toEqual([])
  })

  const histories: (number | string)[] = asked === undefined ? [...stretch(1, 40)] : [asked]
  test.each(histories)('ten restores after each other, of seed long-%s', async (seed) => {
    const { verified } = (await simulateRestores(`long-${seed}`, { rounds: 10 })).counts
    expect(verified).toBeGreaterThan(0)
  })

  test.each(stretch(1, 5))('killed at every write, seed %i', async (seed) => {
    for (const when of ['before', 'after'] as const) {
      for (let write = 0, writes = 1; write < writes; write++) {
        const small = { rounds: 1, calm: true, small: { write, when } }
        const { counts } = await simulateRestores(`small-${seed}`, small)
        expect(counts).toMatchObject({ undone: 0, refused: 0, undoFailed: 0 })
        ;({ writes } = counts)
      }
    }
  })
})
