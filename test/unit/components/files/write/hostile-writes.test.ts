import { describe, expect, test } from '@jest/globals'
import { groundOf } from '../../../../../lib/components/files/ground.ts'
import { waysToWrite } from '../../../../contract/files-writer.ts'
import { loadNative } from '../../../../../lib/components/files/native.ts'
import { loadNativeWrites } from '../../../../../lib/components/files/write/native-writes.ts'
import { writingCalls } from '../../../../../lib/components/files/write/writing-calls.ts'
import { writeUnderSwaps } from '../../../../kit/homes/hostile-writes.ts'

const native = await loadNative()
const nativeWrites = await loadNativeWrites()

describe('a home whose owner swaps directories and files for links while it is written to', () => {
  test.each(waysToWrite)(
    'nothing outside is touched, by $name',
    async ({ ground, isNative }) => {
      const calls = writingCalls(isNative ? nativeWrites : undefined)
      const outcome = await writeUnderSwaps(groundOf(ground, native), calls, { rounds: 12, swaps: 200 })
      expect(outcome.touched).toEqual([])
      // He was in the way, and something was made nevertheless.
      expect(outcome.ends.get('conflict')).toBeGreaterThan(0)
      expect(outcome.ends.get('applied')).toBeGreaterThan(outcome.rounds)
    },
    60_000,
  )
})
