/** A component that is read in ranges by several captures, and joined. */
import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { TorikiError } from '../../../lib/errors.ts'
import { Notes } from '../../../lib/repository/notes.ts'
import { encodeKey } from '../../../lib/resources/key.ts'
import type { Capture } from '../../../lib/repository/repository.ts'
import type { ResourceKey } from '../../../lib/resources/key.ts'
import type { Resource } from '../../../lib/resources/resource.ts'
import { condemn, packsOf } from '../../kit/condemn.ts'
import { account, contentsOf, signal, sliceHouse } from '../../kit/slice-house.ts'
import type { SliceHouse } from '../../kit/slice-house.ts'
import { backUp, expected, manyFiles, resourcesOf, storeAll } from '../../kit/slice-source.ts'
import type { Things } from '../../kit/slice-source.ts'

const RUN = 'run-1'
const of = { directory: 'the same' }
const keyOf = (path: string): ResourceKey => encodeKey('entry', path.split('/'))

/** The range's resources, each with a hint and a note; out of time behind so many. */
async function* inRange(
  capture: Capture,
  things: Things,
  notes: Notes,
  stop?: { readonly behind: number; readonly now: () => void },
): AsyncGenerator<Resource> {
  let given = 0
  const { after, until } = capture.ranges.mine!
  for await (const resource of resourcesOf(things, after)) {
    if (until !== undefined && Buffer.compare(resource.key, until) > 0) break
    if (given++ === stop?.behind) stop.now()
    notes.add({ code: 'seen', message: 'Seen.' })
    yield { ...resource, hint: () => Buffer.from('hint') }
  }
}

/** One hop of a range; `behind`: out of time behind so many resources. */
async function hop(
  { ann }: SliceHouse,
  things: Things,
  range: { number: number; hop: number },
  behind?: number,
): Promise<'kept' | 'lost' | 'whole already'> {
  const time = new AbortController()
  const capture = await ann.capture({ run: RUN, signal: time.signal, part: 0, range })
  if (capture.ranges.mine!.isWhole) return 'whole already'
  const notes = new Notes()
  const stop = behind === undefined ? undefined : { behind, now: () => time.abort(new TorikiError('deadline')) }
  try {
    await capture.storeRange(inRange(capture, things, notes, stop), { notes })
  } catch (error) {
    expect(error).toMatchObject({ code: 'deadline' })
  }
  return await capture.checkpoint()
}

async function divide(house: SliceHouse, borders: readonly string[]): Promise<void> {
  const capture = await house.ann.capture({ run: RUN, signal })
  await storeAll(capture, { keycloak: account })
  expect(await capture.divide('files', of, borders.map(keyOf))).toBe('kept')
}

async function join(house: SliceHouse) {
  const capture = await house.ann.capture({ run: RUN, signal, part: 1 })
  expect(capture.ranges.unfinished).toEqual([])
  expect(capture.ranges.of).toEqual(of)
  await capture.join()
  return await capture.commit([])
}

const things: Things = {
  ...manyFiles(900),
  long: { state: 'x'.repeat(5000) },
  sparse: { content: Array.from({ length: 40 }, (_, at) => (at % 2 ? { holeBytes: at } : Buffer.from(`${at}`))) },
}
const paths = Object.keys(things)

describe('a component that is read in ranges', () => {
  test('has the same root, sums and contents as in one pass, wherever it is cut and however often each range goes on', async () => {
    const oneGo = await sliceHouse()
    const { snapshot: whole } = await backUp(oneGo.ann, RUN, { files: things, keycloak: account })
    const arbitrary = fc.record({
      cuts: fc.uniqueArray(fc.integer({ min: 0, max: paths.length - 1 }), { minLength: 1, maxLength: 4 }),
      stops: fc.array(fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 0, max: 300 })), { maxLength: 4 }),
      first: fc.integer({ min: 0, max: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ cuts, stops, first }) => {
        const house = await sliceHouse()
        const borders = cuts.map((at) => paths[at]!).sort((a, b) => Buffer.compare(keyOf(a), keyOf(b)))
        await divide(house, borders)
        for (const [at, [number, behind]] of stops.entries())
          if (number <= borders.length + 1) await hop(house, things, { number, hop: at }, behind)
        for (let at = 0; at <= borders.length; at++) {
          const number = 1 + ((first + at) % (borders.length + 1))
          await hop(house, things, { number, hop: 9 })
        }
        const { snapshot } = await join(house)
        const { root, resources, bytes } = whole.components['files']!
        expect(snapshot.components['files']).toMatchObject({ root, resources, bytes })
        expect(await contentsOf(house, snapshot.id)).toEqual({ files: expected(things), keycloak: expected(account) })
      }),
      { numRuns: 10 },
    )
  })

  test('has the notes of all ranges, and its hints know everything the next time', async () => {
    const house = await sliceHouse()
    await divide(house, ['f000300', 'f000600'])
    for (const number of [3, 1, 2]) await hop(house, things, { number, hop: 0 })
    const { snapshot } = await join(house)
    expect(snapshot.components['files']?.notes).toMatchObject([{ code: 'seen', count: paths.length }])
    const next = await house.ann.capture({ run: 'run-2', signal })
    const known = next.known('files')!
    for (const path of [...paths].sort()) expect(await known.matches(keyOf(path), Buffer.from('hint'))).toBe(true)
  })

  test('may have ranges in which there is nothing', async () => {
    const house = await sliceHouse()
    await divide(house, ['a', 'b', 'f000300', 'y', 'z'])
    for (const number of [1, 2, 3, 4, 5, 6]) await hop(house, things, { number, hop: 0 })
    const { snapshot } = await join(house)
    expect(snapshot.components['files']?.resources).toBe(paths.length)
    const empty = await sliceHouse()
    await divide(empty, ['a'])
    for (const number of [1, 2]) await hop(empty, {}, { number, hop: 0 })
    expect((await join(empty)).snapshot.components['files']).toMatchObject({ resources: 0, bytes: 0 })
  })

  test('goes on behind what one pass had read before it was divided', async () => {
    const oneGo = await sliceHouse()
    const { snapshot: whole } = await backUp(oneGo.ann, RUN, { files: things, keycloak: account })
    const house = await sliceHouse()
    const time = new AbortController()
    const first = await house.ann.capture({ run: RUN, signal: time.signal })
    await storeAll(first, { keycloak: account })
    async function* some(): AsyncGenerator<Resource> {
      let given = 0
      for await (const resource of resourcesOf(things)) {
        if (given++ === 200) time.abort(new TorikiError('deadline'))
        yield resource
      }
    }
    await expect(first.store('files', some(), { notes: new Notes() })).rejects.toMatchObject({ code: 'deadline' })
    await first.checkpoint()
    const second = await house.ann.capture({ run: RUN, signal, part: 1 })
    expect(await second.divide('files', of, [keyOf('f000500')])).toBe('kept')
    for (const number of [1, 2]) await hop(house, things, { number, hop: 0 })
    const { snapshot } = await join(house)
    expect(snapshot.components['files']?.root).toBe(whole.components['files']?.root)
  })

  test('that another capture gives a resource of another range is an error', async () => {
    const house = await sliceHouse()
    await divide(house, ['f000300'])
    const capture = await house.ann.capture({ run: RUN, signal, range: { number: 1, hop: 0 } })
    await expect(capture.storeRange(resourcesOf(things), { notes: new Notes() })).rejects.toMatchObject({
      code: 'source-unexpected',
    })
  })
})

describe('the ranges of a plan', () => {
  test('are unfinished until each is whole, whoever asks, and a whole one is read by nobody again', async () => {
    const house = await sliceHouse()
    await divide(house, ['f000300', 'f000600'])
    const unfinished = async (): Promise<readonly number[]> =>
      (await house.ann.capture({ run: RUN, signal, part: 1 })).ranges.unfinished
    expect(await unfinished()).toEqual([1, 2, 3])
    await hop(house, things, { number: 2, hop: 0 }, 100)
    expect(await unfinished()).toEqual([1, 2, 3])
    await hop(house, things, { number: 2, hop: 1 })
    expect(await unfinished()).toEqual([1, 3])
    expect(await hop(house, things, { number: 2, hop: 0 })).toBe('whole already')
  })

  test('that two deliveries read at once end in one checkpoint', async () => {
    const house = await sliceHouse()
    await divide(house, ['f000300'])
    const both = await Promise.all([0, 1].map(() => hop(house, things, { number: 1, hop: 0 })))
    expect(both.sort()).toEqual(['kept', 'lost'])
  })

  test('do not count for another plan, nor where a pack of theirs is condemned', async () => {
    const house = await sliceHouse()
    await divide(house, ['f000300'])
    await hop(house, things, { number: 1, hop: 0 })
    const before = await packsOf(house.platform, house.deployment, 'user/ann')
    await hop(house, things, { number: 2, hop: 0 })
    const later = (await packsOf(house.platform, house.deployment, 'user/ann')).filter((pack) => !before.includes(pack))
    await condemn(house.platform, house.deployment, 'user/ann', { packs: [later[0]!] })
    const capture = await house.ann.capture({ run: RUN, signal, part: 1 })
    expect(capture.ranges.unfinished).toEqual([2])
    capture.ranges.forget()
    expect(await capture.divide('files', of, [keyOf('f000300')])).toBe('kept')
    expect((await house.ann.capture({ run: RUN, signal, part: 2 })).ranges.unfinished).toEqual([1, 2])
  })

  test('are joined by two at once to one snapshot', async () => {
    const house = await sliceHouse()
    await divide(house, ['f000300'])
    for (const number of [1, 2]) await hop(house, things, { number, hop: 0 })
    const [one, two] = await Promise.all([join(house), join(house)])
    expect(one.snapshot.id).toBe(two.snapshot.id)
    expect(one.created).not.toBe(two.created)
  })

  test('whose pack is condemned while they are joined are not committed', async () => {
    const house = await sliceHouse()
    await divide(house, ['f000300'])
    for (const number of [1, 2]) await hop(house, things, { number, hop: 0 })
    const capture = await house.ann.capture({ run: RUN, signal, part: 1 })
    await capture.join()
    const packs = await packsOf(house.platform, house.deployment, 'user/ann')
    await condemn(house.platform, house.deployment, 'user/ann', { packs: [packs[0]!] })
    await expect(capture.commit([])).rejects.toMatchObject({ code: 'capture-stale' })
  })

  test('are borders of the newest stored map, of about as many entries each, behind what is read', async () => {
    const house = await sliceHouse()
    const many = manyFiles(6000, () => 'x')
    await backUp(house.ann, 'run-0', { files: many })
    const capture = await house.ann.capture({ run: RUN, signal })
    const borders = (await capture.ranges.borders('files', 3)).map((key) => Number(key.toString('latin1').slice(-6)))
    expect(borders).toHaveLength(2)
    expect(Math.abs(borders[0]! - 2000)).toBeLessThan(700)
    expect(Math.abs(borders[1]! - 4000)).toBeLessThan(700)
    expect(await capture.ranges.borders('keycloak', 3)).toEqual([])
  })

  test('outlive a prune while the run is open, and go with it afterwards', async () => {
    const house = await sliceHouse()
    await divide(house, ['f000300'])
    for (const number of [1, 2]) await hop(house, things, { number, hop: 0 })
    const day = 86_400_000
    const prune = async (isOpen: boolean): Promise<void> => {
      for (let times = 0; times < 3; times++) {
        await house.clock.advance(8 * day)
        await house.ann.prune({ apply: true, isRunOpen: async () => isOpen, signal })
      }
    }
    await prune(true)
    const { snapshot } = await join(house)
    await prune(false)
    expect(await contentsOf(house, snapshot.id)).toEqual({ files: expected(things), keycloak: expected(account) })
    expect(house.platform.store.keys().filter((key) => key.includes('/checkpoints/'))).toEqual([])
  })
})
