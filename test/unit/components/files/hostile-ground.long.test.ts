/** The same as hostile-ground.test.ts for about a minute, and the proof that the trap catches a reader who trusts paths. */
import { describe, expect, test } from '@jest/globals'
import { groundKinds, groundOf } from '../../../../lib/components/files/ground.ts'
import { loadNative } from '../../../../lib/components/files/native.ts'
import { naiveReadsUntilCaught, readUnderSwaps } from '../../../kit/homes/hostile-ground.ts'

const native = await loadNative()
const byHandle = groundKinds.filter(
  (kind) => kind !== 'path' && process.platform === 'linux' && (kind === 'proc' || native !== undefined),
)

describe('a home whose owner swaps directories and files for links while it is read', () => {
  test('catches a reader who trusts paths', async () => {
    expect(await naiveReadsUntilCaught(200_000)).toBeGreaterThan(0)
  })

  test.each(byHandle)('yields nothing from outside in thousands of reads, by %s', async (kind) => {
    const outcome = await readUnderSwaps(groundOf(kind, native), { reads: 4_000, swaps: 20_000 })
    expect(outcome.leaked).toEqual([])
    expect(outcome.failed).toEqual([])
  })
})
