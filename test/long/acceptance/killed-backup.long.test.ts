import { expect, test } from '@jest/globals'
import { killBackups } from '../../kit/acceptance/kill-backups.ts'
import { makeNebariWithKeycloak } from '../../kit/acceptance/nebari.ts'

test('a backup killed (-9) at 200 random moments: older snapshots open, no half snapshot shows, the next backup goes on and ends well', async () => {
  const nebari = await makeNebariWithKeycloak({ users: 40 })
  const result = await killBackups(nebari, 200, 'long')
  expect(result).toMatchObject({ kills: 200, broken: [] })
  expect(result.wentOn).toBeGreaterThan(20)
})
