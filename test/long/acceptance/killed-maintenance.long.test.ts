import { expect, test } from '@jest/globals'
import { killMaintenance, makeWorn } from '../../kit/acceptance/kill-maintenance.ts'

const KILLS = Number(process.env['TORIKI_KILLS'] ?? 500)
const SEED = process.env['TORIKI_SEED'] ?? 'long'
/** Hours that may go by before it ends with what was done until then, and fails for being too few. */
const HOURS = Number(process.env['TORIKI_HOURS'] ?? 6)

test(
  `backup, prune, forget, compact and check killed (-9) at ${KILLS} random moments, two of them side by side: nothing that is kept is lost, and two prunes leave nothing dead (seed ${SEED})`,
  async () => {
    const result = await killMaintenance(await makeWorn(), {
      kills: KILLS,
      seed: SEED,
      untilMs: Date.now() + HOURS * 3_600_000,
      progress: (line) => process.stderr.write(`${line}\n`),
    })
    expect(result).toMatchObject({ broken: [] })
    expect(result.kills).toBeGreaterThanOrEqual(KILLS)
    // Every kind was killed, and what was not killed did something.
    for (const kills of Object.values(result.killed)) expect(kills).toBeGreaterThan(0)
    expect(Math.min(result.deleted, result.repacked)).toBeGreaterThan(0)
  },
  (HOURS + 1) * 3_600_000,
)
