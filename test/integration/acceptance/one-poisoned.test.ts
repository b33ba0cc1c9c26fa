import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { makeNebari, makeNebariWithKeycloak } from '../../kit/acceptance/nebari.ts'
import type { Report } from '../../kit/acceptance/nebari.ts'
import { onePoisoned } from '../../kit/acceptance/one-poisoned.ts'
import { poisonedHome } from '../../kit/acceptance/poisoned-home.ts'
import { withQueues } from '../../kit/acceptance/queues.ts'

test('150 people, one whose home is a link: 149 saved, one dead letter that says who, where, why and what to do; mended, replay completes the same run; again, nothing is written', async () => {
  const nebari = await makeNebari({ users: 150 })
  const total = 150 + 3
  const { backup, status, replay, again, writtenAgain } = await onePoisoned(nebari, poisonedHome(nebari, 'kofi3'))
  expect(backup).toMatchObject({
    status: 3,
    report: { outcome: 'partial', open: false, slices: { total, saved: total - 1, failed: 1, partial: 0, pending: 0 } },
  })
  expect(status.run).toBe(backup.report.run)
  expect(status.failures).toEqual([
    {
      slice: 'user/kofi3',
      component: 'files',
      code: 'home-is-link',
      message: 'The directory is a link, and links are not followed.',
      remedy: 'Put a real directory there, or leave it out.',
      attempts: 1,
    },
  ])
  expect(replay).toMatchObject({
    status: 0,
    report: { run: backup.report.run, outcome: 'complete', slices: { total, saved: total, failed: 0 }, failures: [] },
  })
  expect(again).toMatchObject({ status: 0, report: { run: backup.report.run, outcome: 'complete' } })
  expect(writtenAgain).toEqual({})
})

test('150 people, one about whom Keycloak answers 500: 150 homes and 149 accounts saved, one dead letter; mended, replay completes the same run; again, nothing is written', async () => {
  const nebari = await makeNebariWithKeycloak({
    users: 150,
    change(settings) {
      settings.limits = { ...settings.limits, attempts: 1 }
    },
  })
  const total = 150 + 4
  const { backup, status, replay, again, writtenAgain } = await onePoisoned(nebari, {
    poison: () => nebari.keycloak.poison('kofi3'),
    mend: () => nebari.keycloak.mend('kofi3'),
  })
  expect(backup).toMatchObject({
    status: 3,
    report: { outcome: 'partial', open: false, slices: { total, saved: total - 1, partial: 1, failed: 0, pending: 0 } },
  })
  expect(status.failures).toEqual([
    {
      slice: 'user/kofi3',
      component: 'keycloak',
      code: 'source-failed',
      message: 'The source answered with an error.',
      remedy: 'Look at its own log for the time of the run.',
      attempts: 1,
    },
  ])
  expect(replay).toMatchObject({
    status: 0,
    report: { run: backup.report.run, outcome: 'complete', slices: { total, saved: total, failed: 0 }, failures: [] },
  })
  expect(again).toMatchObject({ status: 0, report: { run: backup.report.run, outcome: 'complete' } })
  expect(writtenAgain).toEqual({})
  expect(nebari.keycloak.writes).toBe(0)
})

test('dead letters that an earlier try left in the queue do not end the replay', async () => {
  const nebari = await makeNebari({ users: 4 })
  const { poison, mend } = poisonedHome(nebari, 'ann')
  poison()
  const { run } = await nebari.json<Report>('backup')
  const message = { v: 1, kind: 'backup-slice', run, slice: 'user/ann' }
  await withQueues(nebari, (queues) =>
    queues.deadLetter('backup-slice').send(Array.from({ length: 20 }, () => ({ body: JSON.stringify(message) }))),
  )
  mend()
  // Slow enough that every one of them is read before the home is.
  writeFileSync(join(nebari.home('ann'), 'large.bin'), Buffer.alloc(3_000_000, 'large'))
  nebari.configure((settings) => {
    settings.limits = { attempts: 5, bytesPerSecond: { files: '1MiB' } }
  })
  expect(await nebari.json<Report>('replay')).toMatchObject({ run, outcome: 'complete', slices: { saved: 7 } })
})
