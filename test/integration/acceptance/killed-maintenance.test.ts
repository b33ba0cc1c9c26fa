import { expect, test } from '@jest/globals'
import { killMaintenance, makeWorn } from '../../kit/acceptance/kill-maintenance.ts'

test('backup, prune, forget, compact and check killed (-9) at 8 random moments, two of them side by side: nothing that is kept is lost, and two prunes leave nothing dead', async () => {
  const result = await killMaintenance(await makeWorn(), { kills: 8, seed: 'short' })
  expect(result).toMatchObject({ broken: [] })
  expect(result.kills).toBeGreaterThanOrEqual(8)
})
