import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { createDeployment } from '../../../lib/repository/deployment-repository.ts'
import { MemoryObjectStore } from '../../../lib/platform/object-store/memory.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import type { DeploymentRepository } from '../../../lib/repository/repository.ts'
import type { KnownEntries } from '../../../lib/resources/known-entries.ts'
import type { Resource } from '../../../lib/resources/resource.ts'
import { FakeClock } from '../../kit/fake-clock.ts'
import { memoryPlatform } from '../../kit/memory-platform.ts'
import { backUp, expected, manyFiles, openForReading, readBack, resourcesOf } from '../../kit/slice-source.ts'
import type { Things } from '../../kit/slice-source.ts'

const ANN = 'user/ann'
const signal = new AbortController().signal

interface House {
  readonly store: MemoryObjectStore
  readonly clock: FakeClock
  readonly deployment: DeploymentRepository
  readonly prefix: string
  /** Backs up with a hint of its own for each version of a thing; gives which paths were read. `unhinted`: these have none. */
  night(run: string, things: Things, unhinted?: ReadonlySet<string>): Promise<string[]>
  read(run: string): Promise<unknown[]>
  root(run: string): Promise<string | undefined>
}

async function house(): Promise<House> {
  const clock = new FakeClock()
  const store = new MemoryObjectStore({ clock })
  const platform = memoryPlatform({ clock, store })
  const deployment = await createDeployment(platform, { name: 'campus', settings: {} })
  return {
    ...{ store, clock, deployment, prefix: `slices/${deployment.sliceId(ANN, 1)}/` },
    async night(run, things, unhinted = new Set()) {
      await clock.advance(60_000)
      const ann = await deployment.openSlice(ANN, { access: 'write' })
      const capture = await ann.capture({ run, signal })
      const read: string[] = []
      await capture.store('files', hinted(things, capture.known('files'), read, unhinted), { notes: new Notes() })
      await capture.commit([])
      return read
    },
    async read(run) {
      const ann = await openForReading(deployment, ANN)
      return await readBack(ann, await ann.snapshot(`${run}.1`), 'files')
    },
    async root(run) {
      return (await (await openForReading(deployment, ANN)).snapshot(`${run}.1`)).components['files']?.root
    },
  }
}

/** As a component does it: asks first, reads what is not known. */
async function* hinted(
  things: Things,
  known: KnownEntries | undefined,
  read: string[],
  unhinted: ReadonlySet<string>,
): AsyncGenerator<Resource> {
  for await (const resource of resourcesOf(things)) {
    const path = resource.key.toString('latin1').split('\0').slice(1).join('/')
    const hint = Buffer.from(JSON.stringify(things[path]))
    if ((await known?.matches(resource.key, hint)) === true) {
      yield { key: resource.key, state: {}, unchanged: true, hint: () => hint }
      continue
    }
    read.push(path)
    yield { ...resource, hint: () => (unhinted.has(path) ? undefined : hint) }
  }
}

const small: Things = { '.': { state: 'dir' }, 'a.txt': { content: 'hello' }, account: { state: 'x', secret: 'hash' } }
const long = 'x'.repeat(5_000_000)
const large: Things = {
  ...manyFiles(900),
  long: { content: long },
  zero: { content: [{ holeBytes: 9_000 }, Buffer.from('end')] },
}

describe.each([
  ['stands in the snapshot object', small],
  ['lies in packs', large],
])('a map that %s', (_where, things) => {
  test('is not read again when nothing changed, and gives the same tree', async () => {
    const home = await house()
    expect(await home.night('run-1', things)).toHaveLength(Object.keys(things).length)
    expect(await home.night('run-2', things)).toEqual([])
    expect(await home.night('run-3', things)).toEqual([])
    expect(await home.root('run-3')).toBe(await home.root('run-1'))
    expect(await home.read('run-3')).toEqual(expected(things))
  })

  test('of it only what changed is read', async () => {
    const home = await house()
    await home.night('run-1', things)
    const [one = ''] = Object.keys(things).slice(1)
    const changed: Things = { ...things, [one]: { content: 'another' }, between: { content: 'new' } }
    expect((await home.night('run-2', changed)).sort()).toEqual([one, 'between'].sort())
    expect(await home.read('run-2')).toEqual(expected(changed))
    const { [one]: _gone, ...rest } = changed
    expect(await home.night('run-3', rest)).toEqual([])
    expect(await home.read('run-3')).toEqual(expected(rest))
  })

  test('what had no hint is read again, the rest is not', async () => {
    const home = await house()
    const [one = ''] = Object.keys(things).slice(1)
    await home.night('run-1', things, new Set([one]))
    expect(await home.night('run-2', things)).toEqual([one])
    expect(await home.night('run-3', things)).toEqual([])
  })

  test('damaged or lost hints cost nothing but time', async () => {
    const home = await house()
    await home.night('run-1', things)
    // As an older version would have left it: without any hint.
    const ann = await home.deployment.openSlice(ANN, { access: 'write' })
    await home.clock.advance(60_000)
    await backUp(ann, 'run-2', { files: things })
    expect(await home.night('run-3', things)).toHaveLength(Object.keys(things).length)
    expect(await home.read('run-3')).toEqual(expected(things))
  })

  test('what it names stays when prune takes the older snapshots, and packs are packed anew', async () => {
    const home = await house()
    await home.night('run-1', things)
    await home.night('run-2', things)
    const ann = await home.deployment.openSlice(ANN, { access: 'read-content' })
    await ann?.forget(['run-1.1'])
    const isRunOpen = (): Promise<boolean> => Promise.resolve(false)
    for (let round = 0; round < 3; round++) {
      await home.clock.advance(25 * 60 * 60 * 1000)
      await ann?.compact({ isRunOpen, apply: true, signal, deadShareMax: 0, deadBytesMin: 1 })
      await ann?.prune({ isRunOpen, apply: true, signal })
    }
    expect(await home.read('run-2')).toEqual(expected(things))
    expect(await home.night('run-3', things)).toEqual([])
    expect(await home.read('run-3')).toEqual(expected(things))
  })
})

test('a content whose pack is gone is read again, and stored', async () => {
  const home = await house()
  await home.night('run-1', large)
  for (const key of home.store.keys()) if (key.startsWith(`${home.prefix}packs/`)) await home.store.delete(key)
  for (const key of home.store.keys()) if (key.startsWith(`${home.prefix}index/`)) await home.store.delete(key)
  const read = await home.night('run-2', large)
  expect(read).toHaveLength(Object.keys(large).length)
  expect(await home.read('run-2')).toEqual(expected(large))
})

test('any history gives the same trees with hints as without', async () => {
  const things = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd/e', 'd/f', 'g'),
    fc.record({ state: fc.constantFrom('1', '2'), content: fc.constantFrom('', 'x', 'yy') }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(things, { minLength: 1, maxLength: 5 }), async (nights) => {
      const home = await house()
      for (const [at, night] of nights.entries()) {
        await home.night(`run-${at}`, night)
        expect(await home.read(`run-${at}`)).toEqual(expected(night))
        const plain = await house()
        await plain.night('run-0', night)
        expect(await plain.read('run-0')).toEqual(await home.read(`run-${at}`))
      }
    }),
    { numRuns: 15 },
  )
}, 60_000)
