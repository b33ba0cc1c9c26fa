import { beforeEach, describe, expect, test } from '@jest/globals'
import { forgetAll } from '../../../lib/maintenance/forget.ts'
import type { RetentionPolicy } from '../../../lib/maintenance/retention.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import { beginPlan } from '../../../lib/restore/plan-restore.ts'
import { runId } from '../../../lib/runs/run-id.ts'
import { createRun } from '../../../lib/runs/run-log.ts'
import type { SourceRecord } from '../../../lib/runs/run.ts'
import type { SliceName } from '../../../lib/resources/slice.ts'
import { ANN, maintainedHouse, signal } from '../../kit/maintained-house.ts'
import type { MaintainedHouse } from '../../kit/maintained-house.ts'
import { resourcesOf } from '../../kit/slice-source.ts'

const DAY_MS = 86_400_000
const things = { 'a.txt': { content: 'hello' } }

let home: MaintainedHouse

beforeEach(async () => {
  home = await maintainedHouse()
})

/** One day later; gives the snapshot's id. */
async function night(run: string, suspect?: string): Promise<string> {
  await home.clock.advance(DAY_MS)
  const ann = await home.deployment.openSlice(ANN, { access: 'write' })
  const capture = await ann.capture({ run, signal })
  await capture.store('files', resourcesOf(things), { notes: new Notes() })
  if (suspect !== undefined) capture.suspect('files', suspect)
  return (await capture.commit([])).snapshot.id
}

/** A full run of now that lists these. */
async function fullRun(slices: readonly SliceName[], files: SourceRecord = { members: slices.length }): Promise<void> {
  const { deployment, clock } = home
  const at = clock.now().toISOString()
  await createRun(
    deployment.records,
    {
      ...{ run: runId(clock.now(), 'full', 'a test'), policy: 'full', intendedAt: at, startedAt: at },
      ...{ components: ['files'], sources: { files }, slicesNonce: 'n', attemptsMax: 3, visibilityMs: 60_000 },
    },
    slices.map((slice) => ({ slice, sliceId: deployment.sliceId(slice, 1), known: ['files'], flags: [] })),
  )
}

async function kept(policy: Partial<RetentionPolicy>): Promise<string[]> {
  const service = { platform: home.platform, repository: home.deployment }
  const wish = { policy: { timezone: 'UTC', ...policy }, slices: [ANN] as const, apply: false, signal }
  const ids: string[] = []
  for await (const one of forgetAll(service, wish)) {
    expect(one.failure).toBeUndefined()
    ids.push(...one.kept.map(({ snapshot }) => snapshot))
  }
  return ids.toSorted((a, b) => (a < b ? -1 : 1))
}

describe('forget', () => {
  test('keeps what is to be believed behind what is suspect, and the suspect one, which may yet be accepted', async () => {
    await night('run-1')
    const good = await night('run-2')
    const suspect = await night('run-3', 'it looks emptied')
    expect(await kept({ last: 1 })).toEqual([good, suspect])
  })

  test('the whole history of somebody goes so long after the last backup that saw him, and not before', async () => {
    await night('run-1')
    const last = await night('run-2')
    await home.clock.advance(DAY_MS)
    await fullRun(['user/bob'])
    await home.clock.advance(10 * DAY_MS)
    expect(await kept({ last: 1, leftMs: 30 * DAY_MS })).toEqual([last])
    expect(await kept({ last: 1, leftMs: 5 * DAY_MS })).toEqual([])
    expect(await kept({ last: 1 })).toEqual([last])
  })

  test('nobody has left whom only a run without him misses whose listing is not to be believed', async () => {
    const last = await night('run-1')
    await fullRun([ANN])
    await home.clock.advance(DAY_MS)
    await fullRun([], { members: 0, suspect: 'fewer' })
    await home.clock.advance(10 * DAY_MS)
    expect(await kept({ last: 1, leftMs: 5 * DAY_MS })).toEqual([last])
  })

  test('what a restore put aside stays while it is open, and goes when it is not', async () => {
    const { deployment, platform } = home
    await night('run-1')
    const service = { platform, repository: deployment, components: [], writers: [], limits: { attempts: 3 } }
    const { restore } = await beginPlan(service, { slices: [ANN] }, 'a wish')
    const safety = await night(restore)
    const last = await night('run-2')
    expect(await kept({ last: 1 })).toEqual([last])
    // Applied, and no slice has ended.
    await deployment.records.create(`restores/${restore}/applied`, {})
    expect(await kept({ last: 1 })).toEqual([safety, last])
  })

  test('nobody has left where no full run says who is there', async () => {
    const last = await night('run-1')
    await home.clock.advance(100 * DAY_MS)
    expect(await kept({ last: 1, leftMs: 5 * DAY_MS })).toEqual([last])
  })
})
