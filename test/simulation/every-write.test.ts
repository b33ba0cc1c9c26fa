/** A small run whose process is killed at every single write, before it and after it; another process goes on. Shared state and three people, one changed, one poisoned. */
import { expect, test } from '@jest/globals'
import { simulate } from './simulate.ts'

const killedAt = (write: number, when: 'before' | 'after') =>
  simulate('small', { nights: 2, calm: true, small: { write, when } })

test.each(['before', 'after'] as const)(
  'killed %s any write of the store or the queue, the run ends well',
  async (when) => {
    const { counts } = await killedAt(Number.POSITIVE_INFINITY, when)
    expect(counts).toMatchObject({ kills: 0, failures: 1 })
    expect(counts.writes).toBeGreaterThan(20)
    let killed = 0
    for (let write = 0; write < counts.writes; write++) killed += (await killedAt(write, when)).counts.kills
    // After the last write nobody may be left to see that the process ended.
    expect(killed).toBeGreaterThanOrEqual(counts.writes - 1)
  },
  120_000,
)
