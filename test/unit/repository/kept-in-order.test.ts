/** Any history of backups, forgets, prunes and compacts, each cut off at any write: what is kept is whole, and two prunes leave nothing dead. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { HOUR_MS, cutAt, maintainedHouse } from '../../kit/maintained-house.ts'
import { expected } from '../../kit/slice-source.ts'
import type { Things } from '../../kit/slice-source.ts'

/** Of so many the tree has no place in a snapshot. */
const FILES = 130
const STATE = '.'.repeat(260)

/** Each seed gives other files their second content, so that packs are dead in part. */
function thingsOf({ seed, count }: { readonly seed: number; readonly count: number }): Things {
  const files = Array.from({ length: count }, (_, at): [string, Things[string]] => [
    `f${String(at).padStart(3, '0')}`,
    { state: `${STATE}${at}`, content: `${(at * seed) % 5} ${at} ${STATE}` },
  ])
  return Object.fromEntries(files)
}

const step = fc.record({
  what: fc.constantFrom('backup', 'backup', 'backup', 'forget', 'prune', 'compact'),
  things: fc.record({ seed: fc.integer({ min: 1, max: 4 }), count: fc.constantFrom(3, FILES, FILES) }),
  /** Writes until the process is gone; absent: it ends well. */
  cut: fc.option(fc.nat({ max: 6 }), { nil: undefined }),
  hours: fc.constantFrom(1, 13, 25),
})

describe('any history', () => {
  test('of backups, forgets, prunes and compacts that are cut off anywhere keeps what is kept, and nothing dead', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 12 }), async (steps) => {
        const home = await maintainedHouse()
        const kept = new Map<string, Things>()
        for (const [at, { what, things, cut, hours }] of steps.entries()) {
          const counted = cutAt(home.store, cut ?? Number.POSITIVE_INFINITY)
          const cutOff = await home.over(home.store, counted.store)
          const run = `run-${10 + at}`
          const [oldest] = kept.size > 1 ? kept.keys() : []
          const isFirst = kept.size === 0
          try {
            if (what === 'backup' || isFirst) {
              // Keys first: without them there is nothing to keep in order.
              const id = await (isFirst ? home : cutOff).backUp(run, thingsOf(things))
              kept.set(id, thingsOf(things))
            } else if (what === 'forget' && oldest !== undefined) {
              kept.delete(oldest)
              await cutOff.forget(oldest)
            } else if (what === 'prune') await cutOff.prune()
            else if (what === 'compact') expect((await cutOff.compact()).damage).toEqual([])
          } catch (error) {
            expect(error).toHaveProperty('message', 'cut off')
          }
          await home.clock.advance(hours * HOUR_MS)
        }
        for (const [id, things] of kept) expect(await home.read(id)).toEqual(expected(things))
        for (let prune = 0; prune < 2; prune++) {
          await home.clock.advance(25 * HOUR_MS)
          await home.prune()
        }
        for (const [id, things] of kept) expect(await home.read(id)).toEqual(expected(things))
        const { packs = 0, trees = 0, condemned = 0 } = home.folders()
        const report = await home.prune({ apply: false })
        expect(report).toMatchObject({ condemned: { packs: 0, snapshots: 0 }, waiting: { packs: 0 } })
        expect([packs + trees, condemned]).toEqual([report.kept.packs, 0])
      }),
      { numRuns: 12 },
    )
  }, 240_000)
})
