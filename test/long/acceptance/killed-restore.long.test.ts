import { expect, test } from '@jest/globals'
import { killRestores } from '../../kit/acceptance/kill-restores.ts'
import { makeRestorableNebari } from '../../kit/acceptance/restorable-nebari.ts'

test('a restore killed (-9) at 100 random moments, and gone on with: everybody is as stored, nothing temporary is left, what was before is kept', async () => {
  const nebari = await makeRestorableNebari({ users: 20 })
  const result = await killRestores(nebari, 100, 'long')
  expect(result).toMatchObject({ kills: 100, broken: [] })
  expect(result.wentOn).toBeGreaterThan(10)
})
