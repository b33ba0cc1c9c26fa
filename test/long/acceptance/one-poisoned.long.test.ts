import { expect, test } from '@jest/globals'
import { makeNebari, makeNebariWithKeycloak } from '../../kit/acceptance/nebari.ts'
import { onePoisoned } from '../../kit/acceptance/one-poisoned.ts'
import { poisonedHome } from '../../kit/acceptance/poisoned-home.ts'

test.each([1_000, 10_000])(
  '%d people, one whose home is a link: all others saved, one dead letter; mended, replay completes the same run; again, nothing is written',
  async (users) => {
    const nebari = await makeNebari({ users })
    const total = users + 3
    const { backup, status, replay, again, writtenAgain } = await onePoisoned(nebari, poisonedHome(nebari, 'kofi3'))
    expect(backup).toMatchObject({
      status: 3,
      report: { outcome: 'partial', slices: { total, saved: total - 1, failed: 1 } },
    })
    expect(status.failures).toEqual([
      expect.objectContaining({ slice: 'user/kofi3', component: 'files', code: 'home-is-link' }),
    ])
    expect(replay).toMatchObject({
      status: 0,
      report: { run: backup.report.run, outcome: 'complete', slices: { total, saved: total } },
    })
    expect(again).toMatchObject({ status: 0, report: { run: backup.report.run, outcome: 'complete' } })
    expect(writtenAgain).toEqual({})
  },
)

test.each([1_000, 10_000])(
  '%d people, one about whom Keycloak answers 500: all others whole, one dead letter; mended, replay completes the same run; again, nothing is written',
  async (users) => {
    const nebari = await makeNebariWithKeycloak({
      users,
      change(settings) {
        settings.limits = { ...settings.limits, attempts: 1 }
      },
    })
    const total = users + 4
    const { backup, status, replay, again, writtenAgain } = await onePoisoned(nebari, {
      poison: () => nebari.keycloak.poison('kofi3'),
      mend: () => nebari.keycloak.mend('kofi3'),
    })
    expect(backup).toMatchObject({
      status: 3,
      report: { outcome: 'partial', slices: { total, saved: total - 1, partial: 1 } },
    })
    expect(status.failures).toEqual([
      expect.objectContaining({ slice: 'user/kofi3', component: 'keycloak', code: 'source-failed' }),
    ])
    expect(replay).toMatchObject({
      status: 0,
      report: { run: backup.report.run, outcome: 'complete', slices: { total, saved: total } },
    })
    expect(again).toMatchObject({ status: 0, report: { run: backup.report.run, outcome: 'complete' } })
    expect(writtenAgain).toEqual({})
  },
)
