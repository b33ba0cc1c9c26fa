/** A home that no function reads in its time, on S3, SQS and KMS with the time limit shortened: real files, real servers, a clock that the files turn. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { assembleService } from '../../../lib/assemble-service.ts'
import { runReport } from '../../../lib/backup/run-report.ts'
import type { Service } from '../../../lib/backup/service.ts'
import { startRun } from '../../../lib/backup/start-run.ts'
import { silentLog } from '../../../lib/log.ts'
import type { FaultPlan } from '../../../lib/platform/fault.ts'
import type { Platform } from '../../../lib/platform/platform.ts'
import { openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { loadSettings } from '../../../lib/load-settings.ts'
import { startAwsPlaces } from '../../kit/acceptance/aws-places.ts'
import type { AwsPlaces } from '../../kit/acceptance/aws-places.ts'
import { checkIndependently } from '../../kit/acceptance/check-independently.ts'
import { homeFiles } from '../../kit/acceptance/home-files.ts'
import { makeNebari } from '../../kit/acceptance/nebari.ts'
import { storedFiles, storedSnapshots, withStored } from '../../kit/acceptance/stored-snapshots.ts'
import { countingPlatform } from '../../kit/counting-platform.ts'
import { hostFunctions } from '../../kit/hosted-functions.ts'
import { noDeadline } from '../../kit/run-house.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { slowComponent } from '../../kit/slow-component.ts'
import { TurnedClock } from '../../kit/turned-clock.ts'

const MIB = 1024 * 1024
const FUNCTIONS = 30
/** A function reads so much in its time; one that will die, more than three packs. */
const FUNCTION_BYTES = 4 * MIB
const DYING_BYTES = 64 * MIB
const BYTES_PER_SECOND = MIB
const FILE_BYTES_MAX = 3 * MIB
const PACK_BYTES_MAX = 16 * MIB + 4 * MIB
/** Headers and tables of the packs that a function ends early. */
const OVERHEAD_BYTES = 16_000

let places: AwsPlaces
beforeAll(async () => {
  places = await startAwsPlaces({ queuesStandAt: new Date() })
}, 900_000)
afterAll(() => places?.stop())

test('a home that needs thirty functions, of which three die behind their third pack and four messages come twice: the snapshot equals the home, and no byte is uploaded twice beyond one pack for each of these', async () => {
  const made = await places.make('aws', 'thirty-functions')
  const nebari = await makeNebari({
    users: 0,
    homes: makeHome,
    change: (settings) => void Object.assign(settings, made),
  })
  const clock = new TurnedClock((now) => places.sqs.setTime(now))
  const turn = (ms: number): Promise<void> => clock.turn(ms)
  await turn(0)
  const service = await assembleService(await loadSettings({ file: nebari.settings }), { log: silentLog, clock })
  const { platform, sentBytes } = countingPlatform(service.platform)
  const components = service.components.map((component) =>
    slowComponent(component, { turn, msPerResource: 1, bytesPerSecond: BYTES_PER_SECOND }),
  )
  const open = async (own: Platform): Promise<Service> => ({
    ...service,
    platform: own,
    components,
    repository: await openDeployment(own, { name: 'acceptance' }),
  })
  const { run } = await startRun(await open(platform), { selection: { users: ['ann'] } }, noDeadline)
  const hosted = await hostFunctions({
    run,
    open,
    platform,
    turn,
    workMs: (n) => ((isDying(n) ? DYING_BYTES : FUNCTION_BYTES) / BYTES_PER_SECOND) * 1000,
    dies: (n) => (isDying(n) ? behindThirdPack() : undefined),
    doubles: (n) => (n % 8 !== 4 ? undefined : n % 16 === 4 ? 'twin' : 'again'),
  })
  const report = await runReport(service, run)
  await service.platform.close()

  expect(report).toMatchObject({ outcome: 'complete', slices: { total: 1, saved: 1 }, failures: [] })
  expect(hosted.functions - hosted.deaths - hosted.doubles).toBeGreaterThanOrEqual(FUNCTIONS)
  expect(hosted.deaths).toBeGreaterThanOrEqual(3)
  expect(hosted.doubles).toBeGreaterThanOrEqual(4)
  const home = homeFiles(nebari.home('ann'))
  await withStored(nebari.settings, async (repository) => {
    for await (const stored of storedSnapshots(repository)) expect(await storedFiles(stored)).toEqual(home)
  })
  expect(await checkIndependently(nebari)).toMatchObject({ snapshots: 1, violations: [] })
  const uploadedTwice = (sentBytes['packs'] ?? 0) - homeBytes
  expect(uploadedTwice).toBeLessThan(
    hosted.deaths * PACK_BYTES_MAX + hosted.doubles * FUNCTION_BYTES + hosted.functions * OVERHEAD_BYTES,
  )
})

let homeBytes = 0

/** Files that no compression makes shorter. */
function makeHome(root: string): readonly string[] {
  const random = seededRandom('thirty functions')
  for (let folder = 0; folder < 6; folder++) {
    const at = join(root, 'home', 'ann', `folder-${folder}`)
    mkdirSync(at, { recursive: true })
    for (let file = 0; file < 14; file++) {
      const bytes = random.bytes(1 + Math.floor(random.fraction() * FILE_BYTES_MAX))
      homeBytes += bytes.length
      writeFileSync(join(at, `file-${file}`), bytes)
    }
  }
  return ['ann']
}

const isDying = (n: number): boolean => n % 11 === 6

/** The process ends when its third pack is there, and before anybody is told of it. */
function behindThirdPack(): FaultPlan {
  let packs = 0
  return ({ operation, subject }) =>
    operation === 'create' && subject.includes('/packs/') && ++packs === 3 ? { kind: 'kill-after' } : undefined
}
