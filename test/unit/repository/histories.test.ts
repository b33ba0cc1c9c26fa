/** Random histories of one slice: two workers at once, faults at every call, killed processes. What was committed opens and equals its source. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { FaultInjector, randomFaults } from '../../../lib/platform/fault.ts'
import { faultyObjectStore } from '../../../lib/platform/object-store/fault.ts'
import { createDeployment, openDeployment } from '../../../lib/repository/deployment-repository.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { seededRandom } from '../../kit/seeded-random.ts'
import { backUp, expected, openForReading, readBack, resourcesOf } from '../../kit/slice-source.ts'
import type { SliceRepository } from '../../../lib/repository/repository.ts'
import type { MemoryPlatform } from '../../kit/memory-platform.ts'
import type { Thing, Things } from '../../kit/slice-source.ts'

const names = ['files', 'keycloak'] as const
type Name = (typeof names)[number]
type World = Readonly<Record<Name, Things>>

const thing: fc.Arbitrary<Thing> = fc.record(
  {
    state: fc.oneof(fc.string({ maxLength: 6 }), fc.constant('long'.repeat(1500))),
    secret: fc.string({ maxLength: 6 }),
    content: fc.oneof(
      fc.string({ maxLength: 20, unit: 'binary-ascii' }),
      fc.nat({ max: 90_000 }).map((size) => 'x'.repeat(size)),
    ),
  },
  { requiredKeys: [] },
)
const path = fc.nat({ max: 400 }).map((n) => `p${n}`)
const edit = fc.tuple(fc.constantFrom(...names), path, fc.option(thing, { freq: 4 }))
/** Sometimes so many at once that the tree leaves the snapshot, or comes back. */
const bulk = fc.record({ name: fc.constantFrom(...names), count: fc.constantFrom(0, 0, 0, 700) })
const night = fc.record({
  edits: fc.array(edit, { maxLength: 6 }),
  bulk,
  /** Attempts at this night's run, one after the other: which components fail in each, and with how many faults. */
  attempts: fc.array(
    fc.record({
      failing: fc.subarray([...names]),
      faulty: fc.boolean(),
      seed: fc.nat(),
      killAt: fc.option(fc.nat({ max: 40 }), { freq: 2 }),
      beside: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
})

async function attempt(
  platform: MemoryPlatform,
  run: string,
  world: World,
  { failing, faulty, seed, killAt }: { failing: readonly Name[]; faulty: boolean; seed: number; killAt: number | null },
): Promise<void> {
  const chance = randomFaults(seededRandom(seed), faulty ? { failBefore: 0.03, failAfter: 0.03, duplicate: 0.1 } : {})
  const injector = new FaultInjector({
    plan: (call) => (call.number === killAt ? { kind: seed % 2 === 0 ? 'kill-before' : 'kill-after' } : chance(call)),
    clock: platform.clock,
  })
  const store = faultyObjectStore(platform.store, injector)
  try {
    const deployment = await openDeployment(
      { ...platform, store, keyStore: store, random: seededRandom(`${run} ${seed}`) },
      { name: 'campus' },
    )
    const repository = await deployment.openSlice('user/ann', { access: 'write' })
    const capture = await repository.capture({ run, signal: new AbortController().signal })
    const missing = []
    for (const name of names) {
      if (capture.finished[name] !== undefined) continue
      if (failing.includes(name)) missing.push({ component: name, code: 'source-failed' })
      else await capture.store(name, resourcesOf(world[name]), { notes: new Notes() })
    }
    await capture.commit(missing)
  } catch {
    // A fault ended this attempt, as it would end a function; what it left behind is what the test is about.
  }
}

async function everySnapshot(repository: SliceRepository, worlds: ReadonlyMap<string, World>): Promise<number> {
  let count = 0
  for await (const snapshot of repository.snapshots()) {
    const world = worlds.get(snapshot.run) as World
    for (const name of Object.keys(snapshot.components) as Name[]) {
      expect(await readBack(repository, snapshot, name)).toEqual(expected(world[name]))
    }
    count++
  }
  return count
}

describe('any history', () => {
  test('leaves only snapshots that open and equal their source, and the next backup works', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(night, { minLength: 1, maxLength: 5 }), async (nights) => {
        const platform = memoryPlatform()
        const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
        let world: World = { files: {}, keycloak: {} }
        const worlds = new Map<string, World>()
        for (const [at, { edits, bulk: more, attempts }] of nights.entries()) {
          const things: Record<Name, Record<string, Thing>> = {
            files: { ...world.files },
            keycloak: { ...world.keycloak },
          }
          for (const [name, key, value] of edits) {
            if (value === null) delete things[name][key]
            else things[name][key] = value
          }
          for (let n = 0; n < more.count; n++) things[more.name][`bulk${String(n)}`] = { state: `${at} ${n}` }
          world = things
          const run = `run-${at}`
          worlds.set(run, world)
          const pending: Promise<void>[] = []
          for (const one of attempts) {
            const running = attempt(platform, run, world, one)
            if (one.beside) pending.push(running)
            else await running
          }
          await Promise.all(pending)
        }
        await everySnapshot(
          (await deployment.openSlice('user/ann', { access: 'read-content' })) ??
            (await deployment.openSlice('user/ann', { access: 'write' })),
          worlds,
        )
        worlds.set('run-z', world)
        await backUp(await deployment.openSlice('user/ann', { access: 'write' }), 'run-z', world)
        const reading = await openForReading(deployment, 'user/ann')
        expect(await everySnapshot(reading, worlds)).toBeGreaterThan(0)
        expect((await reading.latest('files'))?.run).toBe('run-z')
      }),
      { numRuns: 25 },
    )
  })
})
