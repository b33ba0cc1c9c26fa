import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { startAwsPlaces } from '../../kit/acceptance/aws-places.ts'
import type { AwsPlaces } from '../../kit/acceptance/aws-places.ts'
import { killBackups } from '../../kit/acceptance/kill-backups.ts'
import { makeNebariWithKeycloak } from '../../kit/acceptance/nebari.ts'

let places: AwsPlaces
beforeAll(async () => {
  places = await startAwsPlaces()
}, 900_000)
afterAll(() => places?.stop())

test('`toriki work` on S3, SQS and KMS killed (-9) at 6 random moments: older snapshots open, no half snapshot shows, another worker ends the run well', async () => {
  const made = await places.make('aws', 'killed-worker')
  const nebari = await makeNebariWithKeycloak({
    users: 16,
    change: (settings) => void Object.assign(settings, made, { workers: 'functions' }),
  })
  const result = await killBackups(nebari, 6, 'worker', 'elsewhere')
  expect(result).toMatchObject({ kills: 6, broken: [] })
  // Most moments must fall into the work, or the test shows little.
  expect(result.wentOn).toBeGreaterThan(0)
})
