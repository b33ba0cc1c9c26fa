/** The main job on S3, SQS and KMS with as many people as a large deployment has. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startAwsPlaces } from '../../kit/acceptance/aws-places.ts'
import type { AwsPlaces } from '../../kit/acceptance/aws-places.ts'
import { emptiedHomes, keepSomething } from '../../kit/acceptance/emptied-homes.ts'
import { killBackups } from '../../kit/acceptance/kill-backups.ts'
import { makeNebariWithKeycloak } from '../../kit/acceptance/nebari.ts'
import type { NebariWithKeycloak } from '../../kit/acceptance/nebari.ts'
import { onePoisoned } from '../../kit/acceptance/one-poisoned.ts'
import { poisonedHome } from '../../kit/acceptance/poisoned-home.ts'

const USERS = 1_000
const TOTAL = USERS + 3 + 1

let places: AwsPlaces
beforeAll(async () => {
  places = await startAwsPlaces()
}, 900_000)
afterAll(() => places?.stop())

describe('1,000 people on S3, SQS and KMS', () => {
  let nebari: NebariWithKeycloak
  beforeAll(async () => {
    const made = await places.make('aws', 'many')
    nebari = await makeNebariWithKeycloak({ users: USERS, change: (settings) => void Object.assign(settings, made) })
    keepSomething(nebari)
  }, 900_000)

  test('one whose home is a link: everybody else whole; mended, replay completes the same run; again, nothing is written', async () => {
    const { backup, replay, again, writtenAgain } = await onePoisoned(nebari, poisonedHome(nebari, 'kofi3'))
    const { run } = backup.report
    expect(backup).toMatchObject({ status: 3, report: { slices: { total: TOTAL, saved: TOTAL - 1, partial: 1 } } })
    expect(backup.report.failures).toMatchObject([{ slice: 'user/kofi3', component: 'files', code: 'home-is-link' }])
    expect(replay).toMatchObject({ status: 0, report: { run, outcome: 'complete', slices: { saved: TOTAL } } })
    expect(again).toMatchObject({ status: 0, report: { run, outcome: 'complete' } })
    const { 'runs/ticks': _, ...written } = writtenAgain
    expect(written).toEqual({})
  })

  test('every home emptied two nights running: suspect both times, latest is the good one; accepted, it is the truth', async () => {
    const { nights, accepted } = await emptiedHomes(nebari)
    const suspect = { report: { outcome: 'partial', slices: { saved: TOTAL, suspect: USERS } }, kept: 'of ann\n' }
    expect(nights).toMatchObject([suspect, suspect])
    expect(accepted).toMatchObject({ status: 0, report: { outcome: 'complete', slices: { suspect: 0 } }, kept: '' })
  })
})

test('`toriki work` killed (-9) at 60 random moments: older snapshots open, no half snapshot shows, another worker ends each run well', async () => {
  const made = await places.make('aws', 'killed-worker')
  const nebari = await makeNebariWithKeycloak({
    users: 40,
    change: (settings) => void Object.assign(settings, made, { workers: 'functions' }),
  })
  const result = await killBackups(nebari, 60, 'worker', 'elsewhere')
  expect(result).toMatchObject({ kills: 60, broken: [] })
  expect(result.wentOn).toBeGreaterThan(10)
})
