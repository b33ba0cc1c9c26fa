import { expect, test } from '@jest/globals'
import { loadNative } from '../../../../lib/components/files/native.ts'
import { loadNativeWrites } from '../../../../lib/components/files/write/native-writes.ts'

test('whichever of reading and writing calls for it first, both have their native calls', async () => {
  const writes = await loadNativeWrites()
  const reads = await loadNative()
  expect(reads === undefined).toBe(writes === undefined)
  expect(process.platform !== 'linux' || reads !== undefined).toBe(true)
})
