/** A home that no function reads in its time: thirty of them, one after the other, some of which die, and messages that come twice. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from '@jest/globals'
import { runReport } from '../../lib/backup/run-report.ts'
import type { Service } from '../../lib/backup/service.ts'
import { startRun } from '../../lib/backup/start-run.ts'
import { killAt } from '../../lib/platform/fault.ts'
import type { Platform } from '../../lib/platform/platform.ts'
import { createDeployment, openDeployment } from '../../lib/repository/deployment-repository.ts'
import { encodeKey } from '../../lib/resources/key.ts'
import type { RunReport } from '../../lib/runs/outcome.ts'
import { countingPlatform } from '../kit/counting-platform.ts'
import { FakeClock } from '../kit/fake-clock.ts'
import { fakeComponent, put } from '../kit/fake-component.ts'
import type { FakeComponent } from '../kit/fake-component.ts'
import { hostFunctions } from '../kit/hosted-functions.ts'
import type { HostedResult, HostedRun } from '../kit/hosted-functions.ts'
import { memoryPlatform } from '../kit/memory-platform.ts'
import { noDeadline, runHouse } from '../kit/run-house.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { slowComponent } from '../kit/slow-component.ts'
import { checkStore } from './checker/check-store.ts'
import type { CheckedResource } from './checker/entries.ts'
import { unwrapLocally } from './checker/local-wrapping.ts'

const FUNCTIONS = 30
const FILES = 300
const FILE_BYTES_MAX = 20_000
const BYTES_PER_SECOND = 100_000
const WORK_MS = 1_000
/** What one function can read: its time, and the file that it had begun. */
const FUNCTION_BYTES = (BYTES_PER_SECOND * WORK_MS) / 1000 + FILE_BYTES_MAX
/** Headers and tables of the packs that a function ends early. */
const OVERHEAD_BYTES = 6_000

interface Night {
  readonly report: RunReport
  readonly hosted: HostedResult
  readonly violations: readonly unknown[]
  readonly home: ReadonlyMap<string, CheckedResource> | undefined
  readonly sentBytes: Readonly<Record<string, number>>
}

async function night(homes: FakeComponent, seed: string, trouble: Pick<HostedRun, 'dies' | 'doubles'>): Promise<Night> {
  const clock = new FakeClock()
  const memory = memoryPlatform({ clock, seed, receivesMax: 5 })
  const { platform, sentBytes } = countingPlatform(memory)
  const turn = (ms: number): Promise<void> => clock.advance(ms)
  const slow = slowComponent(homes, { turn, msPerResource: 1, bytesPerSecond: BYTES_PER_SECOND })
  const house = await runHouse({
    components: [homes],
    platform: memory,
    clock,
    limits: { attempts: 5, visibilityMs: 5_400_000 },
    repository: () => createDeployment(platform, { name: 'campus', settings: {} }),
  })
  const open = async (own: Platform): Promise<Service> => ({
    ...house.service,
    platform: own,
    components: [slow],
    repository: await openDeployment(own, { name: 'campus' }),
  })
  const service = await open(platform)
  const { run } = await startRun(service, {}, noDeadline)
  const hosted = await hostFunctions({ run, open, platform, turn, workMs: () => WORK_MS, ...trouble })
  const { store, keys } = memory
  const objects = new Map(store.keys().map((key) => [key, store.peek(key) as Buffer]))
  const { violations, slices } = checkStore({ objects, unwrap: unwrapLocally(keys.key) })
  const home = slices[0]?.snapshots.at(-1)?.components.get('files')?.resources
  return { report: await runReport(service, run), hosted, violations, home, sentBytes }
}

/** Files of random lengths and bytes, one after the other. */
function makeHome(seed: string): FakeComponent {
  const random = seededRandom(`home ${seed}`)
  const homes = fakeComponent({ name: 'files', covers: ['user'] })
  const names = Array.from({ length: FILES }, (_, index) => `n${String(index).padStart(4, '0')}`)
  put(homes, 'user/ann', Object.fromEntries(names.map((name, index) => [name, { index }])), true)
  for (const name of names)
    homes.live.contents.set(name, random.bytes(1 + Math.floor(random.fraction() * FILE_BYTES_MAX)))
  return homes
}

function sourceBytes({ live }: FakeComponent): number {
  return [...live.contents.values()].reduce((sum, { length }) => sum + length, 0)
}

/** The source, as the checker names what it finds. */
function asChecked({ live }: FakeComponent): Map<string, unknown> {
  const found = new Map<string, unknown>()
  for (const [name, state] of live.slices.get('user/ann') ?? []) {
    const bytes = live.contents.get(name)
    const key = name === 'home' ? encodeKey('home') : encodeKey('thing', [name])
    found.set(key.toString('latin1'), [state, bytes && createHash('sha256').update(bytes).digest('hex')])
  }
  return found
}

/** A quarter of the functions dies at one of its calls, a fifth of the messages comes twice. */
function troubleOf(seed: string): Pick<HostedRun, 'dies' | 'doubles'> {
  const random = seededRandom(`functions ${seed}`)
  return {
    dies() {
      if (random.fraction() >= 0.25) return undefined
      return killAt(1 + Math.floor(random.fraction() * 25), random.fraction() < 0.5 ? 'before' : 'after')
    },
    doubles() {
      const draw = random.fraction()
      return draw < 0.1 ? 'twin' : draw < 0.2 ? 'again' : undefined
    },
  }
}

describe('a home that needs thirty functions', () => {
  test('is one snapshot equal to the source, and no byte of it is uploaded twice', async () => {
    const homes = makeHome('calm')
    const calm = { dies: () => undefined, doubles: () => undefined }
    const { report, hosted, violations, home, sentBytes } = await night(homes, 'calm', calm)
    expect(report).toMatchObject({ outcome: 'complete', slices: { total: 1, saved: 1 }, failures: [] })
    expect(hosted.functions).toBeGreaterThanOrEqual(FUNCTIONS)
    expect(violations).toEqual([])
    expect(new Map([...home!].map(([key, { state, contentSha256 }]) => [key, [state, contentSha256]]))).toEqual(
      asChecked(homes),
    )
    expect(sentBytes['packs']! - sourceBytes(homes)).toBeLessThan(hosted.functions * OVERHEAD_BYTES)
  })

  test.each(Array.from({ length: 12 }, (_, index) => `seed ${index + 1}`))(
    'is so too when functions die and messages come twice: %s',
    async (seed) => {
      const homes = makeHome(seed)
      const { report, hosted, violations, home, sentBytes } = await night(homes, seed, troubleOf(seed))
      expect(report).toMatchObject({ outcome: 'complete', slices: { total: 1, saved: 1 }, failures: [] })
      expect(hosted.functions).toBeGreaterThan(FUNCTIONS)
      expect(hosted.deaths + hosted.doubles).toBeGreaterThan(0)
      expect(violations).toEqual([])
      expect(new Map([...home!].map(([key, { state, contentSha256 }]) => [key, [state, contentSha256]]))).toEqual(
        asChecked(homes),
      )
      const troubled = (hosted.deaths + hosted.doubles) * FUNCTION_BYTES
      expect(sentBytes['packs']! - sourceBytes(homes)).toBeLessThan(troubled + hosted.functions * OVERHEAD_BYTES)
    },
  )

  test('with a file that takes longer than one function ends with the cause `deadline`, after as many tries as any other', async () => {
    const homes = makeHome('too long')
    homes.live.contents.set('n0150', Buffer.alloc(2 * FUNCTION_BYTES, 'long'))
    const calm = { dies: () => undefined, doubles: () => undefined }
    const { report, hosted, violations, home } = await night(homes, 'too long', calm)
    expect(report).toMatchObject({
      outcome: 'failed',
      open: false,
      slices: { total: 1, failed: 1 },
      failures: [{ slice: 'user/ann', code: 'deadline', remedy: expect.stringContaining('toriki work'), attempts: 5 }],
    })
    // Half of the home, and then every try of the file.
    expect(hosted.functions).toBeLessThan(FUNCTIONS / 2 + 5 + 5)
    expect([violations, home]).toEqual([[], undefined])
  })
})
