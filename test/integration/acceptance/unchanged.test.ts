import { randomFillSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import type { Report } from '../../kit/acceptance/nebari.ts'
import { storeObjects, writtenSince } from '../../kit/acceptance/store-objects.ts'

test('a second run of an unchanged deployment stores no content and 2 objects per slice: its snapshot and its event', async () => {
  const nebari = await makeNebari({ users: 20 })
  // Some that fit into a snapshot, some that need packs of their own.
  for (const user of nebari.users.slice(0, 5))
    writeFileSync(join(nebari.home(user), 'large.bin'), randomFillSync(Buffer.alloc(3_000_000)))
  const slices = 20 + 3
  expect((await nebari.toriki(['backup'])).status).toBe(0)
  const before = storeObjects(nebari.store)
  expect([...before.keys()].filter((key) => key.includes('/packs/')).length).toBeGreaterThanOrEqual(5)

  const second = await nebari.json<Report>('backup')
  expect(second).toMatchObject({ outcome: 'complete', slices: { total: slices, saved: slices } })
  const after = storeObjects(nebari.store)
  // Beside them the run itself: its record, the list of its slices, its summary.
  // (And ticks, counted by the minutes that a run takes.)
  const { 'runs/ticks': _, ...written } = writtenSince(before, after)
  expect(written).toEqual({
    'slices/snapshots': slices,
    'runs/events': slices,
    'runs/run': 1,
    'runs/slices': 1,
    'runs/summaries': 1,
  })
  expect(second.objects.put).toBe(2 * slices)
  for (const [key, size] of before) expect([key, after.get(key)]).toEqual([key, size])
})
