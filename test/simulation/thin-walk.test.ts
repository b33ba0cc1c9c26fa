/** One seed without faults: the house walks, and the checker finds everything well. */
import { expect, test } from '@jest/globals'
import { simulate } from './simulate.ts'

test('three quiet nights: everything the checker finds is as the source was, and no key was written twice', async () => {
  const { counts, refused } = await simulate('quiet', { nights: 3, calm: true })
  expect(counts.snapshots).toBeGreaterThan(10)
  expect(counts.failures).toBe(0)
  expect(refused).toEqual([])
}, 60_000)
