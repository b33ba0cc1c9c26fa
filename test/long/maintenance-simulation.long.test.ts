/** Thousands of histories with prune, compact, forget and check beside running backups. See test/simulation/README.md. */
import { expect, test } from '@jest/globals'
import { simulateMaintenance } from '../simulation/simulate-maintenance.ts'

const SEEDS = Number(process.env['TORIKI_SEEDS'] ?? 1000)

test(`${SEEDS} histories kept in order: nothing that is kept is lost, and nothing dead stays`, async () => {
  let [kills, deleted, repacked] = [0, 0, 0]
  for (let seed = 10_000; seed < 10_000 + SEEDS; seed++) {
    const counts = await simulateMaintenance(seed)
    kills += counts.kills
    deleted += counts.deleted
    repacked += counts.repacked
  }
  // It is not for want of anything to do.
  expect(Math.min(kills, deleted, repacked)).toBeGreaterThan(SEEDS / 10)
})
