/** The main job, the same run on every place that the settings can name, on servers that we did not write: homes and accounts, one person who cannot be read, replay, an emptied source. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startAwsPlaces } from '../../kit/acceptance/aws-places.ts'
import type { AwsPlaces, PlaceKind } from '../../kit/acceptance/aws-places.ts'
import { checkIndependently } from '../../kit/acceptance/check-independently.ts'
import { emptiedHomes, keepSomething } from '../../kit/acceptance/emptied-homes.ts'
import { makeNebariWithKeycloak } from '../../kit/acceptance/nebari.ts'
import type { NebariWithKeycloak } from '../../kit/acceptance/nebari.ts'
import { onePoisoned } from '../../kit/acceptance/one-poisoned.ts'
import { poisonedHome } from '../../kit/acceptance/poisoned-home.ts'

const USERS = 24
/** Everybody, three shared directories, and the realm's own state. */
const TOTAL = USERS + 3 + 1
/** Rests of earlier runs that nobody counts on: a run writes one a minute. */
const TICKS = 'runs/ticks'

let places: AwsPlaces
beforeAll(async () => {
  places = await startAwsPlaces()
}, 900_000)
afterAll(() => places?.stop())

describe.each<PlaceKind>(['aws', 's3-sqs-keyring', 's3-sqlite-keyring'])('on %s', (kind) => {
  let nebari: NebariWithKeycloak
  beforeAll(async () => {
    const made = await places.make(kind, `main-job-${kind}`)
    nebari = await makeNebariWithKeycloak({ users: USERS, change: (settings) => void Object.assign(settings, made) })
    keepSomething(nebari)
  })

  test('one whose home is a link: everybody else whole, one cause; mended, replay completes the same run; again, nothing is written', async () => {
    const { backup, status, replay, again, writtenAgain } = await onePoisoned(nebari, poisonedHome(nebari, 'kofi'))
    expect(backup).toMatchObject({
      status: 3,
      report: { outcome: 'partial', open: false, slices: { total: TOTAL, saved: TOTAL - 1, partial: 1, failed: 0 } },
    })
    expect(status).toMatchObject({
      run: backup.report.run,
      failures: [{ slice: 'user/kofi', component: 'files', code: 'home-is-link', attempts: 1 }],
    })
    expect(replay).toMatchObject({
      status: 0,
      report: { run: backup.report.run, outcome: 'complete', slices: { total: TOTAL, saved: TOTAL }, failures: [] },
    })
    expect(again).toMatchObject({ status: 0, report: { run: backup.report.run, outcome: 'complete' } })
    const { [TICKS]: _, ...written } = writtenAgain
    expect(written).toEqual({})
    expect(nebari.keycloak.writes).toBe(0)
  })

  test('every home emptied two nights running: suspect both times, latest is the good one; accepted, it is the truth', async () => {
    const { nights, accepted } = await emptiedHomes(nebari)
    const report = {
      outcome: 'partial',
      open: false,
      slices: { total: TOTAL, saved: TOTAL, failed: 0, suspect: USERS },
    }
    const suspect = { report, kept: 'of ann\n' }
    expect(nights).toMatchObject([suspect, suspect])
    expect(accepted).toMatchObject({ status: 0, report: { outcome: 'complete', slices: { suspect: 0 } }, kept: '' })
  })

  test('the independent checker finds every snapshot whole, and nothing in the store that it does not know', async () => {
    const { snapshots, violations } = await checkIndependently(nebari)
    expect(violations).toEqual([])
    // Three runs, and a second snapshot of whom the replay completed.
    expect(snapshots).toBe(3 * TOTAL + 1)
  })
})
