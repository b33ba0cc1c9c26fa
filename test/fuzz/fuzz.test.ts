/** Whatever lies in the store, by chance or by a hostile writer's hand: an error of ours, and nothing else. Ten minutes of it: `npm run test:long -- test/fuzz`. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { attack, attacks } from '../kit/fuzz/fuzz.ts'
import { fuzzWorld } from '../kit/fuzz/fuzz-world.ts'
import type { FuzzWorld } from '../kit/fuzz/fuzz-world.ts'

/** Per kind of attack. */
const SEEDS = 12
let world: FuzzWorld
beforeAll(async () => {
  world = await fuzzWorld()
})

describe('a store', () => {
  test('that nobody touched is borne, and sound', async () => {
    expect(await world.exercise(world.copy())).toBeUndefined()
  })

  test.each(attacks)('under the attack "%s" gives errors of ours, and nothing else', async (kind) => {
    for (let seed = 0; seed < SEEDS; seed++)
      expect({ kind, seed, crash: await attack(world, kind, seed) }).toEqual({ kind, seed, crash: undefined })
  })
})
