/** A restore by messages on servers of S3, SQS and KMS that we did not write: somebody asks and follows, `toriki work` does it, and neither has anything of the other's. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { withQueuedRestore } from '../../../lib/assemble-queued-restore.ts'
import { TorikiError } from '../../../lib/errors.ts'
import { loadSettings } from '../../../lib/load-settings.ts'
import { silentLog } from '../../../lib/log.ts'
import { followApply, followPlan } from '../../../lib/restore/follow-restore.ts'
import { beginPlan } from '../../../lib/restore/plan-restore.ts'
import { sendApply, sendPlan } from '../../../lib/restore/send-restore.ts'
import { startAwsPlaces } from '../../kit/acceptance/aws-places.ts'
import type { AwsPlaces } from '../../kit/acceptance/aws-places.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'

let places: AwsPlaces
beforeAll(async () => {
  places = await startAwsPlaces()
}, 900_000)
afterAll(() => places?.stop())

test('a home that is gone comes back, and a file that was written over, by a worker that takes the messages', async () => {
  const made = await places.make('aws', 'restore-by-message')
  const nebari = await makeNebari({ users: 2, change: (settings) => void Object.assign(settings, made) })
  const [lost, changed] = nebari.users as [string, string]
  const note = join(nebari.home(changed), 'note.txt')
  writeFileSync(note, 'as it was')
  expect(await nebari.toriki(['backup'])).toMatchObject({ status: 0 })
  const before = readdirSync(nebari.home(lost), { recursive: true })
  rmSync(nebari.home(lost), { recursive: true })
  writeFileSync(note, 'written over')
  nebari.configure((settings) => (settings.workers = 'functions'))

  const stop = new AbortController()
  const working = nebari.toriki(['work', '--only', 'plan-restore', '--only', 'restore-slice'], { signal: stop.signal })
  const { signal } = new AbortController()
  const settings = await loadSettings({ file: nebari.settings, resolve: 'platform' })
  const report = await withQueuedRestore(settings, { log: silentLog }, async (service) => {
    const wish = { slices: [`user/${lost}` as const, `user/${changed}` as const], inPlace: true }
    const { restore } = await beginPlan(service, wish, 'wish')
    await sendPlan(service, restore)
    expect(await followPlan(service, restore, { signal })).toMatchObject({ slices: 2, failed: 0 })
    expect(readFileSync(note, 'utf8')).toBe('written over')
    await sendApply(service, restore)
    return await followApply(service, restore, { signal })
  })
  stop.abort(new TorikiError('interrupted'))
  await working
  expect(report).toMatchObject({ outcome: 'complete', open: false, slices: { verified: 2 } })
  expect(readdirSync(nebari.home(lost), { recursive: true })).toEqual(before)
  expect(readFileSync(note, 'utf8')).toBe('as it was')
})
