import { describe, expect, test } from '@jest/globals'
import { groundKinds, groundOf } from '../../../../lib/components/files/ground.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import { readUnderSwaps } from '../../../kit/homes/hostile-ground.ts'

const native = await loadNative()
/** By path nothing is promised against an attacker who is quick enough, which is why root may not read that way. */
const byHandle = groundKinds.filter(
  (kind) => kind !== 'path' && process.platform === 'linux' && (kind === 'proc' || native !== undefined),
)

describe('a home whose owner swaps directories and files for links while it is read', () => {
  test.each(byHandle)(
    'yields nothing from outside, by %s',
    async (kind) => {
      const outcome = await readUnderSwaps(groundOf(kind, native), { reads: 100, swaps: 300 })
      expect(outcome.leaked).toEqual([])
      expect(outcome.entries).toBeGreaterThan(outcome.reads)
      expect(outcome.failed).toEqual([])
    },
    60_000,
  )
})
