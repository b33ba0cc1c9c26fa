import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { deadOf, packsToRepack } from '../../../lib/repository/compact-choice.ts'
import type { PackUse } from '../../../lib/repository/compact-choice.ts'

const use = (packId: string, neededBytes: number, heldBytes = 100, isEligible = true): PackUse => ({
  ...{ packId, heldBytes, neededBytes, isEligible },
})
const ids = (packs: readonly PackUse[]): string[] => packs.map(({ packId }) => packId)
const all = { deadShareMax: 0, deadBytesMin: 1 }

describe('which packs are packed anew', () => {
  test('those with the largest dead share first, until no more is dead than may be', () => {
    const packs = [use('a', 90), use('b', 10), use('c', 50), use('d', 100)]
    expect(ids(packsToRepack(packs, { ...all, deadShareMax: 0.2 }))).toEqual(['b'])
    expect(ids(packsToRepack(packs, { ...all, deadShareMax: 0.1 }))).toEqual(['b', 'c'])
    expect(ids(packsToRepack(packs, all))).toEqual(['b', 'c', 'a'])
    expect(ids(packsToRepack(packs, { ...all, deadShareMax: 1 }))).toEqual([])
  })

  test('never one that nothing needs: prune takes it as it is', () => {
    expect(packsToRepack([use('a', 0), use('b', 100)], all)).toEqual([])
  })

  test('never one that may not be, nor one of which all is needed', () => {
    expect(packsToRepack([use('a', 10, 100, false), use('b', 100)], all)).toEqual([])
  })

  test('none where there is too little to free', () => {
    expect(packsToRepack([use('a', 1)], { ...all, deadBytesMin: 100 })).toEqual([])
    expect(ids(packsToRepack([use('a', 1)], { ...all, deadBytesMin: 99 }))).toEqual(['a'])
  })

  test('what is left dead in packs that may be chosen is within the share', () => {
    const anyUse = fc.record({
      packId: fc.uuid(),
      heldBytes: fc.integer({ min: 1, max: 1000 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      isEligible: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(anyUse), fc.double({ min: 0, max: 0.9, noNaN: true }), (uses, deadShareMax) => {
        const packs = uses.map(({ share, ...one }) => ({ ...one, neededBytes: Math.floor(one.heldBytes * share) }))
        const chosen = new Set(packsToRepack(packs, { deadShareMax, deadBytesMin: 0 }))
        const needed = packs.filter(({ neededBytes }) => neededBytes > 0)
        const left = needed
          .filter((one) => one.isEligible && !chosen.has(one))
          .reduce((sum, one) => sum + deadOf(one), 0)
        const neededBytes = needed.reduce((sum, one) => sum + one.neededBytes, 0)
        expect(left).toBeLessThanOrEqual((neededBytes * deadShareMax) / (1 - deadShareMax) + 1e-6)
      }),
    )
  })
})
