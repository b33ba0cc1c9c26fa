/** The same as hostile-writes.test.ts for about a minute, and the proof that the trap catches a writer who trusts paths. */
import { describe, expect, test } from '@jest/globals'
import { groundOf } from '../../../../../lib/components/files/ground.ts'
import { loadNative } from '../../../../../lib/components/files/native.ts'
import { loadNativeWrites } from '../../../../../lib/components/files/write/native-writes.ts'
import { writingCalls } from '../../../../../lib/components/files/write/writing-calls.ts'
import { waysToWrite } from '../../../../contract/files-writer.ts'
import { naiveWritesUntilCaught, writeUnderSwaps } from '../../../../kit/homes/hostile-writes.ts'

const native = await loadNative()
const nativeWrites = await loadNativeWrites()

describe('a home whose owner swaps directories and files for links while it is written to', () => {
  test('catches a writer who trusts paths', async () => {
    expect(await naiveWritesUntilCaught(200_000)).toBeGreaterThan(0)
  })

  test.each(waysToWrite)('nothing outside is touched by tens of thousands of changes, by $name', async (way) => {
    const calls = writingCalls(way.isNative ? nativeWrites : undefined)
    const outcome = await writeUnderSwaps(groundOf(way.ground, native), calls, { rounds: 300, swaps: 3_000 })
    expect(outcome.touched).toEqual([])
    expect(outcome.ends.get('applied')).toBeGreaterThan(outcome.rounds)
  })
})
