/** Objects in each other's place, on a store that a simulation wrote: between people, snapshots, paths and kinds. What does not belong where it stands is not believed. */
import { beforeAll, describe, expect, test } from '@jest/globals'
import { TorikiError } from '../../lib/errors.ts'
import { MemoryObjectStore } from '../../lib/platform/object-store/memory.ts'
import { openDeployment } from '../../lib/repository/deployment-repository.ts'
import type { DeploymentRepository } from '../../lib/repository/repository.ts'
import type { SliceName } from '../../lib/resources/slice.ts'
import { isDeepStrictEqual } from 'node:util'
import { FakeClock } from '../kit/fake-clock.ts'
import { memoryPlatform } from '../kit/memory-platform.ts'
import { seededRandom } from '../kit/seeded-random.ts'
import { checkStore } from './checker/check-store.ts'
import type { NamedSlice } from './checker/check-store.ts'
import { unwrapLocally } from './checker/local-wrapping.ts'
import { readComponent } from './reader.ts'
import { simulate } from './simulate.ts'
import type { Simulated } from './simulate.ts'

const PAIRS = 150

let simulated: Simulated
let objects: Map<string, Buffer>
let slices: readonly NamedSlice[]

beforeAll(async () => {
  simulated = await simulate('swapped', { nights: 3, calm: true })
  objects = new Map(simulated.store.keys().map((key) => [key, simulated.store.peek(key) as Buffer]))
  slices = checkStore({ objects, unwrap: unwrapLocally(simulated.key) }).slices
}, 60_000)

/** The deployment over a copy in which some objects hold other bytes. */
async function deploymentWith(replaced: ReadonlyMap<string, Buffer>): Promise<DeploymentRepository> {
  const clock = new FakeClock()
  const store = new MemoryObjectStore({ clock })
  for (const [key, body] of objects) store.replace(key, replaced.get(key) ?? body)
  return await openDeployment(memoryPlatform({ clock, store, key: simulated.key }), { name: 'campus' })
}

/** Everything the production reader finds: per snapshot its components, or the error that reading it ended with. */
async function readAll(deployment: DeploymentRepository, only: readonly NamedSlice[]): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>()
  for (const { name, generation, snapshots } of only) {
    for (const { id, components } of snapshots) {
      for (const component of components.keys()) {
        const where = `${String(name)} ${generation} ${id} ${component}`
        try {
          const repository = await deployment.openSlice(name as SliceName, { access: 'read-content', generation })
          if (repository === undefined) throw new TorikiError('seal-broken')
          found.set(where, await readComponent(repository, await repository.snapshot(id), component))
        } catch (error) {
          if (!(error instanceof TorikiError)) throw error
          found.set(where, error.code)
        }
      }
    }
  }
  return found
}

const folderOf = (path: string): string =>
  path
    .split('/')
    .filter((_, at) => at % 2 === 0)
    .join('/')

describe('two objects that changed places', () => {
  const inSlices = () =>
    [...objects.keys()].filter((path) => /^(slices|keys)\//.test(path) && !path.startsWith('keys/deployment/'))

  test.each([
    ['of the same kind', (a: string, b: string) => folderOf(a) === folderOf(b)],
    ['of different kinds', (a: string, b: string) => folderOf(a) !== folderOf(b)],
  ])(
    '%s never read as anything but what they are',
    async (_, fits) => {
      const random = seededRandom('pairs')
      const paths = inSlices()
      const pick = (): string => paths[Math.floor(random.fraction() * paths.length)] as string
      const truth = await readAll(await deploymentWith(new Map()), slices)
      const codes = new Map<string, number>()
      let tried = 0
      while (tried < PAIRS) {
        const [a, b] = [pick(), pick()]
        if (a === b || !fits(a, b)) continue
        tried++
        const concerned = slices.filter(({ sliceId }) => a.includes(sliceId) || b.includes(sliceId))
        const swapped = new Map([
          [a, objects.get(b) as Buffer],
          [b, objects.get(a) as Buffer],
        ])
        for (const [where, read] of await readAll(await deploymentWith(swapped), concerned)) {
          if (typeof read === 'string') codes.set(read, (codes.get(read) ?? 0) + 1)
          else if (!isDeepStrictEqual(read, truth.get(where)))
            throw new Error(`${where} reads other than it is, with ${a} and ${b} in each other's place`)
        }
      }
      expect([...codes.keys()].filter((code) => !['seal-broken', 'key-context-mismatch'].includes(code))).toEqual([])
      expect(codes.get('seal-broken')).toBeGreaterThan(50)
    },
    60_000,
  )

  test('and records of runs under another name are refused', async () => {
    const records = [...objects.keys()].filter((path) => path.startsWith('runs/'))
    for (const [at, path] of records.entries()) {
      const other = records[(at + 1) % records.length] as string
      const deployment = await deploymentWith(new Map([[path, objects.get(other) as Buffer]]))
      await expect(deployment.records.read(path)).rejects.toMatchObject({ code: 'seal-broken' })
    }
  })
})
