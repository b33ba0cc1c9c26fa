import { expect, test } from '@jest/globals'
import { killMaintenance, makeWorn } from '../../kit/acceptance/kill-maintenance.ts'

const KILLS = Number(process.env['TORIKI_KILLS'] ?? 500)

test(`backup, prune, forget, compact and check killed (-9) at ${KILLS} random moments, two of them side by side: nothing that is kept is lost, and two prunes leave nothing dead`, async () => {
  const result = await killMaintenance(await makeWorn(), KILLS, 'long')
  expect(result).toMatchObject({ broken: [] })
  expect(result.kills).toBeGreaterThanOrEqual(KILLS)
  // Every kind was killed, and what was not killed did something.
  for (const kills of Object.values(result.killed)) expect(kills).toBeGreaterThan(0)
  expect(Math.min(result.deleted, result.repacked)).toBeGreaterThan(0)
})
