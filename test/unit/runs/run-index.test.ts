import { describe, expect, test } from '@jest/globals'
import { runId } from '../../../lib/runs/run-id.ts'
import { runIdsNewestFirst } from '../../../lib/runs/run-index.ts'
import { memoryRecords } from '../../kit/memory-records.ts'

const now = new Date('2026-11-21T02:00:00Z')
const daysAgo = (days: number) => runId(new Date(now.getTime() - days * 86_400_000), 'full', 'schedule')

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

async function recordsOf(runs: readonly string[], events: number) {
  const records = memoryRecords()
  for (const run of runs) {
    await records.create(`runs/${run}/run`, {})
    for (let n = 0; n < events; n++) await records.create(`runs/${run}/events/a${n}.000001.saved`, {})
  }
  await records.create('runs/unreadable/0123', {})
  return records
}

describe('runs, newest first', () => {
  test('are all there, once each, whatever their age', async () => {
    const runs = [0, 1, 7, 8, 9, 63, 64, 65, 500, 513, 3000].map(daysAgo)
    const records = await recordsOf(runs, 2)
    expect(await all(runIdsNewestFirst(records, now))).toEqual(runs)
  })

  test('include one whose time is ahead of this clock', async () => {
    const records = await recordsOf([daysAgo(-400), daysAgo(1)], 0)
    expect(await all(runIdsNewestFirst(records, now))).toEqual([daysAgo(-400), daysAgo(1)])
  })

  test('cost one listing a run, however many records each has', async () => {
    const records = await recordsOf([0, 1, 2, 40, 100].map(daysAgo), 50)
    for await (const run of runIdsNewestFirst(records, now)) if (run === daysAgo(0)) break
    // Three runs of the last week and what follows them.
    expect(records.counts.lists).toBeLessThanOrEqual(4)
  })
})
