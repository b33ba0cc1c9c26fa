import { expect, test } from '@jest/globals'
import { killRestores } from '../../kit/acceptance/kill-restores.ts'
import { makeRestorableNebari } from '../../kit/acceptance/restorable-nebari.ts'

test('a restore killed (-9) at 8 random moments, and gone on with: everybody is as stored, nothing temporary is left, what was before is kept', async () => {
  const nebari = await makeRestorableNebari({ users: 10 })
  const result = await killRestores(nebari, 8, 'short')
  expect(result).toMatchObject({ kills: 8, broken: [] })
  // Some moments must fall into the work, or the test shows little.
  expect(result.wentOn).toBeGreaterThan(0)
})
