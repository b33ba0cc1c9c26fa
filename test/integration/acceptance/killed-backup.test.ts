import { expect, test } from '@jest/globals'
import { killBackups } from '../../kit/acceptance/kill-backups.ts'
import { makeNebariWithKeycloak } from '../../kit/acceptance/nebari.ts'

test('a backup killed (-9) at 12 random moments: older snapshots open, no half snapshot shows, the next backup goes on and ends well', async () => {
  const nebari = await makeNebariWithKeycloak({ users: 40 })
  const result = await killBackups(nebari, 12, 'short')
  expect(result).toMatchObject({ kills: 12, broken: [] })
  // Most moments must fall into the work, or the test shows little.
  expect(result.wentOn).toBeGreaterThan(1)
})
